public import Failures
import Foundation
import GRDB
import Policies

extension UpgradeRecords {
    /// Keeps what ran inside a cluster before its step, as JSON, for the time that it is watched; nil where nobody could tell.
    public func watch(_ cluster: String, workloads: String?) throws(Failure) {
        _ = try database.write { db in
            try db.execute(
                cached: """
                    INSERT INTO upgrade_watches (cluster, workloads) VALUES (?, ?)
                    ON CONFLICT (cluster) DO UPDATE SET workloads = excluded.workloads
                    """, [cluster, workloads])
        }
    }

    /// What ran inside a cluster before its last step, as JSON.
    public func workloads(of cluster: String) throws(Failure) -> String? {
        try database.read { db in
            try String.fetchOne(
                db, sql: "SELECT workloads FROM upgrade_watches WHERE cluster = ?", arguments: [cluster])
        }
    }

    /// Notes that all checks of a cluster that is watched passed now.
    public func passed(_ cluster: String) throws(Failure) {
        let now = context.now().milliseconds
        _ = try database.write { db in
            try db.execute(
                cached: """
                    INSERT INTO upgrade_watches (cluster, passed_at) VALUES (?, ?)
                    ON CONFLICT (cluster) DO UPDATE SET passed_at = excluded.passed_at
                    """, [cluster, now])
        }
    }

    func watches() throws(Failure) -> [UpgradeHistory.Watch] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT cluster, passed_at FROM upgrade_watches WHERE passed_at IS NOT NULL ORDER BY cluster"
            ).map { row in
                // Whole seconds, as all that plans know of time.
                let at = Date(milliseconds: row["passed_at"]).timeIntervalSince1970.rounded(.down)
                return .init(cluster: row["cluster"], passedAt: Date(timeIntervalSince1970: at))
            }
        }
    }
}
