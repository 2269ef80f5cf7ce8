internal import JSONValues
internal import Synchronization

/// What an API was asked, and how many bytes of bodies it answered with, so that a client's economy can be measured.
final class Traffic: Sendable {
    private let counts = Mutex((requests: 0, bytes: 0))

    func asked() { counts.withLock { $0.requests += 1 } }
    func sent(_ bytes: Int) { counts.withLock { $0.bytes += bytes } }

    var summary: JSONValue {
        let (requests, bytes) = counts.withLock { $0 }
        return .members(["requests": .integer(Int64(requests)), "bytes": .integer(Int64(bytes))])
    }
}
