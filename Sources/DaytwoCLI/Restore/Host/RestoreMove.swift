public import ArgumentParser
public import Datastore
import Failures
import Jobs
import Operations
import Policies
import Stores

extension HostBinding.Kind: ExpressibleByArgument {}

/// Where a backup is brought up as a new virtual cluster.
struct RestoreMoveOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Bring the backup up as a new virtual cluster on this host, in the namespace of -n (else the one it had).",
            valueName: "host"))
    var to: String?

    @Option(help: ArgumentHelp("With --to: the name that it gets there (else the one it had).", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "With --to: what is called otherwise there (storage classes, images, ingresses, …), a document HostMapping.",
            valueName: "file"))
    var mapping: String?

    @Flag(help: "With --to: create the namespace where it is missing.")
    var createNamespace = false

    @Flag(help: "With --to: go on although the original may run, with the same identity.")
    var allowSecondCopy = false

    @Option(
        help: ArgumentHelp(
            "With --to: leave in the datastore what belongs to the old host: claims or volumes.", valueName: "what"))
    var noClean: [HostBinding.Kind] = []

    /// Throws where one of them is given and `--to` is not.
    func refuseAlone() throws(Failure) {
        guard to == nil,
            name != nil || mapping != nil || createNamespace || allowSecondCopy || !noClean.isEmpty
        else { return }
        throw Failure(
            .usage, "it is not said where to bring the backup up",
            next: "give --to HOST, or leave the options of --to out")
    }
}

/// A move that a command line tells of.
struct ChosenMove {
    let move: HostMove
    let restore: HostRestore
    let archive: HostRestoreArchive
    let options: HostMoveOptions
    let original: MoveOriginal
    /// The plan that it has to come to, where one was kept.
    let kept: HostMovePlan?
    /// Where it goes: `host/team/blue`.
    let target: String
    /// The lease of what was backed up, where it still is there.
    let originalLease: ClusterLease?

    /// Does the work while the original's lease says that it is moved: nobody should wake it meanwhile.
    func announced<Value>(_ work: () throws(Failure) -> Value) throws(Failure) -> Value {
        guard let originalLease else { return try work() }
        return try originalLease.hold(.here("move to \(target)"), work)
    }

    /// Throws `refused` where it is no longer the kept one.
    func plan() throws(Failure) -> HostMovePlan {
        let plan = try move.plan(archive, options, original: original)
        guard let kept else { return plan }
        try PlanFile.ofMove.require(
            noneOf: plan.differences(from: kept),
            "daytwo restore plan \(kept.source.id.prefix(8)) --to \(plan.target.host) -n \(plan.target.namespace) --name \(plan.target.name)"
        )
        return plan
    }
}

extension RestoreMoveOptions {
    /// Reads it all: the archive is verified, and where the original lies is looked at. What a plan was kept of is chosen by
    /// that.
    func chosen(
        _ words: [String], _ target: RestoreDirectoryOptions, _ host: RestoreHostOptions,
        _ choices: RestoreChoiceOptions, _ hostChoices: RestoreHostChoiceOptions, plan: String? = nil,
        _ store: StoreOptions, _ session: Session
    ) throws(Failure) -> ChosenMove {
        guard target.dataDir == nil, host.host.host == nil else {
            throw Failure(
                .usage, "--to names the host, and \(target.dataDir == nil ? "--host" : "--data-dir") another place",
                next: "give one of both")
        }
        var options = try options(choices, hostChoices)
        (options.namespace, options.name) = (host.host.namespace, name)
        let kept = try PlanFile.ofMove.read(plan, hasChoices: options != HostMoveOptions())
        if let kept { options = kept.options }
        guard words.count <= 2 else { throw Failure(.usage, "there are too many words") }
        guard let backup = words.last ?? kept?.source.id else { throw RestoreForm.noBackup }
        let archive = try store.hostArchive(backup, session)
        let identity = archive.document.identity
        if words.count == 2, words[0] != "\(identity.namespace ?? "")/\(identity.name)", words[0] != identity.name {
            throw Failure(
                .usage, "the backup is not of \(words[0])",
                why: "it is of \([identity.namespace, identity.name].compactMap { $0 }.joined(separator: "/"))",
                next: "with --to, name the backup alone; -n and --name say where it goes")
        }
        options.namespace = options.namespace ?? identity.namespace
        let newName = options.name ?? identity.name
        options.name = newName
        guard let namespace = options.namespace else {
            throw Failure(
                .refused, "\(archive.fileName) is no backup of a virtual cluster on a host",
                why: "it has none of the host objects that a new one is made of",
                next: "restore it onto one that is there, NAMESPACE/NAME BACKUP, or as a data directory")
        }
        var there = host
        there.host.host = to
        there.host.namespace = nil
        let place = "\(namespace)/\(newName)"
        let restore = try there.restore(
            place, session, stopped: "go on with: daytwo restore resume \(place) --host \(to ?? "")")
        let (original, found) = try original(of: identity, host.host, session)
        // One that is on its own place is refused by the plan.
        let isItself = found?.name == to && place == "\(identity.namespace ?? "")/\(identity.name)"
        let context = session.context(stopped: "run the command again; nothing was changed")
        return ChosenMove(
            move: try HostMove(restore), restore: restore, archive: archive, options: options, original: original,
            kept: kept, target: "\(to ?? "")/\(place)",
            originalLease: isItself
                ? nil
                : found.map { ClusterLease(of: identity.name, in: identity.namespace ?? "", on: $0, context) })
    }

