import Foundation
import Jobs
import Policies

@testable import DaytwoCLI

/// A fleet, two schedulers over one state directory, and workers, in a time that nobody but this moves: from due time to
/// due time, through faults that are the same for the same seed.
final class Year {
    /// What happens once, at its time.
    enum Incident {
        /// The machine is off for so many seconds.
        case outage(Int)
        /// The clock is set back by so many seconds.
        case back(Int)
        /// The schedule `daily` rests, or goes on.
        case suspend(Bool)
        case pin(String)
        case recreate(String)
        case lose(String)
        case acknowledge(String)
    }

    /// From when on a schedule counts what is due, and the newest job that was made before.
    struct Epoch {
        var start: Date
        var afterJob: Int64
    }

    private struct Work {
        var job: RunningJob
        var end: Date
        /// nil for one that dies.
        var exitCode: Int32?
    }

    let fleet: Fleet
    let queue: JobQueue
    private(set) var epochs: [ScheduleKey: [Epoch]] = [:]
    private(set) var recurrences: [ScheduleKey: (cron: String, zone: String)] = [:]
    private(set) var problems: [String] = []
    private(set) var deaths = 0
    /// When the last pass of all was.
    var end: Date { clock.now }

    private let start: Date
    private let clock: SteppedClock
    private let documents: Documents
    private let limits: JobLimits
    private let workers: Workers
    private var incidents: [(at: Date, what: Incident)]
    private var numbers: SeededNumbers
    private var configuration: DaytwoConfiguration
    private var schedulers: [Scheduler] = []
    private var work: [Work] = []
    /// Jobs that are not at their end.
    private var open: Set<Int64> = []
    private var newestJob: Int64 = 0
    private var nextDue: Date?
    private var pid: Int32 = 100
    private var awaitingBackup: [Incident] = []
    private var month: Int

    init(from start: Date, incidents: [(at: Date, what: Incident)], seed: UInt64) throws {
        self.start = start
        self.incidents = incidents.sorted { $0.at < $1.at }
        numbers = SeededNumbers(state: seed)
        clock = SteppedClock(start)
        let scratch = try Scratch()
        documents = try Documents(in: scratch)
        configuration = try documents.load(isDailySuspended: false, now: start)
        let scheduler = configuration.scheduler
        limits = JobLimits(
            total: scheduler.maxRunning, perHost: scheduler.maxRunningPerHost, perStore: scheduler.maxRunningPerStore)
        fleet = try Fleet(configuration, seed: seed &+ 1)
        queue = try Self.queue(scratch, clock, pid: 1)
        workers = Workers(try Self.queue(scratch, clock, pid: 2), limits: limits, seed: seed &+ 2)
        month = Self.month(of: start)
        for schedule in configuration.schedules {
            for entry in schedule.entries(for: configuration.clusters) {
                let key = ScheduleKey(schedule: schedule.name, cluster: entry.cluster.path, purpose: .backup)
                recurrences[key] = (schedule.cron.text, schedule.zone.name)
                epochs[key] = [Epoch(start: start, afterJob: 0)]
            }
        }
        schedulers = [try newScheduler(), try newScheduler()]
    }

    private static func queue(_ scratch: Scratch, _ clock: SteppedClock, pid: Int32) throws -> JobQueue {
        let context = JobContext(
            now: { clock.now }, chance: { 0.25 },
            process: ProcessIdentity(pid: pid, host: "node1", bootID: "5f3c2a10-0000"),
            actor: Actor(user: "ops", uid: 1000, origin: "scheduler"))
        return JobQueue(try StateDatabase(directory: scratch["state"]), context: context)
    }

    private static func month(of time: Date) -> Int {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.component(.month, from: time)
    }

    private func newScheduler() throws -> Scheduler {
        pid += 1
        let scheduler = Scheduler(
            try Self.queue(documents.scratch, clock, pid: pid), launcher: workers, limits: limits, mode: .serve,
            version: "0.1.0")
        try scheduler.load(ScheduledEntries(configuration: configuration).entries)
        return scheduler
    }

    /// Lives until that time, and on until all that was begun is at its end.
    func run(until stop: Date) throws {
        while clock.now < stop {
            try meetIncidents()
            try endWork()
            if isTimeToPass { try pass() }
            if Self.month(of: clock.now) > month {
                month = Self.month(of: clock.now)
                try fleet.look()
            }
            clock.now = min(next(), stop)
        }
        for _ in 0..<10_000 {
            try pass()
            if open.isEmpty { break }
            clock.now += 60
            try endWork()
        }
        try fleet.look()
    }

