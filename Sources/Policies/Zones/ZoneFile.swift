internal import Failures

/// A TZif file, version 2 or later (RFC 9636, section 3). Everything is checked before it is used.
struct ZoneFile {
    static let magic = Array("TZif".utf8)

    private let bytes: [UInt8]
    private var position = 0

    private struct Counts {
        var utcIndicators: Int
        var standardIndicators: Int
        var leaps: Int
        var changes: Int
        var types: Int
        var characters: Int
    }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    struct Contents {
        var initialOffset: Int
        var changes: [TimeZoneRules.Change]
        var footer: PosixTimeZone?
    }

    mutating func contents() throws(Failure) -> Contents {
        let old = try header()
        // The first block has times of four bytes; all later versions repeat it in full after that.
        try skip(
            old.changes * 5 + old.types * 6 + old.characters + old.leaps * 8 + old.standardIndicators
                + old.utcIndicators)
        let counts = try header()
        guard counts.leaps == 0 else { throw Self.refuse("it counts leap seconds, which clocks here do not") }
        guard counts.types > 0 else { throw Self.refuse("it has no offsets") }
        var times: [Int] = []
        times.reserveCapacity(min(counts.changes, bytes.count / 8))
        for _ in 0..<counts.changes { times.append(try integer(8)) }
        guard zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw Self.refuse("its changes are not in order")
        }
        let indices = try take(counts.changes)
        var offsets: [Int] = []
        for _ in 0..<counts.types {
            let offset = try integer(4)
            guard abs(offset) < PosixTimeZone.largestOffset else {
                throw Self.refuse("it has an offset of \(offset) s")
            }
            offsets.append(offset)
            try skip(2)
        }
        guard indices.allSatisfy({ Int($0) < offsets.count }) else {
            throw Self.refuse("it names an offset that it lacks")
        }
        try skip(counts.characters + counts.standardIndicators + counts.utcIndicators)
        let changes = zip(times, indices).map { TimeZoneRules.Change(at: $0, offset: offsets[Int($1)]) }
        return Contents(initialOffset: offsets[0], changes: changes, footer: try footer())
    }

    private mutating func header() throws(Failure) -> Counts {
        guard try Array(take(4)) == Self.magic else { throw Self.refuse("it is no TZif file") }
        guard let version = try take(1).first, version >= UInt8(ascii: "2") else {
            throw Self.refuse("it is of version 1, which says nothing of the future")
        }
        try skip(15)
        return Counts(
            utcIndicators: try count(), standardIndicators: try count(), leaps: try count(), changes: try count(),
            types: try count(), characters: try count())
    }

    private mutating func footer() throws(Failure) -> PosixTimeZone? {
        guard try take(1).first == UInt8(ascii: "\n"), let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
        else { throw Self.refuse("its last line is cut") }
        let text = bytes[position..<end]
        if text.isEmpty { return nil }
        guard let rule = PosixTimeZone(text) else {
            throw Self.refuse("its rule \(String(decoding: text.prefix(80), as: UTF8.self).debugDescription) is none")
        }
        return rule
    }

    private mutating func count() throws(Failure) -> Int {
        let count = try integer(4)
        // More than the file has bytes is refused before it is added up.
        guard count >= 0, count <= bytes.count else { throw Self.refuse("it is cut") }
        return count
    }

    private mutating func integer(_ size: Int) throws(Failure) -> Int {
        var value: UInt64 = 0
        for byte in try take(size) { value = value << 8 | UInt64(byte) }
        return size == 4 ? Int(Int32(truncatingIfNeeded: value)) : Int(Int64(bitPattern: value))
    }

    private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw Self.refuse("it is cut") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func skip(_ count: Int) throws(Failure) { _ = try take(count) }

    private static func refuse(_ why: String) -> Failure { Failure(.failed, why) }
}

extension TimeZoneRules {
    /// A zone from the bytes of its TZif file.
    init(name: String, zoneFile bytes: [UInt8]) throws(Failure) {
        var file = ZoneFile(bytes)
        let contents = try file.contents()
        // Some writers put a first change at the "big bang"; no calendar can compute with that.
        let changes = contents.changes.map {
            Change(at: min(max($0.at, -Self.farthest), Self.farthest), offset: $0.offset)
        }
        self.init(name: name, initialOffset: contents.initialOffset, changes: changes, footer: contents.footer)
    }
}
