public import Failures
import Foundation
import GRDB

/// A row that was copied from a replaced datastore into a restored one.
public struct CarriedRow: Codable, Sendable, Equatable {
    /// The key.
    public var key: String
    /// Its revision in the replaced datastore.
    public var replacedRevision: Int64
    /// Its revision in the restored datastore.
    public var revision: Int64
}

/// Copies the newest rows of volumes into a restored database, as kine would write them: new rows above all that are there,
/// without a gap (kine fills gaps one by one while every watch waits). No other row is touched.
///
/// Seen on k3s v1.21.2 with a syncer: everything stayed bound, in both views.
public struct VolumeCarryOver: Sendable {
    private let volumes: [NewerVolume]

    /// Prepares to copy those that are to be carried over, in their order.
    public init(_ volumes: [NewerVolume]) { self.volumes = volumes.filter { $0.outcome == .carriedOver } }

    /// Copies them into a private database, after its revision bump, in one durable transaction. Values go as they are,
    /// encrypted ones too, but for owners that the restored database does not have: whoever deletes what belongs to them would
    /// delete the volume.
    public func apply(from replaced: KineFile, toDatabaseAt path: String) throws(Failure) -> [CarriedRow] {
        guard !volumes.isEmpty else { return [] }
        let wanted = Set(volumes.map(\.key))
        let restored = try KineFile(path: path)
        let rows = try withoutLostOwners(read(replaced, wanted), restored)
        let states = try restored.keyStates { wanted.contains($0) }
        try restored.close()
        let connection = try KineConnection(path: path, purpose: .edited)
        let carried = try connection.use { db in
            var carried: [CarriedRow] = []
            try db.inTransaction(.immediate) {
                var writer = RowWriter(db, next: try (Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0) + 1)
                for row in rows {
                    var before = states.newest[row.key]
                    if let live = before, !live.isDeleted { before = try writer.delete(row.key, live.revision) }
                    let revision = try writer.create(row.key, row.value, after: before?.revision)
                    carried.append(CarriedRow(key: row.key, replacedRevision: row.revision, revision: revision))
                }
                return .commit
            }
            return carried
        }
        try connection.close()
        return carried
    }

    private typealias SourceRow = (key: String, revision: Int64, value: [UInt8])

    private func withoutLostOwners(_ rows: [SourceRow], _ restored: KineFile) throws(Failure) -> [SourceRow] {
        var names: [String: String] = [:]
        for row in rows {
            // What cannot be read goes as it is.
            do throws(ObjectProblem) {
                _ = try ClaimEdit.withoutOwners(row.value) { (uid, name) in
                    names[uid] = name
                    return false
                }
            } catch { continue }
        }
        guard !names.isEmpty else { return rows }
        let wanted = Set(names.values)
        let states = try restored.keyStates { key in
            key.split(separator: "/").last.map { wanted.contains(String($0)) } ?? false
        }
        let revisions = states.newest.values.filter { !$0.isDeleted }.map(\.revision)
        let there = try Set(restored.uids(at: revisions).values).union(volumes.compactMap(\.uid))
        return rows.map { row in
            var row = row
            do throws(ObjectProblem) {
                if let edited = try ClaimEdit.withoutOwners(row.value, where: { (uid, _) in !there.contains(uid) }) {
                    row.value = edited
                }
            } catch {}
            return row
        }
    }

    private func read(
        _ replaced: KineFile, _ wanted: Set<String>
    ) throws(Failure) -> [(key: String, revision: Int64, value: [UInt8])] {
        let states = try replaced.keyStates { wanted.contains($0) }
        var rows: [(key: String, revision: Int64, value: [UInt8])] = []
        for volume in volumes {
            guard let newest = states.newest[volume.key], !newest.isDeleted,
                let value = try replaced.value(at: newest.revision)
            else {
                throw Failure(
                    .refused, "\(volume.key) cannot be carried over", why: "it is not in \(replaced.path) any more",
                    next: "make a new plan")
            }
            rows.append((volume.key, newest.revision, value))
        }
        return rows
    }
}
