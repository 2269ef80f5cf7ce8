import Crypto
import GRDB
import GRDBSQLite
import Files

/// The digest of a datastore's rows: SHA-256 over
/// `id|name|created|deleted|create_revision|prev_revision|lease|H\n` for every row by id, where `H` is the hex
/// SHA-256 of `value`, or `-` for NULL. It says that two databases hold the same rows, whatever their pages,
/// indexes and `old_value`s.
struct RowsDigest: ~Copyable {
    private var hasher = SHA256()
    private var lines = ByteBuffer(capacity: 1 << 16)
    private(set) var rows = 0

    mutating func update(_ batch: KineRowBatch) {
        for row in batch.rows { update(row, in: batch) }
        hasher.update(bufferPointer: lines.bytes)
        lines.removeAll()
    }

    private mutating func update(_ row: KineRow, in batch: KineRowBatch) {
        append(row.id)
        lines.append(contentsOf: batch.bytes(row.name))
        lines.append(separator)
        append(row.created)
        append(row.deleted)
        append(row.createRevision)
        append(row.previousRevision)
        append(row.lease)
        if row.value.isNull {
            lines.append(UInt8(ascii: "-"))
        } else {
            SHA256.hash(bytes: batch.bytes(row.value)).withUnsafeBytes { digest in
                for byte in digest {
                    lines.append(hexDigit(byte >> 4))
                    lines.append(hexDigit(byte & 15))
                }
            }
        }
        lines.append(UInt8(ascii: "\n"))
        rows += 1
    }

    /// The digest so far, in lower-case hex.
    var hex: String { hasher.finalize().hex }

    private mutating func append(_ number: Int64?) {
        if let number { JSONText.append(number: number, to: &lines) }
        lines.append(separator)
    }
}

private let separator = UInt8(ascii: "|")

@inline(__always)
private func hexDigit(_ half: UInt8) -> UInt8 {
    half < 10 ? UInt8(ascii: "0") &+ half : UInt8(ascii: "a") &- 10 &+ half
}

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
func rowsDigest(of db: Database) throws -> (hex: String, rows: Int) {
    var digest = RowsDigest()
    try eachBatch(db) { digest.update($0) }
    return (digest.hex, digest.rows)
}
