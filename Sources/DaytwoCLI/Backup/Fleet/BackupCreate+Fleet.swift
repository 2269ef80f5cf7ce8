import Failures
import Foundation
import Jobs
import JSONValues
import Kubernetes
import Operations
import Policies
import Stores
import Threads
import VirtualClusters

extension BackupCreate {
    /// Backups of all virtual clusters that are selected, several at once.
    func backUpFleet(_ session: Session) throws(Failure) -> ExitStatus {
        try refuseLocalOptions()
        try checkFleetOptions()
        let selector = try fleet.selector.map { text throws(Failure) in try LabelSelector(text) }
        let store = try self.store.open(for: .writing, session)
        let found = try survey(selector, session)
        for failure in found.failures { session.console.warn(failure.failure.description) }
        guard !found.members.isEmpty || !found.failures.isEmpty else {
            throw Failure(
                .notFound, "there is no virtual cluster to back up",
                why: fleet.selector.map { "none that is selected by \($0.debugDescription)" } ?? "none was found",
                next: "see what there is: daytwo clusters list")
        }
        let results = try FleetRun(members: found.members, store: store, session: session)
            .run(parallel: fleet.parallel ?? FleetOptions.standardParallel)
        return try FleetText.show(results, found.failures, session)
    }

    private func checkFleetOptions() throws(Failure) {
        guard dataDir == nil else {
            throw Failure(
                .usage, "--data-dir is on this machine, and other options select clusters on hosts",
                next: "leave out one of both")
        }
        guard !(fleet.allNamespaces && host.namespace != nil) else {
            throw Failure(
                .usage, "all namespaces are meant, and \(host.namespace ?? "one") alone", next: "leave out -A or -n")
        }
        if let parallel = fleet.parallel, !(1...64).contains(parallel) {
            throw Failure(.usage, "\(parallel) backups at once cannot be", next: "give --parallel 1 to 64")
        }
        guard !jobOptions.detach else {
            throw Failure(
                .usage, "--detach leaves one cluster to the scheduler, not several",
                next: "name the cluster, or make a schedule of it")
        }
    }

    /// One list for each kind and host, whatever the number of clusters.
    private func survey(
        _ selector: LabelSelector?, _ session: Session
    ) throws(Failure) -> (members: [FleetMember], failures: [FleetFailure]) {
        let context = session.context(stopped: "nothing was stored; run the command again")
        var members: [FleetMember] = []
        var failures: [FleetFailure] = []
        for (name, attempt) in try host.attempts(session, context) {
            do throws(Failure) {
                let chosen = try attempt.get()
                let objects = try chosen.cluster.objects(
                    of: HostCluster.discoveryKinds + HostBackup.manifestKinds, in: host.namespace)
                let discovery = Discovery(of: objects)
                for aside in discovery.setAside {
                    let name = "\(aside.kind) \(aside.namespace)/\(aside.name) on \(aside.host)"
                    session.console.note("\(name) is none: \(aside.reason.sentence)")
                }
                let selected = discovery.clusters.filter { selector?.matches($0, in: objects) ?? true }
                if selected.isEmpty { continue }
                let settings = try AgentSettings(image: agentImage, chosen.configured)
                members += selected.map { cluster in
                    FleetMember(
                        cluster: cluster, objects: objects, host: chosen.cluster, settings: settings,
                        surveyed: Uptime.now, verifies: verify, level: level.map { Int32(clamping: $0) },
                        arguments: arguments(for: cluster, on: chosen))
                }
            } catch {
                guard error.stopSignal == nil else { throw error }
                failures.append(FleetFailure(host: name, failure: error))
            }
        }
        // What is wrong with all of them is wrong with the command.
        if members.isEmpty, let first = failures.first?.failure, first.code == .usage { throw first }
        return (members, failures)
    }

    /// The command line that backs up one of them alone: what its job would be tried again by.
    private func arguments(for cluster: VirtualCluster, on chosen: ChosenHost) -> [String] {
        var words = ["backup", "create", cluster.path]
        let options: [(String, String?)] = [
            ("--host", chosen.configured?.name ?? host.host), ("--kubeconfig", host.kubeconfig),
            ("--context", host.context), ("--agent-image", agentImage), ("--store", store.store),
            ("--level", level.map(String.init)), ("--config", global.config),
        ]
        for (name, value) in options {
            if let value { words += [name, value] }
        }
        return verify ? words : words + ["--no-verify"]
    }
}

/// A host whose clusters could not be found out.
struct FleetFailure {
    let host: String
    let failure: Failure
}

/// One of several clusters to back up.
struct FleetMember: Sendable {
    var cluster: VirtualCluster
    var objects: HostObjects
    let host: HostCluster
    let settings: AgentSettings
    /// When that was listed.
    let surveyed: Duration
    let verifies: Bool
    let level: Int32?
    let arguments: [String]

    var path: String { "\(host.name)/\(cluster.path)" }
}

/// What became of one.
struct FleetResult: Sendable {
    let member: FleetMember
    let outcome: Result<BackupResult, Failure>
    let seconds: Double

