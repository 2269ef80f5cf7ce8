import ArgumentParser
import Archive
import Failures
import Files
import Foundation
import Jobs
import Operations
import Policies

/// A command that changes something, and so runs as a job.
protocol JobCommand: OperationCommand {
    /// How it runs as one.
    var jobOptions: JobOptions { get }
}

/// The options of every command that runs as a job.
struct JobOptions: ParsableArguments {
    @Flag(help: "Leave it to the scheduler, and end at once.")
    var detach = false
}

extension Session {
    /// Begins the job of a command that knows by now what it will do; false when it is left to a scheduler instead.
    ///
    /// Throws `locked` while another job works on the same cluster. No trouble with the state directory stops a command
    /// that runs here: it is told, and the command runs without a record.
    func begin(_ description: JobDescription) throws(Failure) -> Bool {
        job.ask(description.isUnfinished)
        if job.job != nil { return true }
        guard !isDetached else {
            try detach(description)
            return false
        }
        do throws(Failure) {
            let queue = try JobQueue(openState(), context: JobSurroundings.context())
            if description.isIncident { try makeRoom(for: description, queue) }
            let running = try start(description, queue)
            job.adopt(running)
            JobEcho(session: self).begin(running.job)
        } catch {
            guard error.cause as? Busy == nil, error.stopSignal == nil else { throw error }
            console.warn("this run is not recorded as a job: \(error.brief)")
        }
        return true
    }

    /// The cluster whose data a restore replaces: the one that the inventory has in that directory, else the backup's own,
    /// unless the directory holds another.
    func target(of plan: RestorePlan, _ directory: DataDirectory) throws(Failure) -> String {
        for cluster in try settings.optionalConfiguration(console)?.clusters ?? [] {
            guard let path = cluster.dataDirectory, try FileStatus.ifPresent(path, following: true) != nil else {
                continue
            }
            if try realPath(path) == directory.root { return cluster.path }
        }
        let isOther = plan.target.clusterUID != nil && plan.target.clusterUID != plan.source.clusterUID
        return isOther ? "directory:\(directory.root)" : "\(InventoryHost.local)/\(plan.source.name)"
    }

    /// Closes the jobs of a cluster that waited for the decision which was just carried out.
    func settle(_ target: String, _ state: JobState, message: String, kind: JobKind = .restore) {
        do throws(Failure) {
            guard let queue = try queue() else { return }
            let waiting = try queue.list(
                JobFilter(states: [.needsDecision], kind: kind, target: target), limit: 100)
            for job in waiting { _ = try queue.decide(job.id, state, message: message) }
        } catch {
            console.warn("jobs that wait for this decision could not be closed: \(error.description)")
        }
    }

    /// Runs the checks before a job. What they find wrong is a failed job as well: where a crontab runs the command, nobody
    /// else may ever look.
    func recordingFailure<Value>(
        of description: JobDescription, _ checks: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        do throws(Failure) {
            return try checks()
        } catch {
            if error.code != .usage, !isDetached {
                // Another job of the cluster at work is no reason to hide what was wrong with this one.
                do throws(Failure) { _ = try begin(description) } catch {}
            }
            throw error
        }
    }

    /// Opens the state directory.
    func openState(creating: Bool = true) throws(Failure) -> StateDatabase {
        try StateDatabase(directory: absolutePath(settings.stateDirectory().path), creating: creating)
    }

    /// The target itself is taken: the one trouble that must stop a command.
    private struct Busy: Error {}

    private func start(_ description: JobDescription, _ queue: JobQueue) throws(Failure) -> RunningJob {
        do throws(Failure) {
            return try queue.start(request(description, arguments: arguments))
        } catch {
            guard error.code == .locked, let other = try queue.running(on: description.target) else { throw error }
            throw Failure(
                .locked, error.what, why: error.why,
                next: "wait for it: daytwo jobs wait \(other.id); or stop it: daytwo jobs cancel \(other.id)",
                cause: Busy())
        }
    }

    /// An incident waits for nobody that can be asked to stop.
    private func makeRoom(for description: JobDescription, _ queue: JobQueue) throws(Failure) {
        var told: Int64?
        let limit = Uptime.now + .seconds(60)
        while Uptime.now < limit {
            let priority = JobPriority.incident
            let inTheWay = try queue.cancelForPriority(
                target: description.target, above: priority, by: "an incident's \(description.kind.rawValue)")
            guard let inTheWay, inTheWay.cancelRequestedBy != nil else { return }
            if told != inTheWay.id {
                console.note("asked job \(inTheWay.id) (\(inTheWay.kind.rawValue)) to stop, and waiting for it")
            }
            told = inTheWay.id
            try StopSignal.check(next: "run the command again")
            usleep(100_000)
        }
    }

    private func detach(_ description: JobDescription) throws(Failure) {
        var words = try description.fixed(arguments.filter { $0 != "--detach" })
        // Nobody can be asked later; whoever was asked has agreed.
        if description.isConfirmed, !words.contains("--yes"), !words.contains("-y") { words.append("--yes") }
        if let place = try Places.configuration(told: settings.toldConfiguration), settings.toldConfiguration == nil {
            words += ["--config", try absolutePath(place.path)]
        }
        // Whoever runs it has another environment.
        if let store = Environment.store.value, !words.contains(where: { $0 == "--store" || $0.hasPrefix("--store=") }),
            description.takesStore
        {
            words += ["--store", store]
        }
        let queue = try JobQueue(openState(), context: JobSurroundings.context())
        let queued = try queue.enqueue([request(description, arguments: words)])[0]
        try console.show(
            JobView(queued).document, names: ["\(queued.id)"],
            text: "job \(queued.id) waits for the scheduler; see: daytwo jobs wait \(queued.id)\n")
    }

    private func request(_ description: JobDescription, arguments: [String]) throws(Failure) -> JobRequest {
        JobRequest(
            kind: description.kind, target: description.target, host: description.host, store: description.store,
            parameters: JobParameters(arguments: arguments, directory: try realPath(".")).text,
            origin: JobSurroundings.isUnderCron ? .cron : .commandLine,
            priority: description.isIncident ? JobPriority.incident : JobPriority.asked)
    }
}

/// What bounds the jobs of data directories: this machine.
enum InventoryHost {
    static let local = "local"
}
