import Failures
import Foundation
import Jobs
import Policies

/// What the schedules of a configuration ask the scheduler for: backups, verifications and drills, each as the command that a
/// person would give.
struct ScheduledEntries {
    let configuration: DaytwoConfiguration

    /// All of them.
    var entries: [ScheduleEntry] {
        configuration.schedules.flatMap { schedule in
            schedule.entries(for: configuration.clusters).flatMap { entries(of: $0) }
        }
    }

    private func entries(of entry: ScheduledCluster) -> [ScheduleEntry] {
        let schedule = entry.schedule
        var made = [make(entry, entry.recurrence, .backup, backup(entry))]
        if let recurrence = entry.verificationRecurrence, let verify = schedule.verify {
            made.append(make(entry, recurrence, .verify, Self.verify(entry.cluster, verify.level, store(schedule))))
        }
        if let recurrence = entry.drillRecurrence {
            made.append(
                make(
                    entry, recurrence, .drill,
                    ["backup", "drill", "\(entry.cluster.path)@latest", "--store", store(schedule)]))
        }
        return made
    }

    private func make(
        _ entry: ScheduledCluster, _ recurrence: CronRecurrence, _ kind: JobKind, _ words: [String]
    ) -> ScheduleEntry {
        let schedule = entry.schedule
        return ScheduleEntry(
            schedule: schedule.name, recurrence: recurrence,
            template: request(kind, entry.cluster, schedule, words, timeout: schedule.timeout),
            maxAge: schedule.missedRunMaxAge, overlap: Overlap(rawValue: schedule.overlap.rawValue) ?? .skip,
            isSuspended: schedule.suspended)
    }

    /// A job of a schedule.
    func request(
        _ kind: JobKind, _ cluster: InventoryCluster, _ schedule: BackupSchedule, _ words: [String],
        timeout: TimeInterval? = nil
    ) -> JobRequest {
        JobRequest(
            kind: kind, target: cluster.path, host: cluster.host ?? InventoryHost.local, store: store(schedule),
            parameters: JobParameters(
                arguments: words + ["--config", configuration.path], directory: "/"
            ).text, origin: .schedule, schedule: schedule.name, priority: JobPriority.scheduled + schedule.priority,
            timeout: timeout)
    }

    /// What follows a backup of a schedule: the verification that goes with each, and the pruning.
    func followers(of cluster: InventoryCluster, _ schedule: BackupSchedule) -> [JobRequest] {
        var requests: [JobRequest] = []
        if let verify = schedule.verify, verify.cron == nil {
            requests.append(request(.verify, cluster, schedule, Self.verify(cluster, verify.level, store(schedule))))
        }
        if !schedule.retention.isEmpty {
            requests.append(
                request(
                    .prune, cluster, schedule, ["backup", "prune", cluster.path, "--store", store(schedule), "--yes"]))
        }
        return requests
    }

    private func backup(_ entry: ScheduledCluster) -> [String] {
        let cluster = entry.cluster
        var words = ["backup", "create"]
        switch cluster.place {
        case .dataDirectory(let path): words += ["--data-dir", path, "--name", cluster.name]
        case .host(let host, let namespace): words += ["\(namespace)/\(cluster.name)", "--host", host]
        }
        words += ["--store", store(entry.schedule)]
        if let file = cluster.tokenFile { words += ["--token-file", file] }
        if let directory = cluster.configDirectory { words += ["--config-dir", directory] }
        if let version = cluster.k3sVersion { words += ["--k3s-version", version] }
        return words
    }

    private static func verify(
        _ cluster: InventoryCluster, _ level: BackupSchedule.Verification.Level, _ store: String
    ) -> [String] {
        ["backup", "verify", "\(cluster.path)@latest", "--store", store] + (level == .opened ? ["--deep"] : [])
    }

    /// The path: it means the same to whoever reads the job later.
    private func store(_ schedule: BackupSchedule) -> String {
        configuration.store(named: schedule.store)?.path ?? schedule.store
    }
}
