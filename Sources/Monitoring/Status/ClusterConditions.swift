internal import FoundationEssentials

extension ClusterStatus {
    /// What somebody should know of this cluster at `now`.
    func conditions(at now: Date) -> [Condition] {
        [
            missingBackup(at: now), lastRunCondition, partialCondition, notVerified(at: now), notDrilled(at: now),
            frozenCondition, futureCondition, suspendedCondition,
        ].compactMap(\.self)
    }

    private func missingBackup(at now: Date) -> Condition? {
        let isDue = dueAt.map { now >= $0 } ?? false
        guard let lastBackupAt else {
            // A new cluster has until its objective passes; without an objective nothing else would ever say it.
            let severity: Condition.Severity = isDue ? .critical : rpo == nil ? .warning : .ok
            return condition(
                .neverBackedUp, isSuspended ? min(severity, .warning) : severity, since: firstSeenAt,
                "\(cluster) has never been backed up" + dueText + suspendedText, runNow)
        }
        guard isDue, let dueAt else { return nil }
        return condition(
            .overdue, isSuspended ? .warning : .critical, since: dueAt,
            "the newest backup of \(cluster) is of \(timeText(lastBackupAt)), and one was due by \(timeText(dueAt))"
                + suspendedText, runNow)
    }

    private var lastRunCondition: Condition? {
        guard let run = lastRun, ![0, 3].contains(run.exitCode) else { return nil }
        // 5, 8 and 9: an archive or a cluster is not as it should be, whatever the objective says.
        return condition(
            .lastFailed, [5, 8, 9].contains(run.exitCode) ? .critical : .warning, since: run.at,
            "the last run for \(cluster) ended with exit code \(run.exitCode)" + (run.what.map { ": \($0)" } ?? ""),
            run.jobID.map { "Run: daytwo jobs show \($0)" } ?? runNow)
    }

    private var partialCondition: Condition? {
        guard let lastBackupAt, lastBackupAt != lastCompleteBackupAt else { return nil }
        let complete =
            lastCompleteBackupAt.map { "the newest complete one is of \(timeText($0))" } ?? "none is complete"
        return condition(
            .partial, .warning, since: lastBackupAt, "the newest backup of \(cluster) is partial, \(complete)",
            "Run: daytwo backup show \(name)@latest")
    }

    private func notVerified(at now: Date) -> Condition? {
        guard lastBackupAt != nil, let due = verificationDueAt, now >= due else { return nil }
        let last = lastVerifiedAt(atLeast: verificationLevel)
        return condition(
            .notVerified, .warning, since: due,
            "no backup of \(cluster) was verified (level \(verificationLevel.rawValue)) "
                + (last.map { "since \(timeText($0))" } ?? "yet") + suspendedText,
            "Run: daytwo backup verify \(name)@latest")
    }

    private func notDrilled(at now: Date) -> Condition? {
        guard lastBackupAt != nil, let due = drillDueAt, now >= due else { return nil }
        return condition(
            .notDrilled, .warning, since: due,
            "no backup of \(cluster) was restored in a drill "
                + (lastDrillAt.map { "since \(timeText($0))" } ?? "yet") + suspendedText,
            "Run: daytwo backup drill \(name)@latest")
    }

    private var frozenCondition: Condition? {
        pruneFrozenReason.map {
            condition(
                .pruneFrozen, .warning, since: nil, "no backup of \(cluster) is pruned: \($0)",
                "Look at the newest backup, then agree or keep the old ones: daytwo backup prune --help")
        }
    }

    private var futureCondition: Condition? {
        guard backupsFromTheFuture > 0 else { return nil }
        return condition(
            .clockSuspicious, .warning, since: nil,
            "\(backupsFromTheFuture) backups of \(cluster) are dated in the future and count for nothing",
            "Check the clocks of this machine and of the one that made them.")
    }

    private var suspendedCondition: Condition? {
        guard isSuspended else { return nil }
        return condition(
            .suspended, .ok, since: nil,
            "the schedule \(schedule) is suspended for \(cluster)" + (suspensionReason.map { ": \($0)" } ?? ""),
            "Resume it in its policy when the reason is gone.")
    }

    private func condition(
        _ kind: Condition.Kind, _ severity: Condition.Severity, since: Date?, _ sentence: String, _ next: String
    ) -> Condition {
        Condition(
            kind: kind, severity: severity, cluster: cluster, schedule: schedule, since: since, sentence: sentence,
            next: next)
    }

    private var dueText: String { dueAt.map { ", and one is due by \(timeText($0))" } ?? "" }
    private var suspendedText: String { isSuspended ? " (suspended)" : "" }
    private var runNow: String { "Run: daytwo schedule trigger \(schedule)" }
    private var name: Substring { cluster.split(separator: "/").last ?? "" }
}
