internal import Failures
internal import FoundationEssentials
internal import Glibc
internal import JSONValues

/// Speaks to an etcd by its gateway for JSON, one connection for each question.
struct EtcdClient: Sendable {
    static let port = 2379

    let address: String

    /// Asks a method such as `kv/range`.
    func call(_ method: String, _ body: KeyValuePairs<String, JSONValue?>) throws(Failure) -> JSONValue {
        let (status, answer) = try exchange("POST", "/v3/\(method)", JSONValue.members(body).serialized())
        let json = try JSONValue(parsing: answer)
        guard status == 200 else {
            throw Failure(.failed, json.text("error") ?? "etcd answered \(method) with \(status)")
        }
        return json
    }

    /// Whether it has a leader and can write.
    var isHealthy: Bool {
        do throws(Failure) {
            let (status, answer) = try exchange("GET", "/health", [])
            guard status == 200 else { return false }
            return try JSONValue(parsing: answer).text("health") == "true"
        } catch {
            return false
        }
    }

    // HTTP/1.0 is answered whole, and the end of the connection is the end of the answer.
    private func exchange(_ method: String, _ path: String, _ body: [UInt8]) throws(Failure) -> (Int, [UInt8]) {
        let raw = connected()
        guard raw >= 0 else { throw Failure(.unreachable, "etcd does not listen on \(address):\(Self.port)") }
        defer { close(raw) }
        let head =
            "\(method) \(path) HTTP/1.0\r\nHost: \(address)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        let whole = Array(head.utf8) + body
        var sent = 0
        while sent < whole.count {
            let count = whole[sent...].withUnsafeBytes { send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(.unreachable, "etcd on \(address) does not listen any more") }
            sent += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(raw, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(.unreachable, "etcd on \(address) does not answer") }
            if count == 0 { break }
            answer += buffer.prefix(count)
        }
        guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)),
            let status = Int(String(decoding: answer.prefix(12), as: UTF8.self).suffix(3))
        else { throw Failure(.unreachable, "etcd on \(address) ended while it answered") }
        return (status, Array(answer[end.upperBound...]))
    }

    private func connected() -> Int32 {
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(UInt16(Self.port).bigEndian)
        guard inet_pton(AF_INET, address, &place.sin_addr) == 1 else { return -1 }
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return -1 }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return connect(socket: raw, to: place)
    }
}
