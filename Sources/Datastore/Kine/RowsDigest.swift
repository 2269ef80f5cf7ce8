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
            let digest = SHA256.hash(bytes: batch.bytes(row.value)).withUnsafeBytes { digest in
                digest.loadUnaligned(as: SIMD8<UInt32>.self)
            }
            for index in digest.indices { lines.append(raw: hexDigits(UInt32(bigEndian: digest[index])).bigEndian) }
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

/// The eight digits of a number, the first of them in the most significant byte.
@inline(__always)
private func hexDigits(_ number: UInt32) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var halves = UInt64(number)
    halves = (halves << 16 | halves) & 0x0000_FFFF_0000_FFFF
    halves = (halves << 8 | halves) & 0x00FF_00FF_00FF_00FF
    halves = (halves << 4 | halves) & 0x0F0F_0F0F_0F0F_0F0F
    // Six more carry from ten on: those are letters, which lie 39 behind the digits.
    let letters = (halves &+ 6 &* ones) >> 4 & ones
    return halves &+ 0x30 &* ones &+ 39 &* letters
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
