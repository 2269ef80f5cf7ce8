import Crypto
import Failures
public import Files
import Foundation

/// What is derived from every row on its way, in one pass by id: the digest of the rows, and one line for each
/// live object, which are sorted by key at the end.
///
/// The row with the largest id of a name is the live one, unless it is a deletion; `compact_rev_key` is kine's
/// own and no key. Rows that a compaction takes out meanwhile do not change that: it only removes rows that
/// newer ones supersede, and deletions with all that came before them.
final class RowIndex: @unchecked Sendable {
    // Sound: the thread that derives has it for itself until it is joined.
    private(set) var digest = RowsDigest()
    private var sort: ExternalSort?
    private var writer = ObjectLineWriter()
    private let scratchDirectory: String

    init(scratchDirectory: String) {
        self.scratchDirectory = scratchDirectory
        sort = ExternalSort(scratchDirectory: scratchDirectory)
    }

    func add(_ batch: KineRowBatch) throws(Failure) {
        for row in batch.rows {
            digest.update(row, in: batch)
            try addLine(row, batch)
        }
    }

    private func addLine(_ row: KineRow, _ batch: KineRowBatch) throws(Failure) {
        let key = batch.bytes(row.name)
        guard !key.elementsEqual(KineReader.compactKey) else { return }
        let value = batch.bytes(row.value)
        let isDeletion = row.deleted != 0
        try sort?.add(key: key, number: row.id) { payload in
            ObjectRecord.append(
                key: key, revision: row.id, value: value, isDeletion: isDeletion, writer: &writer, to: &payload)
        }
    }

    /// Sorts, and writes `objects.ndjson` into a scratch file.
    func finish() throws(Failure) -> (contents: DatastoreContents, objects: ObjectsFile) {
        var output = ObjectsOutput(try OpenScratch(in: scratchDirectory))
        var gathering = ContentsGathering()
        var last = PendingLine()
        guard let sort = sort.take() else { throw Failure(.failed, "the rows were already sorted") }
        try sort.finish { (record) throws(Failure) in
            // Records of one key follow each other by id: the last of them speaks.
            if !last.isEmpty, !last.hasKey(record.key) { try last.settle(&gathering, &output) }
            last.take(record)
        }
        if !last.isEmpty { try last.settle(&gathering, &output) }
        return (gathering.finished(), try output.finish())
    }
}

/// `objects.ndjson` in a scratch file without a name.
public struct ObjectsFile: Sendable {
    /// Its bytes.
    public let file: OpenFile
    /// Its SHA-256, in hex.
    public let sha256: String
}

/// The last record seen, until one with another key follows.
private struct PendingLine {
    private var key: [UInt8] = []
    private var payload: [UInt8] = []
    private var revision: Int64 = 0
    private(set) var isEmpty = true

    func hasKey(_ other: UnsafeRawBufferPointer) -> Bool {
        key.count == other.count
            && key.withUnsafeBytes { mine in
                guard let a = mine.baseAddress, let b = other.baseAddress else { return true }
                return memcmp(a, b, mine.count) == 0
            }
    }

    mutating func take(_ record: ExternalSort.Record) {
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: record.key)
        payload.removeAll(keepingCapacity: true)
        payload.append(contentsOf: record.payload)
        revision = record.number
        isEmpty = false
    }

    mutating func settle(_ gathering: inout ContentsGathering, _ output: inout ObjectsOutput) throws(Failure) {
        isEmpty = true
        let (key, payload) = (key, payload)
        try payload.withBytes { (payload) throws(Failure) in
            let record = ObjectRecord(payload)
            guard !record.isDeletion else { return }
            key.withUnsafeBytes { gathering.add(key: $0, record) }
            try output.append(record.line)
        }
    }
}

/// Collects lines, and writes and hashes them in large pieces.
struct ObjectsOutput {
    private let scratch: OpenScratch
    private var buffer: [UInt8] = []
    private var hasher = SHA256()

    init(_ scratch: OpenScratch) {
        self.scratch = scratch
        buffer.reserveCapacity(1 << 20 + 1 << 16)
    }

    mutating func append(_ line: UnsafeRawBufferPointer) throws(Failure) {
        buffer.append(contentsOf: line)
        if buffer.count >= 1 << 20 { try flush() }
    }

    private mutating func flush() throws(Failure) {
        buffer.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        try scratch.append(&buffer)
    }

    mutating func finish() throws(Failure) -> ObjectsFile {
        try flush()
        return ObjectsFile(file: try scratch.opened(), sha256: hasher.finalize().hex)
    }
}
