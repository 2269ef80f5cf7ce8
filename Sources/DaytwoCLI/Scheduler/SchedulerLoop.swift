import Failures
import Files
import Foundation
import Jobs
import Operations
import Policies
import Processes
import Threads

/// A scheduler at work in this process, for `serve` and for `tick`.
final class SchedulerLoop {
    private let session: Session
    private let log: SchedulerLog
    private let mode: SchedulerRecord.Mode
    private let queue: JobQueue
    private let launcher: WorkerLauncher
    private let scheduler: Scheduler
    private(set) var configuration: DaytwoConfiguration
    /// Why the last pass failed; nil when it worked.
    private(set) var lastProblem: Failure?
    private var isLoaded = false
    private var nextLook = Duration.zero

    /// How often is looked whether the configuration has changed.
    private static let lookInterval = Duration.seconds(5)

    init(_ session: Session, _ log: SchedulerLog, _ mode: SchedulerRecord.Mode) throws(Failure) {
        self.session = session
        self.log = log
        self.mode = mode
        configuration = try session.settings.requireConfiguration()
        queue = JobQueue(try session.openState(), context: JobSurroundings.context(origin: "scheduler"))
        let queue = queue
        launcher = try WorkerLauncher(session) { queue.wakeSchedulers() }
        scheduler = Scheduler(
            queue, launcher: launcher, limits: Self.limits(configuration), mode: mode, version: OperationContext.version
        )
        for warning in configuration.warnings { log.write(.warning, warning.text) }
    }

    /// Makes passes until told to stop. `isDone` is asked after each pass with the number of workers at work.
    func run(until shouldStop: () -> Bool, afterPass: (_ configuration: DaytwoConfiguration, _ working: Int) -> Void)
        throws(Failure)
    {
        let listener = try DoorbellListener(queue.database)
        try scheduler.run(
            listener,
            until: {
                reapAndLog(); return shouldStop()
            },
            reload: { () throws(Failure) in try reload() },
            report: { result in
                switch result {
                case .success(let report):
                    lastProblem = nil
                    log.write(report, queue)
                case .failure(let failure):
                    // Told once, not each time: a full disk may stay full for hours.
                    if lastProblem?.description != failure.description { log.write(.error, failure.description) }
                    lastProblem = failure
                }
                reapAndLog()
                afterPass(configuration, launcher.count)
            })
        try scheduler.close()
    }

    /// How many jobs wait that may start now, or will soon.
    func waiting(within seconds: TimeInterval) throws(Failure) -> Int {
        let now = session.now
        return try queue.list(JobFilter(states: [.queued]), limit: 10_000).count { $0.notBefore <= now + seconds }
    }

    private func reapAndLog() {
        for (job, end) in launcher.reap() {
            if case .signalled(let number) = end {
                log.write(.error, "its process was ended by signal \(number)", jobID: job)
            }
            log.writeEnd(of: job, queue)
        }
    }

    /// The entries, when the configuration is new. One that is broken is told, and the last good one stays in force.
    private func reload() throws(Failure) -> [ScheduleEntry]? {
        if isLoaded {
            guard Uptime.now >= nextLook else { return nil }
            nextLook = Uptime.now + Self.lookInterval
            guard try !configuration.isCurrent() else { return nil }
            do throws(Failure) {
                configuration = try DaytwoConfiguration.load(path: configuration.path, now: session.now)
                log.write(.info, "the configuration was read again")
                for warning in configuration.warnings { log.write(.warning, warning.text) }
            } catch {
                nextLook = Uptime.now + .seconds(60)
                log.write(.error, "the configuration that was read before stays in force: \(error.description)")
                return nil
            }
            scheduler.limits = Self.limits(configuration)
        }
        isLoaded = true
        return ScheduledEntries(configuration: configuration).entries
    }

    private static func limits(_ configuration: DaytwoConfiguration) -> JobLimits {
        let settings = configuration.scheduler
        return JobLimits(
            total: settings.maxRunning, perHost: settings.maxRunningPerHost, perStore: settings.maxRunningPerStore)
    }
}
