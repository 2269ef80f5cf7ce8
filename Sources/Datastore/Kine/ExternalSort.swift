import Failures
import Files
import Foundation

/// Sorts records by key, then by number, in bounded memory: sorted runs go to a scratch file without a name,
/// and are merged from there.
struct ExternalSort: ~Copyable {
    /// One record while it is visited.
    struct Record {
        let key: UnsafeRawBufferPointer
        let number: Int64
        let payload: UnsafeRawBufferPointer
    }

    private let scratchDirectory: String
    private let runBytes: Int
    private var arena: ByteBuffer
    private var places: [Place] = []
    private var codes = KeyCodes()
    private var runs: [RunRange] = []
    private var spilled: OpenScratch?

    /// Where a record lies, and the code of its key.
    private struct Place {
        var code: UInt64
        let offset: Int
    }

    struct RunRange {
        let start: UInt64
        let end: UInt64
    }

    /// `runBytes` is the memory for one run.
    init(scratchDirectory: String, runBytes: Int = 12 << 20) {
        self.scratchDirectory = scratchDirectory
        self.runBytes = runBytes
        arena = ByteBuffer(capacity: runBytes + 1 << 20)
    }

    /// Adds a record; the bytes are copied.
    mutating func add(
        key: UnsafeRawBufferPointer, number: Int64, _ appendPayload: (inout ByteBuffer) -> Void
    ) throws(Failure) {
        if arena.count >= runBytes { try spill() }
        let start = arena.count
        places.append(Place(code: codes.code(of: key), offset: start))
        RecordLayout.appendHeader(keyCount: key.count, number: number, to: &arena)
        arena.append(contentsOf: key)
        let payloadStart = arena.count
        appendPayload(&arena)
        arena.set(UInt32(arena.count - payloadStart), at: start + RecordLayout.payloadCount)
    }

    /// Visits all records in order, and ends the sort.
    consuming func finish(_ visit: (Record) throws(Failure) -> Void) throws(Failure) {
        guard let spilled else {
            sortRun()
            for place in places { try visit(RecordLayout.record(in: arena.bytes, at: place.offset)) }
            return
        }
        if arena.count > 0 { try spill() }
        arena = ByteBuffer(capacity: 0)
        places = []
        var merge = try RunMerge(runs: runs, in: spilled)
        while let cursor = try merge.next() { try visit(cursor) }
    }

    private mutating func sortRun() {
        let bytes = arena.bytes
        let ranks = codes.ranks()
        for index in places.indices { places[index].code = codes.rank(places[index].code, ranks) }
        places.sort {
            guard $0.code == $1.code else { return $0.code < $1.code }
            return RecordLayout.precedes(
                RecordLayout.record(in: bytes, at: $0.offset), RecordLayout.record(in: bytes, at: $1.offset))
        }
    }

    private mutating func spill() throws(Failure) {
        sortRun()
        if spilled == nil { spilled = try OpenScratch(in: scratchDirectory) }
        guard let file = spilled else { return }
        let start = file.size
        // So few that they are still in the processor's cache when they are written.
        let piece = 128 << 10
        var output = ByteBuffer(capacity: piece + 1 << 16)
        for place in places {
            output.append(contentsOf: RecordLayout.whole(in: arena.bytes, at: place.offset))
            if output.count >= piece { try file.append(&output) }
        }
        try file.append(&output)
        runs.append(RunRange(start: start, end: file.size))
        arena.removeAll()
        places.removeAll(keepingCapacity: true)
    }
}

/// How a record lies in memory and in a run: key length, payload length (4 bytes each), number (8), key, payload.
enum RecordLayout {
    static let headerCount = 16

    /// Where the payload's length stands, which is known last.
    static let payloadCount = 4

    static func appendHeader(keyCount: Int, number: Int64, to bytes: inout ByteBuffer) {
        bytes.append(raw: UInt32(keyCount))
        bytes.append(raw: UInt32(0))
        bytes.append(raw: number)
    }

    @inline(__always)
    static func counts(in bytes: UnsafeRawBufferPointer, at offset: Int) -> (key: Int, payload: Int) {
        (
            Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)),
            Int(bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        )
    }

    @inline(__always)
    static func record(in bytes: UnsafeRawBufferPointer, at offset: Int) -> ExternalSort.Record {
        let (key, payload) = counts(in: bytes, at: offset)
        let start = offset + headerCount
        return ExternalSort.Record(
            key: UnsafeRawBufferPointer(rebasing: bytes[start..<start + key]),
            number: bytes.loadUnaligned(fromByteOffset: offset + 8, as: Int64.self),
            payload: UnsafeRawBufferPointer(rebasing: bytes[start + key..<start + key + payload]))
    }

    static func whole(in bytes: UnsafeRawBufferPointer, at offset: Int) -> UnsafeRawBufferPointer {
        let (key, payload) = counts(in: bytes, at: offset)
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + headerCount + key + payload])
    }

    @inline(__always)
    static func precedes(_ left: ExternalSort.Record, _ right: ExternalSort.Record) -> Bool {
        let common = min(left.key.count, right.key.count)
        if common > 0, let a = left.key.baseAddress, let b = right.key.baseAddress {
            let order = memcmp(a, b, common)
            if order != 0 { return order < 0 }
        }
        return left.key.count != right.key.count ? left.key.count < right.key.count : left.number < right.number
    }
}

/// A scratch file without a name that grows by appending, and can be read.
final class OpenScratch {
    private let descriptor: FileDescriptor
    private(set) var size: UInt64 = 0

    init(in directory: String) throws(Failure) {
        descriptor = try FileDescriptor.temporary(in: directory)
    }

    /// Appends the bytes and empties the buffer.
    func append(_ bytes: inout ByteBuffer) throws(Failure) {
        try descriptor.writeAll(bytes.bytes, at: size)
        size += UInt64(bytes.count)
        bytes.removeAll()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        try descriptor.readExactly(into: buffer, at: offset)
    }

    /// What was written, as a file of its own.
    func opened() throws(Failure) -> OpenFile {
        try OpenFile(descriptor.duplicate())
    }
}
