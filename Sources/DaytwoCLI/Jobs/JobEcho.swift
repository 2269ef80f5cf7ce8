import Failures
import Foundation
import Jobs
import Monitoring
import Operations
import Policies
import Stores

/// What goes out into the world when a job begins and ends: the schedule's dead man's switch, what follows a backup, and
/// notifications. None of it can change how the job ended.
struct JobEcho {
    let session: Session

    /// The kinds that a fleet's status is made of.
    private static let telling: Set<JobKind> = [.backup, .verify, .drill, .prune, .restore, .pause, .resume]

    /// A job has begun in this process.
    func begin(_ job: Job) {
        guard let schedule = job.schedule, job.kind == .backup, let announcements = announcements() else { return }
        if let failure = announcements.ping(of: schedule)?.start() { tell("the ping of \(schedule)", failure) }
    }

    /// A job has ended in this process; the database knows.
    func end(_ job: Job) {
        guard Self.telling.contains(job.kind), let announcements = announcements(), let queue = queue() else { return }
        // One that is tried again has not ended: what it says now may be wrong in a minute.
        guard let ended = attempt("the job", { () throws(Failure) in try queue.job(job.id) }), ended.state.isSettled
        else { return }
        attempt("notifications") { () throws(Failure) in
            guard let configuration = try session.settings.configuration() else { return }
            let status = try FleetSurvey(configuration, queue, context).status(of: [job.target])
            try announcements.announce(status, of: job.target)
            // A scheduler that is at work delivers by itself, and holds nobody up.
            guard try !SchedulerRecord.all(queue.database).contains(where: { $0.isServing(at: session.now) }) else {
                return
            }
            for failure in try announcements.deliver(within: .seconds(5)) { tell("a notification", failure) }
        }
        if job.kind == .backup, let schedule = job.schedule { follow(ended, schedule, queue, announcements) }
    }

    private func follow(_ job: Job, _ schedule: String, _ queue: JobQueue, _ announcements: Announcements) {
        let isGood = job.state == .succeeded
        if isGood || job.state == .partial {
            attempt("what follows the backup") { () throws(Failure) in
                guard let configuration = try session.settings.configuration(),
                    let found = configuration.schedules.first(where: { $0.name == schedule }),
                    let cluster = configuration.clusters.first(where: { $0.path == job.target })
                else { return }
                let requests = ScheduledEntries(configuration: configuration).followers(of: cluster, found)
                if !requests.isEmpty { _ = try queue.enqueue(requests) }
            }
        }
        guard let ping = announcements.ping(of: schedule) else { return }
        // Success of a schedule is success for all of its clusters: one that fails must not be covered by the others.
        let failing = isGood ? failingClusters(of: schedule, queue) : [job.target]
        let failure =
            failing.isEmpty
            ? ping.success()
            : ping.fail(isGood ? "failing: \(failing.joined(separator: ", "))" : job.message ?? job.state.rawValue)
        if let failure { tell("the ping of \(schedule)", failure) }
    }

    private func failingClusters(of schedule: String, _ queue: JobQueue) -> [String] {
        let failing: Set<String> = ["overdue", "neverBackedUp", "lastFailed"]
        return attempt("the ping") { () throws(Failure) in
            let lasting = try Conditions(queue.database, context: queue.context).all().map(\.condition)
            return Set(lasting.filter { $0.schedule == schedule && failing.contains($0.name) }.map(\.cluster)).sorted()
        } ?? []
    }

    private var context: OperationContext { session.context(stopped: "run the command again") }

    private func queue() -> JobQueue? {
        attempt("the state directory") { () throws(Failure) in
            try JobQueue(session.openState(creating: false), context: JobSurroundings.context())
        }
    }

    private func announcements() -> Announcements? {
        guard let queue = queue() else { return nil }
        return attempt("the configuration") { () throws(Failure) in
            try session.settings.configuration().map { configuration in
                Announcements(
                    configuration, queue, context, hostName: JobSurroundings.hostName,
                    environment: { Environment.value(of: $0) })
            }
        } ?? nil
    }

    @discardableResult
    private func attempt<Value>(_ what: String, _ body: () throws(Failure) -> Value) -> Value? {
        do throws(Failure) {
            return try body()
        } catch {
            tell(what, error)
            return nil
        }
    }

    private func tell(_ what: String, _ failure: Failure) {
        session.console.warn("\(what): \(failure.description)")
    }
}
