import Failures
import Foundation

/// Tells systemd how a service stands: sd_notify(3), datagrams to the socket in `NOTIFY_SOCKET`.
struct SystemdNotification {
    private let socketPath: String?
    /// How often systemd wants a sign of life, at least; nil when it watches nothing.
    let watchdogInterval: Duration?

    /// Reads where systemd listens, from the environment that it gives to a service.
    init() {
        socketPath = Environment.notifySocket.value
        // Half the interval, as sd_watchdog_enabled(3) recommends.
        watchdogInterval = Environment.watchdogMicroseconds.value.flatMap(Int64.init).map { .microseconds($0 / 2) }
    }

    /// Ready to work.
    func ready() { send("READY=1\nSTATUS=running") }

    /// Alive, and what it does.
    func alive(_ status: String) { send("WATCHDOG=1\nSTATUS=\(status)") }

    /// About to end.
    func stopping() { send("STOPPING=1") }

    /// A service manager that does not listen is its own trouble, and no reason to end.
    private func send(_ text: String) {
        guard let socketPath, socketPath.utf8.count < 108 else { return }
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(socketPath.utf8)
        // A name that begins with @ is in the abstract namespace.
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(socket, text, text.utf8.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
