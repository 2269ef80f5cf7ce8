public import Failures
import Foundation
public import Jobs
public import Monitoring
public import Policies
import Stores

/// Looks at stores, jobs and schedules, and says how the fleet stands.
///
/// Whether a cluster is backed up is asked of the store alone, so that a backup counts whoever made it, and one that is gone
/// counts no more.
public struct FleetSurvey {
    private let configuration: DaytwoConfiguration
    private let queue: JobQueue?
    private let context: OperationContext

    /// Prepares a survey; without a queue nothing is known of jobs.
    public init(_ configuration: DaytwoConfiguration, _ queue: JobQueue?, _ context: OperationContext) {
        self.configuration = configuration
        self.queue = queue
        self.context = context
    }

    /// How all clusters stand, or those with a path in `clusters`. A store that cannot be read is a part of the answer.
    public func status(of clusters: Set<String>? = nil) throws(Failure) -> FleetStatus {
        let now = context.now()
        var stores = SurveyedStores(configuration, now: now)
        var status = FleetStatus(version: OperationContext.version, scheduler: try scheduler())
        let records = try records()
        var covered: Set<String> = []
        for schedule in configuration.schedules {
            for entry in schedule.entries(for: configuration.clusters) {
                if !schedule.suspended { covered.insert(entry.cluster.path) }
                guard clusters?.contains(entry.cluster.path) ?? true else { continue }
                let key = ScheduleKey(schedule: schedule.name, cluster: entry.cluster.path, purpose: .backup)
                var one = ClusterStatus(
                    cluster: entry.cluster.path, schedule: schedule.name,
                    firstSeenAt: records[key]?.firstSeenAt ?? now, rpo: schedule.rpo.map(Duration.seconds))
                promise(entry, &one, now)
                one.take(stores.facts(of: entry.cluster.path, in: schedule.store))
                try takeJobs(of: entry.cluster.path, &one)
                status.clusters.append(one)
            }
        }
        for cluster in configuration.clusters
        where !covered.contains(cluster.path) && clusters?.contains(cluster.path) ?? true {
            let newest = configuration.stores.compactMap {
                stores.facts(of: cluster.path, in: $0.name)?.newest?.createdAt
            }
            status.uncovered.append(.init(cluster: cluster.path, lastBackupAt: newest.max()))
        }
        status.storeProblems = stores.problems
        try takeJobs(&status)
        return status
    }

