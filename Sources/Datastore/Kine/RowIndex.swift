import Failures
import Foundation

/// What is derived from every row on its way, in one pass by id: the digest of the rows, and one line for each
/// live object, which are sorted by key at the end.
///
/// The row with the largest id of a name is the live one, unless it is a deletion; `compact_rev_key` is kine's
/// own and no key. A compaction that runs meanwhile takes out rows that newer ones supersede, and deletions with all
/// that came before them: so a key whose newest row that was seen is gone at the end was deleted, by a row that was
/// never seen.
final class RowIndex: @unchecked Sendable {
    // Sound: one thread digests and one adds lines, each with its own properties, until they are joined.
    private(set) var digest = RowsDigest()
    private var sort: ExternalSort?
    private var writer = ObjectLineWriter(uids: .ofVolumes)
    private let scratchDirectory: String

    init(scratchDirectory: String) {
        self.scratchDirectory = scratchDirectory
        sort = ExternalSort(scratchDirectory: scratchDirectory)
    }

    func add(_ batch: KineRowBatch) throws(Failure) {
        digestRows(batch)
        try addLines(batch)
    }

    func digestRows(_ batch: KineRowBatch) { digest.update(batch) }

    func addLines(_ batch: KineRowBatch) throws(Failure) {
        guard var sort = sort.take() else { throw Failure(.failed, "the rows were already sorted") }
        // Owned here for the loop, which is then free of the checks that a class's properties need.
        var writer = ObjectLineWriter()
        swap(&writer, &self.writer)
        for row in batch.rows {
            let key = batch.bytes(row.name)
            guard !KineReader.isCompactKey(key) else { continue }
            let value = batch.bytes(row.value)
            try sort.add(key: key, number: row.id) { payload in
                ObjectRecord.append(
                    key: key, value: value, isDeletion: row.deleted != 0, writer: &writer,
                    to: &payload)
            }
        }
        swap(&writer, &self.writer)
        self.sort = consume sort
    }

    /// Sorts, and writes `objects.ndjson` into a scratch file, or into a spool when it is large. `identifiers`: the ids of
    /// all rows there are at the end, in ascending order; nil when none that was seen is gone.
    func finish(
        identifiers: [Int64]? = nil, spool: ObjectsOutput.MakeSpool? = nil
    ) throws(Failure) -> (contents: DatastoreContents, objects: ObjectsFile) {
        var output = ObjectsOutput(scratchDirectory: scratchDirectory, spool: spool)
        var gathering = ContentsGathering()
        var last = PendingLine()
        guard let sort = sort.take() else { throw Failure(.failed, "the rows were already sorted") }
        try sort.finish { (record) throws(Failure) in
            // Records of one key follow each other by id: the last of them speaks.
            if !last.isEmpty, !last.hasKey(record.key) { try last.settle(&gathering, &output, identifiers) }
            last.take(record)
        }
        if !last.isEmpty { try last.settle(&gathering, &output, identifiers) }
        return (gathering.finished(), try output.finish())
    }
}

/// The last record seen, until one with another key follows.
private struct PendingLine: ~Copyable {
    private var key = ByteBuffer(capacity: 256)
    private var payload = ByteBuffer(capacity: 4096)
    private var revision: Int64 = 0
    private(set) var isEmpty = true

    func hasKey(_ other: UnsafeRawBufferPointer) -> Bool { equal(key.bytes, other) }

    mutating func take(_ record: ExternalSort.Record) {
        key.removeAll()
        key.append(contentsOf: record.key)
        payload.removeAll()
        payload.append(contentsOf: record.payload)
        revision = record.number
        isEmpty = false
    }

    mutating func settle(
        _ gathering: inout ContentsGathering, _ output: inout ObjectsOutput, _ identifiers: [Int64]?
    ) throws(Failure) {
        isEmpty = true
        let record = ObjectRecord(payload.bytes)
        guard !record.isDeletion, identifiers?.holds(revision) ?? true else { return }
        gathering.add(key: key.bytes, record)
        try output.appendLine(key: key.bytes, revision: revision, rest: record.restOfLine)
    }
}

extension [Int64] {
    /// Whether an ascending list holds a number.
    fileprivate func holds(_ number: Int64) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == number
    }
}
