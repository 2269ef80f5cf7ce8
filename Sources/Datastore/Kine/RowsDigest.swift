import Crypto
import GRDB
import GRDBSQLite
import Files

/// The digest of a datastore's rows: SHA-256 over
/// `id|name|created|deleted|create_revision|prev_revision|lease|H\n` for every row by id, where `H` is the hex
/// SHA-256 of `value`, or `-` for NULL. It says that two databases hold the same rows, whatever their pages,
/// indexes and `old_value`s.
struct RowsDigest {
    private var hasher = SHA256()
    private var line: [UInt8] = []
    private(set) var rows = 0

    init() { line.reserveCapacity(512) }

    mutating func update(_ row: KineRow, in batch: KineRowBatch) {
        line.removeAll(keepingCapacity: true)
        append(row.id)
        line.append(separator)
        line.append(contentsOf: batch.bytes(row.name))
        line.append(separator)
        append(row.created)
        line.append(separator)
        append(row.deleted)
        line.append(separator)
        append(row.createRevision)
        line.append(separator)
        append(row.previousRevision)
        line.append(separator)
        append(row.lease)
        line.append(separator)
        if row.value.isNull {
            line.append(UInt8(ascii: "-"))
        } else {
            for byte in SHA256.hash(bytes: batch.bytes(row.value)) {
                line.append(hexDigits[Int(byte >> 4)])
                line.append(hexDigits[Int(byte & 15)])
            }
        }
        line.append(UInt8(ascii: "\n"))
        line.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        rows += 1
    }

    /// The digest so far, in lower-case hex.
    var hex: String { hasher.finalize().hex }

    private mutating func append(_ number: Int64?) {
        guard let number else { return }
        if number < 0 { line.append(UInt8(ascii: "-")) }
        var magnitude = number.magnitude
        let start = line.count
        repeat {
            line.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        line[start...].reverse()
    }
}

private let separator = UInt8(ascii: "|")
private let hexDigits = Array("0123456789abcdef".utf8)

extension KineRow.Bytes {
    var isNull: Bool { type == SQLITE_NULL }
}

extension SHA256 {
    static func hash(bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        return hasher.finalize()
    }
}

/// Visits every row of a private database by id, in batches that are used again.
func eachBatch(_ db: Database, _ visit: (KineRowBatch) throws -> Void) throws {
    let batch = KineRowBatch(capacity: 1 << 20)
    var last = Int64.min
    var reachedEnd = false
    while !reachedEnd {
        batch.removeAll()
        reachedEnd = try KineReader.read(
            db, KineReader.rowsAbove, argument: last, into: batch, eliding: .max, now: { .zero }
        ) { _ in batch.byteCount < 1 << 20 }
        try visit(batch)
        last = batch.rows.last?.id ?? last
    }
}

/// The digest of every row of a private database.
func rowsDigest(of db: Database) throws -> RowsDigest {
    var digest = RowsDigest()
    try eachBatch(db) { batch in
        for row in batch.rows { digest.update(row, in: batch) }
    }
    return digest
}
