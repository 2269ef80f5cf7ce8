import Failures
import GRDB
import GRDBSQLite

/// One row of kine's table as it lies in a batch; names and values are ranges of the batch's bytes.
struct KineRow {
    /// A text or blob column: where its bytes lie, and what SQLite stored. Of a number, they are its text, and its
    /// eight bytes follow.
    struct Bytes {
        var start = 0
        var count = 0
        var type = SQLITE_NULL

        /// The column's type in a record (sqlite.org/fileformat2.html, 2.1).
        var serialType: Int {
            switch type {
            case SQLITE_NULL: 0
            case SQLITE_INTEGER: 6
            case SQLITE_FLOAT: 7
            case SQLITE_BLOB: RecordHead.type(ofBlob: count)
            default: RecordHead.type(ofText: count)
            }
        }
    }

    var id: Int64 = 0
    var created: Int64?
    var deleted: Int64?
    var createRevision: Int64?
    var previousRevision: Int64?
    var lease: Int64?
    var name = Bytes()
    var value = Bytes()
    var oldValue = Bytes()
}

/// Rows on their way from one database to another, in memory that is used again for each batch.
final class KineRowBatch: @unchecked Sendable {
    // Sound: a batch is on one thread at a time; the queues between them hand it over.
    private(set) var rows: [KineRow] = []
    private var storage: UnsafeMutableRawBufferPointer
    private var used = 0

    init(capacity: Int) {
        storage = .allocate(byteCount: capacity, alignment: 16)
        rows.reserveCapacity(4096)
    }

    deinit { storage.deallocate() }

    var isEmpty: Bool { rows.isEmpty }
    var byteCount: Int { used }

    func removeAll() {
        rows.removeAll(keepingCapacity: true)
        used = 0
    }

    func bytes(_ field: KineRow.Bytes) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: storage[field.start..<field.start + field.count])
    }

    /// The bytes of a column as a record holds them.
    func stored(_ field: KineRow.Bytes) -> UnsafeRawBufferPointer {
        guard field.type == SQLITE_INTEGER || field.type == SQLITE_FLOAT else { return bytes(field) }
        let start = field.start + field.count
        return UnsafeRawBufferPointer(rebasing: storage[start..<start + 8])
    }

    /// Copies the current row of a statement over `SELECT id, name, created, deleted, create_revision,
    /// prev_revision, lease, value, old_value`.
    func append(_ statement: OpaquePointer) throws(Failure) {
        var row = KineRow(id: sqlite3_column_int64(statement, 0))
        row.name = copy(statement, 1)
        row.created = try integer(statement, 2, row.id)
        row.deleted = try integer(statement, 3, row.id)
        row.createRevision = try integer(statement, 4, row.id)
        row.previousRevision = try integer(statement, 5, row.id)
        row.lease = try integer(statement, 6, row.id)
        row.value = copy(statement, 7)
        row.oldValue = copy(statement, 8)
        rows.append(row)
    }

    private func integer(_ statement: OpaquePointer, _ column: Int32, _ id: Int64) throws(Failure) -> Int64? {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return sqlite3_column_int64(statement, column)
        case SQLITE_NULL: return nil
        default:
            throw Failure(
                .failed, "row \(id) of the datastore is not one that kine writes",
                why: "column '\(KineSchema.columns[Int(column)])' holds no whole number",
                next: "check the database with sqlite3 and PRAGMA integrity_check")
        }
    }

    private func copy(_ statement: OpaquePointer, _ column: Int32) -> KineRow.Bytes {
        let type = sqlite3_column_type(statement, column)
        switch type {
        case SQLITE_NULL: return KineRow.Bytes()
        case SQLITE_BLOB:
            let bytes = sqlite3_column_blob(statement, column)
            return copy(bytes, Int(sqlite3_column_bytes(statement, column)), type)
        case SQLITE_TEXT:
            let bytes = sqlite3_column_text(statement, column)
            return copy(bytes, Int(sqlite3_column_bytes(statement, column)), type)
        default:
            // A number in a text column (kine once declared name as INTEGER) is read as its text.
            let number =
                type == SQLITE_INTEGER
                ? UInt64(bitPattern: sqlite3_column_int64(statement, column))
                : sqlite3_column_double(statement, column).bitPattern
            let bytes = sqlite3_column_text(statement, column)
            let text = copy(bytes, Int(sqlite3_column_bytes(statement, column)), type)
            withUnsafeBytes(of: number.bigEndian) { _ = copy($0.baseAddress, 8, type) }
            return text
        }
    }

    private func copy(_ bytes: UnsafeRawPointer?, _ count: Int, _ type: Int32) -> KineRow.Bytes {
        reserve(count)
        let start = used
        if let bytes, count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: storage[start...])
                .copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count))
        }
        used += count
        return KineRow.Bytes(start: start, count: count, type: type)
    }

    private func reserve(_ count: Int) {
        guard used + count > storage.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(storage.count * 2, used + count), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<used]))
        storage.deallocate()
        storage = larger
    }
}
