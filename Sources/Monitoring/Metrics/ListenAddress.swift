public import Failures
internal import Glibc

/// A numeric address and a port to listen on: `127.0.0.1:9920`, `[::1]:9920`, `localhost:9920`. Port 0 takes a free one.
public struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// The address, IPv4 or IPv6 without brackets.
    public let host: String
    /// The port.
    public let port: UInt16

    /// The address as it is written.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Reads an address. Throws `usage` for a name, which could be any machine's tomorrow, or a missing port.
    public init(_ text: String) throws(Failure) {
        let colon = text.lastIndex(of: ":")
        var host = String(colon.map { text[..<$0] } ?? "")
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" { host = "127.0.0.1" }
        guard let colon, let port = UInt16(text[text.index(after: colon)...]), Self.family(of: host) != nil else {
            throw Failure(
                .usage, "cannot listen on \(text.debugDescription)", why: "it is not a numeric address and a port",
                next: "Write it like 127.0.0.1:9920 or [::1]:9920.")
        }
        self.host = host
        self.port = port
    }

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Calls `body` with the address as the system has it.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if Self.family(of: host) == AF_INET6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    var family: Int32 { Self.family(of: host) ?? AF_INET }

    private static func family(of host: String) -> Int32? {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return AF_INET }
        return inet_pton(AF_INET6, host, &six) == 1 ? AF_INET6 : nil
    }
}
