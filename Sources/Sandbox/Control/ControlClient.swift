public import Failures
internal import FoundationEssentials
internal import Glibc
internal import JSONValues

/// Speaks to a sandbox that runs in another process.
public struct ControlClient: Sendable {
    private let directory: String

    /// Names the sandbox by its directory.
    public init(directory: String) { self.directory = directory }

    static func path(_ directory: String) -> String { "\(directory)/control.sock" }

    /// What runs there, as JSON. Throws `notFound` when nothing does.
    public func status() throws(Failure) -> String { try ask(["command": .string("status")]) }

    /// Asks it to stop.
    public func down() throws(Failure) -> String { try ask(["command": .string("down")]) }

    /// Lets something go wrong on a host.
    public func inject(_ fault: HostFault, host: String) throws(Failure) -> String {
        try ask([
            "command": .string("fault"), "host": .string(host), "fault": .string(fault.kind.rawValue),
            "on": fault.target.map(JSONValue.string), "value": fault.value.map(JSONValue.string),
        ])
    }

    /// Ends faults of a host: of one kind or all, on one target or all.
    public func clear(_ kind: HostFault.Kind?, on target: String?, host: String) throws(Failure) -> String {
        try ask([
            "command": .string("clear"), "host": .string(host), "fault": kind.map { .string($0.rawValue) },
            "on": target.map(JSONValue.string),
        ])
    }

    /// Has a kubeconfig made for somebody without rights; gives its path.
    public func user(_ name: String, groups: [String], isExpired: Bool, host: String) throws(Failure) -> String {
        try ask([
            "command": .string("user"), "host": .string(host), "user": .string(name), "groups": .texts(groups),
            "expired": .bool(isExpired),
        ])
    }

    static func isAlive(_ directory: String) -> Bool {
        let raw = connected(path(directory))
        guard raw >= 0 else { return false }
        close(raw)
        return true
    }

    private static func connected(_ path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        let bytes = Array(path.utf8)
        guard bytes.count < room else { return -1 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return connect(socket: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), to: address)
    }

    private func ask(_ question: KeyValuePairs<String, JSONValue?>) throws(Failure) -> String {
        let raw = Self.connected(Self.path(directory))
        guard raw >= 0 else {
            throw Failure(
                .notFound, "no sandbox is running in \(directory)",
                next: "Start one with: daytwo-sandbox up --state \(directory)")
        }
        defer { close(raw) }
        let line = JSONValue.members(question).serialized() + [UInt8(ascii: "\n")]
        guard write(raw, line, line.count) == line.count else {
            throw Failure(.unreachable, "the sandbox in \(directory) does not listen")
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while answer.last != UInt8(ascii: "\n") {
            let count = read(raw, &buffer, buffer.count)
            guard count > 0 else { throw Failure(.unreachable, "the sandbox in \(directory) ended while it answered") }
            answer += buffer.prefix(count)
        }
        let json = try JSONValue(parsing: answer)
        if let error = json.text("error") {
            throw Failure(Failure.Code(rawValue: json.text("code") ?? "") ?? .failed, error, next: json.text("next"))
        }
        return json.text("text") ?? ""
    }
}
