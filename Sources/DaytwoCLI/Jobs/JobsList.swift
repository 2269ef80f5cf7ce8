import Archive
public import ArgumentParser
import Failures
import Foundation
public import Jobs
import JSONValues
import Stores

extension JobState: ExpressibleByArgument {}
extension JobKind: ExpressibleByArgument {}

/// `daytwo jobs list`.
struct JobsList: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "list", abstract: "List jobs, the newest first.", exits: [.refused, .denied, .notFound])

    @Option(help: "Only jobs in this state; may be repeated.")
    var state: [JobState] = []

    @Option(help: "Only jobs of this kind.")
    var kind: JobKind?

    @Option(help: ArgumentHelp("Only jobs of this cluster.", valueName: "name"))
    var cluster: String?

    @Option(help: ArgumentHelp("Only jobs of this schedule.", valueName: "name"))
    var schedule: String?

    @Option(help: ArgumentHelp("Only jobs asked for since then: 2h, 7d, or a time.", valueName: "when"))
    var since: String?

    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 50

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard limit > 0 else { throw Failure(.usage, "--limit is not positive", next: "give 1 or more") }
        let now = session.now
        let queue = try session.recoveredQueue()
        let filter = JobFilter(
            states: Set(state), kind: kind, target: try target(in: queue), schedule: schedule,
            since: try since.map { text throws(Failure) in try Moment.past(text, now) })
        let jobs = try queue?.list(filter, limit: limit) ?? []
        try session.console.show(
            .document("JobList", [("items", .array(jobs.map { .members(JobView($0).members) }))]),
            names: jobs.map { "\($0.id)" }, text: JobView.table(jobs, at: now, session.console))
        if jobs.isEmpty { session.console.note("no such jobs") }
        return .done
    }

    /// The cluster that is meant, among those that have jobs.
    private func target(in queue: JobQueue?) throws(Failure) -> String? {
        guard let cluster, ClusterPath(cluster) == nil, let queue else { return cluster }
        let known = try queue.targets().compactMap { ClusterPath($0) }
        return try ClusterPath.named(cluster, among: known)?.description ?? cluster
    }
}

extension JobQueue {
    /// Decides about jobs whose process died; who may only look sees what is recorded.
    func putDeadAway() {
        do throws(Failure) { _ = try recover() } catch {}
    }
}

extension Session {
    /// The queue, for looking at it; nil where there never was a job.
    func queue() throws(Failure) -> JobQueue? {
        do throws(Failure) {
            return try JobQueue(openState(creating: false), context: JobSurroundings.context())
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    /// The same, after jobs whose process died are put away: no scheduler may be there to see that.
    func recoveredQueue() throws(Failure) -> JobQueue? {
        let queue = try queue()
        queue?.putDeadAway()
        return queue
    }

    /// The queue, for a job that is named.
    func requireQueue(for id: Int64) throws(Failure) -> JobQueue {
        if let queue = try recoveredQueue() { return queue }
        throw Failure(
            .notFound, "there is no job \(id)", why: "\(try settings.stateDirectory().path) has none at all",
            next: "check --state-dir; see: daytwo jobs list")
    }
}
