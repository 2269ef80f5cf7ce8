import GRDBSQLite
import Failures
import Files

/// Writes a database that holds kine's table and nothing else, page by page, without SQLite: rows come in the order of
/// their ids and never change, so each page is written once (sqlite.org/fileformat2.html).
struct KinePages: ~Copyable {
    private var file: PageFile
    private let layout: CellLayout
    private var table: TableTree
    private var head = RecordHead()
    private let schema: KineSchema

    init(_ spool: any PageSpool, schema: KineSchema) {
        file = PageFile(spool, pageSize: schema.pageSize)
        layout = CellLayout(pageSize: schema.pageSize)
        table = TableTree(layout)
        self.schema = schema
    }

    /// Appends rows, each with a larger id than the one before.
    mutating func append(_ batch: KineRowBatch) throws(Failure) {
        for row in batch.rows {
            head.removeAll()
            head.append(type: 0)  // an id that is the key of the table is NULL in the record
            head.append(batch.stored(row.name), type: row.name.serialType)
            head.append(row.created)
            head.append(row.deleted)
            head.append(row.createRevision)
            head.append(row.previousRevision)
            head.append(row.lease)
            head.append(type: row.value.serialType)
            head.append(type: row.oldValue.serialType)
            let record = RecordParts(
                head: head.finished(), value: batch.stored(row.value), oldValue: batch.stored(row.oldValue))
            try table.append(id: row.id, record, to: &file)
        }
    }

    /// Ends the table, adds SQLite's own for AUTOINCREMENT, and writes page 1; returns the
    /// file.
    mutating func finish(sequence: Int64) throws(Failure) -> any ByteSource {
        let kineRoot = try table.finish(in: &file)
        var counters = TableTree(layout)
        head.removeAll()
        head.append(text: "kine")
        head.append(sequence)
        try counters.append(id: 1, RecordParts(head: head.finished()), to: &file)
        let countersRoot = try counters.finish(in: &file)

        var first = try schemaPage([
            SchemaRow(name: "kine", root: kineRoot, sql: schema.tableSQL),
            SchemaRow(name: "sqlite_sequence", root: countersRoot, sql: "CREATE TABLE sqlite_sequence(name,seq)"),
        ])
        return try file.finish { pages in
            first.withUnsafeMutableBytes { DatabaseHeader.fill($0, pages: pages) }
            return first
        }
    }

    /// Page 1: the schema where it fits beside the file's header, else the way to it. Page 1 is the only page that may
    /// have a right-most pointer and no cells.
    private mutating func schemaPage(_ rows: [SchemaRow]) throws(Failure) -> [UInt8] {
        var page = PageBuilder(pageSize: layout.pageSize, kind: .leaf, headerStart: DatabaseHeader.count)
        var largest = 0
        for (index, row) in rows.enumerated() {
            largest = max(largest, layout.cellCount(id: Int64(index + 1), record(row)))
        }
        guard page.hasRoom(for: largest, cells: rows.count) else {
            var tree = TableTree(layout)
            for (index, row) in rows.enumerated() { try tree.append(id: Int64(index + 1), record(row), to: &file) }
            var way = PageBuilder(pageSize: layout.pageSize, kind: .interior, headerStart: DatabaseHeader.count)
            way.rightMost = try tree.finish(in: &file)
            return Array(way.finished())
        }
        for (index, row) in rows.enumerated() {
            let (id, record) = (Int64(index + 1), record(row))
            try layout.write(id: id, record, to: page.add(layout.cellCount(id: id, record)), &file)
        }
        return Array(page.finished())
    }

    /// A row of sqlite_schema (fileformat2, 2.6).
    private struct SchemaRow {
        let name: String
        let root: Int
        let sql: String
    }

    private mutating func record(_ row: SchemaRow) -> RecordParts {
        head.removeAll()
        head.append(text: "table")
        head.append(text: row.name)
        head.append(text: row.name)
        head.append(Int64(row.root))
        head.append(text: row.sql)
        return RecordParts(head: head.finished())
    }
}

/// The first 100 bytes of a database file (fileformat2, 1.3).
private enum DatabaseHeader {
    static let count = 100

    static func fill(_ page: UnsafeMutableRawBufferPointer, pages: Int) {
        page[..<count].initializeMemory(as: UInt8.self, repeating: 0)
        page.copyBytes(from: "SQLite format 3\0".utf8)
        page.store(bigEndian: UInt16(page.count == 65536 ? 1 : page.count), at: 16)
        page[18] = 1  // written and read with a rollback journal; kine turns the log on
        page[19] = 1
        page[21] = 64  // the fractions of a payload, which are fixed
        page[22] = 32
        page[23] = 32
        let numbers: [(Int, UInt32)] = [
            (24, 1),  // changes of the file
            (28, UInt32(truncatingIfNeeded: pages)),
            (40, 1),  // changes of the schema
            (44, 4),  // the schema's format: integers 0 and 1 without bytes
            (56, 1),  // UTF-8
            (92, 1),  // the change for which the number of pages holds
            (96, UInt32(bitPattern: sqlite3_libversion_number())),
        ]
        for (offset, number) in numbers { page.store(bigEndian: number, at: offset) }
    }
}