    var status: ExitStatus {
        switch outcome {
        case .success(let result): result.reasons.isEmpty ? .done : .partial
        case .failure(let failure): ExitStatus(failure)
        }
    }
}

/// Several backups at once, each a job.
struct FleetRun: Sendable {
    let members: [FleetMember]
    let store: DirectoryStore
    let session: Session

    private struct State: Sendable {
        var next = 0
        var results: [FleetResult?]
    }

    /// Gives what became of each, in their order.
    func run(parallel: Int) throws(Failure) -> [FleetResult] {
        makeState()
        let state = Monitor(State(results: Array(repeating: nil, count: members.count)))
        var threads: [OwnedThread] = []
        for _ in 0..<min(parallel, members.count) {
            threads.append(try OwnedThread { () throws(Failure) in work(state) })
        }
        for thread in threads { try thread.result().get() }
        return state.change { $0.results.compactMap(\.self) }
    }

    /// Made once, before several look for it at the same time. What is wrong with it, each job says.
    private func makeState() {
        do throws(Failure) {
            _ = try session.openState()
        } catch {
            session.console.warn("the backups may not be recorded as jobs: \(error.brief)")
        }
    }

    private func work(_ state: Monitor<State>) {
        while true {
            let index = state.change { state -> Int? in
                guard state.next < members.count else { return nil }
                defer { state.next += 1 }
                return state.next
            }
            guard let index else { return }
            let result = backUp(members[index], isFirst: index == 0)
            state.change { $0.results[index] = result }
        }
    }

    private func backUp(_ member: FleetMember, isFirst: Bool) -> FleetResult {
        let start = Uptime.now
        let session = session.member(arguments: member.arguments)
        let outcome: Result<BackupResult, Failure>
        do throws(Failure) {
            try StopSignal.check(next: "run the command again")
            outcome = .success(try store(member, session, isFirst: isFirst))
        } catch {
            session.job.log(.error, error.description)
            outcome = .failure(error)
        }
        let result = FleetResult(member: member, outcome: outcome, seconds: (Uptime.now - start).inSeconds)
        FleetText.tell(result, session.console)
        session.job.finish(
            JobOutcome(
                exitCode: result.status.rawValue, message: result.failure?.description,
                result: FleetText.json(result).compact))
        if let job = session.job.job { JobEcho(session: session).end(job) }
        return result
    }

    private func store(_ member: FleetMember, _ session: Session, isFirst: Bool) throws(Failure) -> BackupResult {
        let context = quiet(session)
        var client = member.host.client
        client.surroundings.checkStop = context.checkStop
        let host = HostCluster(name: member.host.name, client: client)
        let prepared = backup(of: member, host, isFirst: isFirst)
        let job = JobDescription(
            kind: .backup, target: member.path, store: store.location, host: member.host.name)
        try session.recordingFailure(of: job) { () throws(Failure) in try prepared.check() }
        _ = try session.begin(job)
        for problem in member.cluster.problems { session.job.log(.warning, problem.sentence) }
        let lease = ClusterLease(of: member.cluster.name, in: member.cluster.namespace, on: host, context)
        return try lease.hold(.here("backup")) { () throws(Failure) in
            guard try isStale(member, host) else { return try prepared.run(to: store, context) }
            return try self.backup(of: try again(member, host), host, isFirst: isFirst).run(to: store, context)
        }
    }

    private func backup(of member: FleetMember, _ host: HostCluster, isFirst: Bool) -> HostBackup {
        var backup = HostBackup(member.cluster, among: member.objects, on: host, member.settings)
        backup.verifies = member.verifies
        backup.level = member.level
        // A look at the whole store for each of many clusters would take longer than their backups.
        backup.sweepsStore = isFirst
        return backup
    }

    /// Whether a cluster is another one by now than when all were listed: the last of many has waited for the others.
    private func isStale(_ member: FleetMember, _ host: HostCluster) throws(Failure) -> Bool {
        let workload = member.cluster.workload
        let listed = member.objects.objects(of: workload.type).first { $0.uid == workload.uid }
        // The rights of a backup are to list.
        let named = ObjectSelector(fields: "metadata.name=\(workload.name)")
        let now = try host.client.list(workload.type, in: member.cluster.namespace, named).objects.first
        return now?.resourceVersion != listed?.resourceVersion || Uptime.now - member.surveyed > .seconds(60)
    }

    private func again(_ member: FleetMember, _ host: HostCluster) throws(Failure) -> FleetMember {
        var member = member
        (member.cluster, member.objects) = try host.cluster(
            named: member.cluster.path, also: HostBackup.manifestKinds)
        return member
    }

    /// The steps of several at once are for their logs alone.
    private func quiet(_ session: Session) -> OperationContext {
        var context = session.context(stopped: "nothing was stored; run the command again")
        let job = session.job
        context.report = { job.report($0) }
        return context
    }
}

extension FleetResult {
    var failure: Failure? {
        if case .failure(let failure) = outcome { return failure }
        return nil
    }
}
