import Failures
import Foundation
import GRDB
import Threads

/// One hot copy under way: rows go into the spool in short reads, and a closing transaction fixes the revision.
struct HotCopy {
    /// What the closing transaction fixed.
    struct Closing {
        var window: KineWindow
        var compactRows: [KineReader.CompactRow]
        /// Every id of the source, where the copied ones differ from them; nil where they are the same.
        var identifiers: [Int64]?
    }

    let source: KineConnection
    let spool: SpoolWriter
    let index: RowIndex
    let options: SnapshotOptions
    let coveringIndex: Bool
    private(set) var reader: KineReader
    /// Old values at or below it were left out while copying.
    private(set) var firstCompactRevision: Int64 = 0
    private var lastRevision = Int64.min
    private var copied = RevisionSet()
    private var bytes = 0
    private var target: Int64 = 0

    init(
        source: KineConnection, spool: SpoolWriter, index: RowIndex, options: SnapshotOptions, coveringIndex: Bool
    ) {
        self.source = source
        self.spool = spool
        self.index = index
        self.options = options
        self.coveringIndex = coveringIndex
        reader = KineReader(source, options: options)
    }

    /// Copies everything and returns what the closing transaction fixed; the spool then holds every row of
    /// the source, and perhaps some that have left it since.
    mutating func run() throws(Failure) -> Closing {
        let source = source
        let (newest, compactRevision) = try reader.measured { () throws(Failure) in
            try source.readTransaction { db in
                (
                    try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0,
                    // Without an index the name would cost a scan: old values are then left out at the end.
                    try namesHaveIndex(db) ? try compactRevisionByName(db) : 0
                )
            }
        }
        target = newest
        firstCompactRevision = compactRevision

        // A writer may add rows while one pass reads; each round has fewer left than the one before.
        for _ in 0..<1000 {
            try copyRows()
            guard let closing = try attemptClosing() else { continue }
            guard let late = try lateRows(closing) else { continue }
            try take(late)
            return closing
        }
        throw Failure(
            .failed, "the datastore \(source.path) changes faster than it can be read",
            next: "try again when the cluster is less busy, or from a faster disk")
    }

    // MARK: Rows in short reads

    /// Three threads: this one reads, one writes the spool and the digest, one derives the lines.
    private mutating func copyRows() throws(Failure) {
        let (read, inserted) = (HandoffQueue<KineRowBatch>(limit: 2), HandoffQueue<KineRowBatch>(limit: 2))
        let empty = HandoffQueue<KineRowBatch>(limit: 4)
        for _ in 0..<4 { _ = empty.put(KineRowBatch(capacity: options.batchBytes + 1 << 18)) }
        let (spool, index) = (spool, index)
        let inserting = try OwnedThread { () throws(Failure) in
            defer { inserted.close() }
            try pass(read, to: inserted) { (batch) throws(Failure) in
                try spool.insert(batch)
                index.digestRows(batch)
            }
        }
        let deriving: OwnedThread
        do throws(Failure) {
            deriving = try OwnedThread { () throws(Failure) in
                defer { empty.close() }
                try pass(inserted, to: empty) { (batch) throws(Failure) in
                    try index.addLines(batch)
                    batch.removeAll()
                }
            }
        } catch {
            read.close()
            throw error
        }
        let outcome = readAll(read, empty)
        read.close()
        let (insertion, derivation) = (inserting.result(), deriving.result())
        try insertion.get()
        try derivation.get()
        try outcome.get()
    }

    /// Takes a few rows outside the stream.
    private func take(_ batch: KineRowBatch) throws(Failure) {
        try spool.insert(batch)
        try index.add(batch)
    }