    private func records() throws(Failure) -> [ScheduleKey: ScheduleRecord] {
        guard let queue else { return [:] }
        let all = try ScheduleRecords(queue.database).all()
        return Dictionary(all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func scheduler() throws(Failure) -> FleetStatus.Scheduler? {
        guard !configuration.schedules.isEmpty else { return nil }
        guard let queue else { return .init(lastPassAt: nil) }
        return .init(lastPassAt: try SchedulerRecord.all(queue.database).first?.lastPassAt)
    }

    /// What the schedule promises besides the objective.
    private func promise(_ entry: ScheduledCluster, _ status: inout ClusterStatus, _ now: Date) {
        let schedule = entry.schedule
        status.isSuspended = schedule.suspended
        status.suspensionReason = schedule.suspendedReason
        status.nextRunAt = schedule.suspended ? nil : entry.recurrence.next(after: now)
        if let verify = schedule.verify {
            status.verificationLevel = verify.level == .opened ? .opened : .stored
            status.verificationEvery = longestGap(entry.verificationRecurrence ?? entry.recurrence, now)
        }
        status.drillEvery = entry.drillRecurrence.flatMap { longestGap($0, now) }
    }

    /// The longest time between two of the next runs, and an hour in which a run may wait and work.
    private func longestGap(_ recurrence: some Recurrence, _ now: Date) -> Duration? {
        guard var last = recurrence.next(after: now) else { return nil }
        var longest: TimeInterval = 0
        for _ in 0..<12 {
            guard let next = recurrence.next(after: last) else { break }
            longest = max(longest, next.timeIntervalSince(last))
            last = next
        }
        return .seconds(longest + 3600)
    }

    private func takeJobs(of cluster: String, _ status: inout ClusterStatus) throws(Failure) {
        guard let queue else { return }
        let ended: Set<JobState> = [.succeeded, .partial, .failed, .needsDecision]
        func last(_ kind: JobKind) throws(Failure) -> Job? {
            try queue.list(JobFilter(states: ended, kind: kind, target: cluster), limit: 1).first
        }
        if let prune = try last(.prune), prune.state == .partial { status.pruneFrozenReason = prune.message }
        // Of these, the later one tells how the cluster is.
        let switching = try [last(.pause), last(.resume)].compactMap { $0 }.max { $0.id < $1.id }
        let jobs = try [JobKind.backup, .verify, .drill, .prune].map(last) + [switching]
        for job in jobs.compactMap({ $0 }) {
            let kind = job.kind
            // A backup speaks for the cluster, until what proves it says that it is none.
            guard kind == .backup || job.state == .failed || job.state == .needsDecision else { continue }
            status.lastRun = .init(
                exitCode: job.exitCode ?? 1, at: job.finishedAt ?? job.createdAt, jobID: "\(job.id)",
                what: kind == .backup ? job.message : "\(kind.rawValue): \(job.message ?? job.state.rawValue)")
            if job.state != .succeeded, job.state != .partial { return }
        }
    }

    private func takeJobs(_ status: inout FleetStatus) throws(Failure) {
        guard let queue else { return }
        let counts = try queue.counts()
        status.jobsByState = Dictionary(
            JobState.allCases.map { ($0.rawValue, counts[$0] ?? 0) }, uniquingKeysWith: { first, _ in first })
        status.retriesTotal = try queue.retries()
        for job in try queue.list(JobFilter(states: [.needsDecision]), limit: 100) {
            status.undecidedJobs.append(
                .init(
                    id: "\(job.id)", kind: job.kind.rawValue, cluster: job.target,
                    since: job.startedAt ?? job.createdAt))
        }
        let outbox = Outbox(queue.database, context: queue.context)
        for message in try outbox.givenUp() {
            guard !status.failingEndpoints.contains(where: { $0.endpoint == message.notification.endpoint }) else {
                continue
            }
            status.failingEndpoints.append(
                .init(
                    endpoint: message.notification.endpoint, since: message.createdAt,
                    why: message.lastError ?? "no answer"))
        }
    }
}

/// The stores of a configuration, each opened once, each cluster in it looked at once.
private struct SurveyedStores {
    private(set) var problems: [FleetStatus.StoreProblem] = []
    private let configuration: DaytwoConfiguration
    private let now: Date
    private var stores: [String: DirectoryStore?] = [:]
    private var facts: [String: StoredFacts] = [:]

    init(_ configuration: DaytwoConfiguration, now: Date) {
        self.configuration = configuration
        self.now = now
    }

    mutating func facts(of cluster: String, in name: String) -> StoredFacts? {
        let key = "\(name) \(cluster)"
        if let known = facts[key] { return known }
        do throws(Failure) {
            guard let store = try store(name), let path = ClusterPath(cluster) else { return nil }
            let found = try StoredFacts(of: path, in: store, now: now)
            facts[key] = found
            return found
        } catch {
            problems.append(.init(store: name, why: error.description))
            return nil
        }
    }

    private mutating func store(_ name: String) throws(Failure) -> DirectoryStore? {
        if let known = stores[name] { return known }
        stores[name] = .some(nil)
        guard let path = configuration.store(named: name)?.path else { return nil }
        do throws(Failure) {
            let store = try DirectoryStore(path, for: .reading)
            stores[name] = store
            return store
        } catch {
            // The first backup makes it; until then there is none, which is told of the clusters.
            if error.code == .notFound { return nil }
            throw error
        }
    }
}

extension ClusterStatus {
    fileprivate mutating func take(_ facts: StoredFacts?) {
        guard let facts else { return }
        lastBackupAt = facts.newest?.createdAt
        lastCompleteBackupAt = facts.newestComplete?.createdAt
        lastBackupBytes = facts.newest?.size
        lastBackupDuration = facts.newest?.record?.duration
        lastVerifiedAt[.stored] = facts.verifiedAt[.stored]
        lastVerifiedAt[.opened] = facts.verifiedAt[.opened]
        lastDrillAt = facts.drilledAt
        lastDrillDuration = facts.drillDuration
        backupsFromTheFuture = facts.fromTheFuture.count
    }
}
