import Failures

/// Takes the lines of a watch out of the pieces in which they come.
struct WatchLines {
    /// An object is at most some megabytes (etcd), so a longer line is none.
    static let longest = 16 << 20

    private var pending: [UInt8] = []
    /// Where nothing was looked for yet: a piece may be one byte.
    private var searched = 0

    /// Appends a piece, and gives the lines that it completes; empty ones are dropped.
    ///
    /// Throws `refused` for a line that is too long.
    mutating func take(_ piece: [UInt8], longest: Int = WatchLines.longest) throws(Failure) -> [[UInt8]] {
        pending += piece
        var lines: [[UInt8]] = []
        var start = 0
        while let end = pending[max(searched, start)...].firstIndex(of: UInt8(ascii: "\n")) {
            if end > start { lines.append(Array(pending[start..<end])) }
            start = end + 1
            searched = start
        }
        pending.removeFirst(start)
        searched = pending.count
        guard pending.count <= longest, lines.allSatisfy({ $0.count <= longest }) else {
            throw Failure(.refused, "an event of the watch is longer than \(longest) bytes")
        }
        return lines
    }
}