    private mutating func readAll(
        _ filled: HandoffQueue<KineRowBatch>, _ empty: HandoffQueue<KineRowBatch>
    ) -> Result<Void, Failure> {
        do throws(Failure) {
            while let batch = empty.take() {
                let reachedEnd = try reader.fill(batch, above: lastRevision, eliding: firstCompactRevision)
                note(batch)
                guard filled.put(batch) else { break }
                try pause()
                if reachedEnd { break }
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func pause() throws(Failure) {
        do {
            try options.betweenReads(
                SnapshotProgress(rows: copied.count, bytes: bytes, revision: lastRevision, target: target))
        } catch {
            throw error as? Failure ?? Failure(.failed, "the snapshot was stopped", why: "\(error)", cause: error)
        }
    }

    private mutating func note(_ batch: KineRowBatch) {
        for row in batch.rows { copied.insert(row.id) }
        bytes += batch.byteCount
        if let last = batch.rows.last { lastRevision = last.id }
    }

    // MARK: The closing transaction

    /// One short transaction: the newest rows, the window, and the set of ids. Nil when it would have to last
    /// too long; what it read is kept all the same, since rows do not change.
    private mutating func attemptClosing() throws(Failure) -> Closing? {
        let scan = coveringIndex ? nil : try scanInShortReads()
        let batch = KineRowBatch(capacity: 1 << 20)
        let seen = reader.compactRows
        let (source, options, last, eliding) = (source, options, lastRevision, firstCompactRevision)
        var identifiers = copied
        let closing = try reader.measured { () throws(Failure) -> Closing? in
            try source.readTransaction { db -> Closing? in
                let newest = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0
                guard last == Int64.min || newest - last <= Int64(options.closingRows) else { return nil }
                guard try KineReader.fillRest(db, batch, above: last, eliding: eliding, options: options) else {
                    return nil
                }
                for row in batch.rows { identifiers.insert(row.id) }
                return try Self.fix(db, copied: identifiers, newer: batch, scan: scan, seen: seen)
            }
        }
        reader.noteCompactRows(in: batch)
        note(batch)
        try take(batch)
        return closing
    }

    private static func fix(
        _ db: Database, copied: RevisionSet, newer: KineRowBatch, scan: IdentifierScan?, seen: [KineReader.CompactRow]
    ) throws -> Closing? {
        var compactRows: [KineReader.CompactRow] = []
        let newIDs = newer.rows.filter { KineReader.isCompactKey(newer.bytes($0.name)) }.map(\.id)
        for id in seen.map(\.id) + newIDs {
            let revision = try Int64.fetchOne(db, sql: "SELECT prev_revision FROM kine WHERE id=?", arguments: [id])
            if let revision { compactRows.append(KineReader.CompactRow(id: id, revision: revision)) }
        }
        let compactRevision = compactRows.map(\.revision).max() ?? 0
        var live = RevisionSet()
        if let scan {
            // Rows only ever go in a transaction that also moves the compact revision.
            guard
                scan.compactRows.filter({ row in !newIDs.contains(row.id) })
                    == compactRows.filter({ row in
                        !newIDs.contains(row.id)
                    })
            else { return nil }
            for id in scan.identifiers { live.insert(id) }
            for row in newer.rows { live.insert(row.id) }
        } else {
            try eachIdentifier(db) { live.insert($0) }
        }
        var closing = Closing(
            window: KineWindow(
                rows: live.count,
                minRevision: try Int64.fetchOne(db, sql: "SELECT MIN(id) FROM kine") ?? 0,
                maxRevision: try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0,
                compactRevision: compactRevision,
                sequence: try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name='kine'") ?? 0),
            compactRows: compactRows)
        guard live != copied else { return closing }
        var all: [Int64] = scan?.identifiers ?? []
        if scan == nil { try eachIdentifier(db) { all.append($0) } } else { all += newer.rows.map(\.id) }
        closing.identifiers = all
        return closing
    }

    /// The rows of the source that were not copied: such as fill a gap appear late, below newer ones. Nil when
    /// one of them is gone again.
    private mutating func lateRows(_ closing: Closing) throws(Failure) -> KineRowBatch? {
        let late = KineRowBatch(capacity: 4096)
        guard let identifiers = closing.identifiers else { return late }
        try spool.completePages(sequence: closing.window.sequence)
        let have = Set(try spool.identifiers())
        let live = Set(identifiers)
        // The ids are read from an index. A row that it lacks is no row that went: dropped, a live object would be missing.
        if let id = try reader.firstPresent(of: have.filter { !live.contains($0) }) {
            throw Failure(
                .failed, "an index of the database \(source.path) is damaged",
                why: "the row \(id) is in the table and not in it",
                next: "stop the server, and rebuild it: sqlite3 \(source.path) REINDEX")
        }
        for id in identifiers where !have.contains(id) {
            let found = try reader.row(id, into: late, eliding: firstCompactRevision)
            guard found else { return nil }
        }
        for row in late.rows { copied.insert(row.id) }
        return late
    }

    // MARK: Tables without an index over ids

    private mutating func scanInShortReads() throws(Failure) -> IdentifierScan {
        var scan = IdentifierScan()
        let (source, known) = (source, reader.compactRows)
        scan.compactRows = try reader.measured { () throws(Failure) in
            try source.readTransaction { db in
                try known.compactMap { row in
                    try Int64.fetchOne(db, sql: "SELECT prev_revision FROM kine WHERE id=?", arguments: [row.id])
                        .map { KineReader.CompactRow(id: row.id, revision: $0) }
                }
            }
        }
        var after = Int64.min
        while true {
            let found = try reader.identifiers(above: after, upTo: lastRevision)
            guard let last = found.last else { return scan }
            scan.identifiers += found
            after = last
        }
    }
}

/// Takes batches from one queue to the next until it is closed; an error closes both, which stops the reader.
private func pass(
    _ source: HandoffQueue<KineRowBatch>, to target: HandoffQueue<KineRowBatch>,
    _ work: (KineRowBatch) throws(Failure) -> Void
) throws(Failure) {
    defer { source.close() }
    while let batch = source.take() {
        try work(batch)
        guard target.put(batch) else { return }
    }
}

/// The ids of a table without indexes, read in many short transactions, and the compact revision before the first.
struct IdentifierScan {
    var identifiers: [Int64] = []
    var compactRows: [KineReader.CompactRow] = []
}
