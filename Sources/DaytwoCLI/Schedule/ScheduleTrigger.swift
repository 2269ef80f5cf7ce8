import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Policies

/// `daytwo schedule trigger`.
struct ScheduleTrigger: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "trigger", abstract: "Queue the backups of a schedule now; when it is due next stays as it is.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: "The schedule.")
    var schedule: String

    @Option(help: ArgumentHelp("Only this cluster.", valueName: "name"))
    var cluster: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let configuration = try session.settings.requireConfiguration()
        let found = try configuration.requireSchedule(schedule)
        if found.suspended { session.console.warn("\(schedule) is suspended; this run is queued all the same") }
        let wanted = try cluster.map { name throws(Failure) in try configuration.path(ofCluster: name) }
        let requests = ScheduledEntries(configuration: configuration).entries.filter {
            $0.key.schedule == schedule && $0.key.purpose == .backup && (wanted == nil || $0.key.cluster == wanted)
        }.map(\.template)
        guard !requests.isEmpty else {
            throw Failure(
                .notFound, "\(schedule) selects \(wanted.map { "no cluster \($0)" } ?? "no cluster")",
                next: "see: daytwo schedule list")
        }
        let queue = JobQueue(try session.openState(), context: JobSurroundings.context())
        let jobs = try queue.enqueue(requests)
        try session.console.show(
            .document("JobList", [("items", .array(jobs.map { .members(JobView($0).members) }))]),
            names: jobs.map { "\($0.id)" },
            text: jobs.map { "job \($0.id): backup of \($0.target)\n" }.joined())
        let isServed = try SchedulerRecord.all(queue.database).contains { $0.isServing(at: session.now) }
        if !isServed { session.console.note("no scheduler is at work; the next tick runs it: daytwo scheduler tick") }
        return .done
    }
}