    private func options(
        _ choices: RestoreChoiceOptions, _ hostChoices: RestoreHostChoiceOptions
    ) throws(Failure) -> HostMoveOptions {
        let inPlace: [(String, Bool)] = [
            ("--replace-other-cluster", choices.replaceOtherCluster), ("--discard-old", choices.discardOld),
            ("--drop-newer-volumes", hostChoices.dropNewerVolumes), ("--allow-managed", hostChoices.allowManaged),
            ("--no-safety-backup", !hostChoices.safetyBackup), ("--apply", !hostChoices.apply.isEmpty),
        ]
        if let given = inPlace.first(where: \.1) {
            throw Failure(
                .usage, "\(given.0) is for what is replaced, and --to replaces nothing", next: "leave it out")
        }
        var options = HostMoveOptions()
        if let mapping { options.mapping = try HostMapping(file: mapping) }
        options.cleanings = HostBinding.Kind.allCases.filter { !noClean.contains($0) }
        options.createsNamespace = createNamespace
        options.allowsSecondCopy = allowSecondCopy
        options.allowed = hostChoices.allow
        options.bumpsRevision = !choices.noBump
        options.acceptsNewIdentity = choices.newIdentity
        options.serverFiles = choices.serverFiles
        return options
    }

    /// Asks the host of the original: one that the configuration knows, else the context of that name. A context by that name may
    /// be of another host, so that it does not prove that there is no original any more.
    private func original(
        of identity: BackupDocument.Identity, _ host: HostOptions, _ session: Session
    ) throws(Failure) -> (MoveOriginal, HostCluster?) {
        guard let name = identity.host, let namespace = identity.namespace else {
            return (.unknown("the backup does not say where it was"), nil)
        }
        let configured = try session.settings.optionalConfiguration(session.console)?.hosts ?? []
        let context = session.context(stopped: "run the command again; nothing was changed")
        do throws(Failure) {
            var there = host
            (there.host, there.context, there.namespace) = (name, nil, nil)
            let cluster = try there.one(session, context).cluster
            let found = HostMove.original("\(namespace)/\(identity.name)", on: cluster)
            guard found == .gone, !configured.contains(where: { $0.name == name }) else {
                return (found, found == .runs || found == .stopped ? cluster : nil)
            }
            return (.unknown("the context \(name) has no such cluster"), nil)
        } catch {
            return (.unknown(error.what), nil)
        }
    }
}

extension RestorePlanCommand {
    /// The plan of a move.
    func planMove(_ session: Session) throws(Failure) -> ExitStatus {
        let chosen = try move.chosen(words, target, host, choices, hostChoices, store, session)
        let plan = try chosen.plan()
        if let out { try PlanFile.ofMove.write(plan, to: out) }
        try session.console.show(
            RestoreText.document("HostMovePlan", plan, []), names: [plan.source.id], text: HostMoveText.plan(plan))
        guard detailedExitcode else { return .done }
        return plan.refusals.isEmpty ? .changes : .refused
    }
}

extension RestoreRun {
    /// A move.
    func runMove(_ session: Session) throws(Failure) -> ExitStatus {
        let chosen = try move.chosen(words, target, host, choices, hostChoices, plan: plan, store, session)
        let plan = try chosen.plan()
        for warning in plan.warnings { session.console.warn(warning) }
        if plan.refusals.isEmpty {
            try Confirmation.require(HostMoveText.question(plan), isGiven: yes, session.console)
        }
        let location = try store.path(session)
        guard try session.begin(.move(plan, chosen.restore, store: location)) else { return .done }
        let result = try chosen.announced { () throws(Failure) in
            try chosen.move.run(plan, chosen.archive, original: chosen.original, as: .here("move"))
        }
        return try HostMoveText.show(result, plan, chosen.restore, session.console)
    }
}

extension JobDescription {
    /// A move that is planned.
    static func move(_ plan: HostMovePlan, _ restore: HostRestore, store: String?) -> JobDescription {
        JobDescription(
            kind: .restore, target: "\(plan.target.host)/\(plan.target.path)", store: store, host: plan.target.host,
            backup: plan.source.id, isIncident: true, takesStore: true, isConfirmed: true,
            isUnfinished: { restore.isMoveUnfinished })
    }
}

extension HostRestore {
    /// Whether a move has left its mark; one that removed what it had made has left nothing.
    fileprivate var isMoveUnfinished: Bool {
        do throws(Failure) { return try unstoppable.mark() != nil } catch { return error.code != .notFound }
    }
}
