public import Failures
public import FoundationEssentials
import GRDB
import Policies

/// What one pass of a scheduler did.
public struct PassReport: Sendable {
    /// Jobs whose process died, as they are now.
    public var recovered: [Job] = []
    /// Jobs that were made because they were due.
    public var queued: [Int64] = []
    /// Due runs that were not made, each with a `skipped` job that tells why.
    public var skipped: [Int64] = []
    /// Schedules that begin anew, because the clock was set back.
    public var clockResets: [ScheduleKey] = []
    /// Jobs that a process was started for.
    public var launched: [Int64] = []
    /// Jobs that no process could be started for, and why.
    public var launchFailures: [(job: Int64, failure: Failure)] = []
    /// When something is due next.
    public var nextDue: Date?
}

/// Finds what is due, makes jobs of it, and starts them. Any number may share one state directory.
///
/// It keeps the entries in memory in the order of their next due time: a pass that finds nothing due touches none of
/// them. Belongs to one thread.
public final class Scheduler {
    /// A scheduler never sleeps longer, in seconds: it looks for dead jobs, and at the clock.
    public static let longestSleep: TimeInterval = 5

    /// How many due runs are handled in one transaction.
    private static let batch = 2000
    /// How often the record is written at most, in seconds; each writing waits for the disk.
    private static let recordInterval: TimeInterval = 10

    private let queue: JobQueue
    private let launcher: any JobLauncher
    private let version: String
    private let mode: SchedulerRecord.Mode
    /// How many jobs may run at once.
    public var limits: JobLimits

    private var entries: [ScheduleEntry] = []
    private var records: [ScheduleRecord] = []
    private var heap = DueHeap()
    private var lastPass: Date?
    private var id: Int64?
    private var recordedAt: Date?

    /// Creates a scheduler without entries; `version` is daytwo's, for its record.
    public init(
        _ queue: JobQueue, launcher: any JobLauncher, limits: JobLimits, mode: SchedulerRecord.Mode, version: String
    ) {
        self.queue = queue
        self.launcher = launcher
        self.limits = limits
        self.mode = mode
        self.version = version
    }

    /// Takes entries in place of those it has. Throws `refused` when two have the same key.
    ///
    /// The record of a schedule that is gone stays: when it comes back, what it missed is told.
    public func load(_ entries: [ScheduleEntry]) throws(Failure) {
        var seen: Set<ScheduleKey> = []
        for entry in entries where !seen.insert(entry.key).inserted {
            throw Failure(
                .refused,
                "two schedules named \(entry.key.schedule) do a \(entry.key.purpose.rawValue) "
                    + "of \(entry.key.cluster)", next: "Rename one of them.")
        }
        let now = queue.context.now()
        let known = try ScheduleRecords(queue.database).see(entries.map(\.key), at: now)
        self.entries = entries
        records = entries.map { known[$0.key] ?? ScheduleRecord(key: $0.key, firstSeenAt: now) }
        arrange(at: now)
    }

    /// One pass: dead jobs, due runs, then starts what may start.
    public func pass() throws(Failure) -> PassReport {
        let now = queue.context.now()
        try record(at: now)
        var report = PassReport()
        report.recovered = try queue.recover()
        if let lastPass, now < lastPass.addingTimeInterval(-DueDecision.clockTolerance) { arrange(at: now) }
        lastPass = now
        try handleDue(at: now, &report)
        try launch(&report)
        report.nextDue = heap.earliest
        return report
    }

    /// Makes passes until `shouldStop`, which is asked before each; between them it sleeps until something is due or
    /// somebody rings (``JobQueue/wakeSchedulers()``).
    ///
    /// `reload` gives new entries when there are some. A pass that fails is told by `report` and tried again: a full
    /// disk may have room later.
    public func run(
        _ listener: DoorbellListener, until shouldStop: () -> Bool, reload: () throws(Failure) -> [ScheduleEntry]?,
        report: (Result<PassReport, Failure>) -> Void
    ) throws(Failure) {
        while !shouldStop() {
            var sleep = Self.longestSleep
            do throws(Failure) {
                if let entries = try reload() { try load(entries) }
                let result = try pass()
                report(.success(result))
                let due = result.nextDue?.timeIntervalSince(queue.context.now()) ?? sleep
                sleep = max(0, min(sleep, due))
            } catch {
                report(.failure(error))
            }
            if shouldStop() { return }
            _ = try listener.wait(seconds: sleep)
        }
    }

    /// Writes down that this scheduler ended in order.
    public func close() throws(Failure) {
        guard let id else { return }
        let now = queue.context.now()
        try queue.database.write { db in
            try db.execute(
                sql: "UPDATE schedulers SET stopped_at = ?, last_pass_at = ? WHERE id = ?",
                arguments: [now.milliseconds, now.milliseconds, id])
        }
    }

    private func record(at now: Date) throws(Failure) {
        if let recordedAt, abs(now.timeIntervalSince(recordedAt)) < Self.recordInterval { return }
        let context = queue.context
        let (mode, version, id) = (mode, version, id)
        self.id = try queue.database.write { db in
            if let id {
                let changes = try db.execute(
                    cached: "UPDATE schedulers SET last_pass_at = ? WHERE id = ?", [now.milliseconds, id])
                if changes == 1 { return id }
            }
            return try SchedulerRecord.begin(mode, owner: context.process, version: version, at: now, db)
        }
        recordedAt = now
    }

    private func handleDue(at now: Date, _ report: inout PassReport) throws(Failure) {
        var due: [Int] = []
        while let index = heap.pop(notAfter: now) { due.append(index) }
        let runs = DueRuns(queue: queue, now: now)
        do throws(Failure) {
            for start in stride(from: 0, to: due.count, by: Self.batch) {
                let batch = due[start..<min(start + Self.batch, due.count)]
                let handled = try runs.handle(batch.map { (entries[$0], records[$0]) })
                for (index, result) in zip(batch, handled) { take(result, for: index, &report) }
            }
        } catch {
            arrange(at: now)
            throw error
        }
        for index in due { enter(index, at: now) }
    }

    private func take(_ result: DueRuns.Handled, for index: Int, _ report: inout PassReport) {
        records[index] = result.record
        if result.isReset { report.clockResets.append(result.record.key) }
        guard let job = result.job else { return }
        if result.isQueued { report.queued.append(job) } else { report.skipped.append(job) }
    }

    private func launch(_ report: inout PassReport) throws(Failure) {
        for job in try queue.reserve(limits) {
            do throws(Failure) {
                try launcher.launch(job)
                report.launched.append(job.id)
            } catch {
                report.launchFailures.append((job.id, error))
                try queue.noteLaunchFailure(job.id, error)
            }
        }
    }

    private func arrange(at now: Date) {
        heap.removeAll()
        for index in entries.indices { enter(index, at: now) }
    }

    /// Puts an entry where its next due time belongs.
    private func enter(_ index: Int, at now: Date) {
        let (entry, record) = (entries[index], records[index])
        let handled = record.lastDueAt ?? record.firstSeenAt
        if entry.isSuspended != (record.suspendedAt != nil)
            || handled > now.addingTimeInterval(DueDecision.clockTolerance)
        {
            heap.insert(index, due: .distantPast)
        } else if !entry.isSuspended, let due = entry.recurrence.next(after: handled) {
            heap.insert(index, due: due)
        }
    }
}
