public import Failures
import Foundation
import GRDB

/// The newest row of each key of a kine table.
public struct KeyStates: Sendable {
    /// A row.
    struct Newest: Sendable {
        var revision: Int64
        var isDeleted: Bool
    }

    let newest: [String: Newest]

    /// Whether the key has a value.
    public func isLive(_ key: String) -> Bool { newest[key].map { !$0.isDeleted } ?? false }

    /// The keys that have a value, in no order.
    public var liveKeys: some Sequence<String> { newest.lazy.filter { !$0.value.isDeleted }.map(\.key) }
}

extension KineFile {
    /// Reads the newest row of each key by one pass over the table itself: an index may be missing, and one that is damaged
    /// would hide rows.
    public func keyStates(where isWanted: (String) -> Bool = { _ in true }) throws(Failure) -> KeyStates {
        try connection.readTransaction { db in
            var newest: [String: KeyStates.Newest] = [:]
            let rows = try Row.fetchCursor(db, sql: "SELECT id, name, deleted FROM kine NOT INDEXED ORDER BY id")
            while let row = try rows.next() {
                guard let name: String = row[1], name != "compact_rev_key", isWanted(name) else { continue }
                newest[name] = KeyStates.Newest(revision: row[0], isDeleted: row[2] != 0)
            }
            return KeyStates(newest: newest)
        }
    }

    /// The value of one row; nil where it has none.
    func value(at revision: Int64) throws(Failure) -> [UInt8]? {
        try connection.readTransaction { db in
            try Data.fetchOne(db, sql: "SELECT value FROM kine WHERE id=?", arguments: [revision]).map { Array($0) }
        }
    }

    /// The UIDs of the objects in some rows, by their revisions, where there is one.
    func uids(at revisions: [Int64]) throws(Failure) -> [Int64: String] {
        try connection.readTransaction { db in
            let statement = try db.makeStatement(sql: "SELECT value FROM kine WHERE id=?")
            var found: [Int64: String] = [:]
            for revision in revisions {
                found[revision] = try Data.fetchOne(statement, arguments: [revision])
                    .flatMap { ObjectMetadata(decoding: Array($0)).uid }
            }
            return found
        }
    }
}
