internal import FoundationEssentials

/// One metric that each cluster has under each of its schedules.
struct ClusterMetric: Sendable {
    struct Sample {
        var label: (name: String, value: String)?
        var value: Double
    }

    let name: String
    let help: String
    let samples: @Sendable (ClusterStatus) -> [Sample]

    static let all: [ClusterMetric] =
        [
            time("backup_due_timestamp_seconds", "By when the next backup must be in the store.", \.dueAt),
            timeOrNever(
                "backup_last_timestamp_seconds", "The newest sound backup, complete or partial; 0 for never.",
                \.lastBackupAt),
            timeOrNever(
                "backup_last_success_timestamp_seconds", "The newest sound backup that is complete; 0 for never.",
                \.lastCompleteBackupAt),
            ClusterMetric("backup_last_size_bytes", "The stored size of the newest backup.") {
                $0.lastBackupBytes.map { Double($0) }
            },
            ClusterMetric("backup_last_duration_seconds", "How long the newest backup took.") {
                $0.lastBackupDuration?.inSeconds
            },
            ClusterMetric("backup_rpo_seconds", "The recovery point objective.") { $0.rpo?.inSeconds },
            ClusterMetric("backups_from_the_future", "Backups that are dated in the future, and count for nothing.") {
                Double($0.backupsFromTheFuture)
            },
        ] + runs + proofs + schedules

    /// All three from one record, so that none can say what another denies.
    private static let runs: [ClusterMetric] = [
        time("run_last_timestamp_seconds", "When the last run of the schedule ended.", \.lastRun?.at),
        ClusterMetric("run_last_exit_code", "The exit code of the last run of the schedule.") {
            ($0.lastRun?.exitCode).map { Double($0) }
        },
        ClusterMetric(
            name: "daytwo_run_last_status", help: "1 for how the last run ended: succeeded, partial or failed."
        ) { cluster in
            guard let run = cluster.lastRun else { return [] }
            let status = run.exitCode == 0 ? "succeeded" : run.exitCode == 3 ? "partial" : "failed"
            return ["succeeded", "partial", "failed"].map {
                Sample(label: ("status", $0), value: $0 == status ? 1 : 0)
            }
        },
    ]

    private static let proofs: [ClusterMetric] = [
        ClusterMetric(
            name: "daytwo_verification_last_timestamp_seconds",
            help: "The newest successful verification to at least this level; 0 for never."
        ) { cluster in
            ClusterStatus.Level.allCases.map {
                Sample(label: ("level", $0.rawValue), value: cluster.lastVerifiedAt(atLeast: $0).seconds)
            }
        },
        time(
            "verification_due_timestamp_seconds", "By when the next verification must have worked.",
            \.verificationDueAt),
        timeOrNever("drill_last_timestamp_seconds", "The newest successful drill; 0 for never.", \.lastDrillAt),
        ClusterMetric("drill_last_duration_seconds", "How long that drill took: the proved recovery time of the data.")
        {
            $0.lastDrillDuration?.inSeconds
        },
        time("drill_due_timestamp_seconds", "By when the next drill must have worked.", \.drillDueAt),
    ]

    private static let schedules: [ClusterMetric] = [
        time("schedule_next_run_timestamp_seconds", "When the schedule runs next.", \.nextRunAt),
        ClusterMetric("schedule_suspended", "1 while the schedule is suspended.") { $0.isSuspended ? 1 : 0 },
        ClusterMetric("prune_frozen", "1 while nothing is pruned until somebody agrees.") {
            $0.pruneFrozenReason == nil ? 0 : 1
        },
    ]

    private static func time(
        _ name: String, _ help: String, _ path: any KeyPath<ClusterStatus, Date?> & Sendable
    ) -> ClusterMetric {
        ClusterMetric(name, help) { $0[keyPath: path]?.timeIntervalSince1970 }
    }

    private static func timeOrNever(
        _ name: String, _ help: String, _ path: any KeyPath<ClusterStatus, Date?> & Sendable
    ) -> ClusterMetric {
        ClusterMetric(name, help) { $0[keyPath: path].seconds }
    }
}

extension ClusterMetric {
    /// A metric of at most one sample for each cluster.
    fileprivate init(_ name: String, _ help: String, _ value: @escaping @Sendable (ClusterStatus) -> Double?) {
        self.init(name: "daytwo_" + name, help: help) { cluster in
            value(cluster).map { [Sample(label: nil, value: $0)] } ?? []
        }
    }
}
