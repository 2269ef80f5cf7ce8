import Failures
import Files

/// Reads a channel through a buffer.
struct ChannelReader {
    private let channel: any AgentChannel
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private var available: Range<Int> = 0..<0

    init(_ channel: any AgentChannel) { self.channel = channel }

    /// The next byte; nil at the end.
    mutating func byte() throws(Failure) -> UInt8? {
        guard try fill() else { return nil }
        defer { available = available.dropFirst() }
        return buffer[available.lowerBound]
    }

    /// So many bytes; nil where the stream ends before the first. Throws `unreachable` where it ends between two.
    mutating func bytes(_ count: Int) throws(Failure) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            guard try fill() else {
                if result.isEmpty { return nil }
                throw Self.cut
            }
            let piece = available.prefix(count - result.count)
            result += buffer[piece]
            available = piece.upperBound..<available.upperBound
        }
        return result
    }

    /// What follows on the same line, for a message about it: no failure of the channel is more telling.
    mutating func rest(of limit: Int) -> [UInt8] {
        var result: [UInt8] = []
        do throws(Failure) {
            while result.count < limit, let byte = try byte(), byte != UInt8(ascii: "\n") { result.append(byte) }
        } catch {
            return result
        }
        return result
    }

    static var cut: Failure {
        Failure(.unreachable, "the connection was cut", why: "it ended in the middle", next: "run it again")
    }

    private mutating func fill() throws(Failure) -> Bool {
        guard available.isEmpty else { return true }
        let channel = channel
        let count = try buffer.withMutableBytes { bytes throws(Failure) in try channel.receive(into: bytes) }
        available = 0..<count
        return count > 0
    }
}