    private var isTimeToPass: Bool {
        (nextDue.map { $0 <= clock.now } ?? true) || open.count > work.count || numbers.isOne(in: 10)
    }

    private func next() -> Date {
        let now = clock.now
        var times = [now + 6 * 3600, nextDue, work.map(\.end).min(), incidents.first?.at].compactMap { $0 }
        // Something waits: for a pause to end, a place, or for somebody to see that its worker is dead.
        if open.count > work.count { times.append(now + 60) }
        if numbers.isOne(in: 12) { times.append(now + Double(Int.random(in: 1...1800, using: &numbers))) }
        let next = max(times.min() ?? now, now + 1)
        return numbers.isOne(in: 3) ? next + Double(Int.random(in: 1...40, using: &numbers)) : next
    }

    private func pass() throws {
        if numbers.isOne(in: 500) {
            // One dies between two passes, and is made anew.
            schedulers[Int.random(in: 0..<2, using: &numbers)] = try newScheduler()
        }
        // The second one mostly has an old picture of what was handled.
        let places = numbers.isOne(in: 8) ? [1, 0] : numbers.isOne(in: 8) ? [0, 1] : [0]
        for place in places {
            let report = try schedulers[place].pass()
            for key in report.clockResets { epochs[key]?.append(Epoch(start: clock.now, afterJob: newestJob)) }
            open.formUnion(report.queued)
            newestJob = max(newestJob, (report.queued + report.skipped).max() ?? 0)
            for job in report.recovered where job.state.isFinal { open.remove(job.id) }
            nextDue = report.nextDue
            try begin(workers.take())
        }
    }

    private func begin(_ claimed: [RunningJob]) throws {
        for job in claimed {
            if work.contains(where: { $0.job.job.target == job.job.target }) {
                problems.append("two jobs of \(job.job.target) at once, at \(clock.now)")
            }
            let minutes = numbers.isOne(in: 60) ? 60..<110 : 1..<9
            let seconds = 60 * Int.random(in: minutes, using: &numbers) + Int.random(in: 0..<60, using: &numbers)
            let exitCode: Int32? =
                switch Int.random(in: 0..<100, using: &numbers) {
                case 0..<3: nil
                case 3..<6: 7
                case 6..<8: 1
                case 8..<11: 3
                default: 0
                }
            work.append(Work(job: job, end: clock.now + Double(seconds), exitCode: exitCode))
        }
        if work.count > limits.total { problems.append("\(work.count) jobs at once, at \(clock.now)") }
    }

    private func endWork() throws {
        let ended = work.filter { $0.end <= clock.now }
        work.removeAll { $0.end <= clock.now }
        for one in ended {
            guard let exitCode = one.exitCode else {
                // Its lease goes with it.
                deaths += 1
                continue
            }
            let cluster = one.job.job.target
            if exitCode == 0 || exitCode == 3 {
                try fleet.backUp(cluster, isComplete: exitCode == 0, at: clock.now)
            }
            if try one.job.finish(JobOutcome(exitCode: exitCode)).state.isFinal { open.remove(one.job.job.id) }
            if exitCode == 0 { try followBackup(of: cluster) }
        }
    }

    private func meetIncidents() throws {
        while let incident = incidents.first, incident.at <= clock.now {
            incidents.removeFirst()
            // A scheduler looks every few seconds: it sees each of these soon.
            nextDue = nil
            switch incident.what {
            case .outage(let seconds):
                deaths += work.count
                work = []
                clock.now += Double(seconds)
                schedulers = [try newScheduler(), try newScheduler()]
            case .back(let seconds):
                clock.now -= Double(seconds)
                for place in work.indices { work[place].end -= Double(seconds) }
            case .suspend(let isSuspended):
                configuration = try documents.load(isDailySuspended: isSuspended, now: clock.now)
                let entries = ScheduledEntries(configuration: configuration).entries
                for scheduler in schedulers { try scheduler.load(entries) }
            case .lose(let cluster): fleet.lose(cluster)
            case .acknowledge(let cluster): try fleet.acknowledge(cluster, at: clock.now)
            case .pin, .recreate: awaitingBackup.append(incident.what)
            }
        }
    }

    /// What happens right after a good backup.
    private func followBackup(of cluster: String) throws {
        for incident in awaitingBackup {
            switch incident {
            case .pin(cluster): try fleet.pinNewest(cluster, at: clock.now)
            case .recreate(cluster): fleet.recreate(cluster)
            default: continue
            }
        }
        awaitingBackup.removeAll {
            switch $0 {
            case .pin(cluster), .recreate(cluster): true
            default: false
            }
        }
    }
}
