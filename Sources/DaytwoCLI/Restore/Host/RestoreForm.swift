import ArgumentParser
import Failures
import Operations

/// What a restore is of: a virtual cluster on a host, or a data directory on this machine. The words of a command line say it
/// together with `--data-dir`.
enum RestoreForm {
    /// The data directory that `--data-dir` names; what else was said, if anything.
    case directory(rest: String?)
    /// A virtual cluster; what else was said, if anything.
    case cluster(String, rest: String?)

    /// Reads the words. `rest` is how the help calls what may follow the cluster: `BACKUP`; nil where nothing may.
    init(
        _ words: [String], _ directory: RestoreDirectoryOptions, _ host: RestoreHostOptions, rest: String?
    ) throws(Failure) {
        let form = rest.map { " \($0)" } ?? ""
        let most = rest == nil ? 0 : 1
        if directory.dataDir != nil {
            guard !host.isGiven else {
                throw Failure(
                    .usage, "--data-dir is on this machine, and other options name a host", next: "give one of both")
            }
            guard words.count <= most else {
                throw Failure(
                    .usage, "with --data-dir no cluster is named",
                    next: "leave out --data-dir, or everything but\(form.isEmpty ? " it" : form)")
            }
            self = .directory(rest: words.first)
        } else {
            guard let cluster = words.first, words.count <= 1 + most else {
                throw Failure(
                    .usage, words.isEmpty ? "it is not said what is meant" : "there are too many words",
                    next: "give NAMESPACE/NAME\(form) of a virtual cluster, or --data-dir DIR\(form)")
            }
            self = .cluster(cluster, rest: words.count > 1 ? words[1] : nil)
        }
    }
}

extension RestoreForm {
    static var noBackup: Failure {
        Failure(
            .usage, "no backup is named",
            next: "give an id, NAME@latest, NAME@2026-11-22T11:00Z, or the path of an archive")
    }
}

/// The host of a restore, and the agent on it.
struct RestoreHostOptions: ParsableArguments {
    @OptionGroup var host: HostOptions

    @Option(
        help: ArgumentHelp(
            "The image of the agent on a host (else as configured, else $DAYTWO_AGENT_IMAGE).", valueName: "image"))
    var agentImage: String?

    @Option(
        help: ArgumentHelp(
            "On a host: how long the control plane may take to be ready, as 90s, 30m or 2h.", valueName: "time"))
    var startTimeout = "5m"

    /// Whether any of them says that a host is meant.
    var isGiven: Bool { host.isGiven || agentImage != nil }

    /// Restores of a virtual cluster on it.
    func restore(_ text: String, _ session: Session, stopped: String) throws(Failure) -> HostRestore {
        let parts = try parts(text, session, stopped: stopped)
        return HostRestore(parts.name, on: parts.host, parts.settings, parts.context)
    }

    /// What restores and upgrades of a virtual cluster need.
    struct Parts {
        let name: String
        let host: HostCluster
        let settings: HostRestoreSettings
        let context: OperationContext
    }

    func parts(_ text: String, _ session: Session, stopped: String) throws(Failure) -> Parts {
        let context = session.context(stopped: stopped)
        let host = try host.about(text, session)
        let chosen = try host.one(session, context)
        let limit = try Duration(written: startTimeout, like: "90s, 30m or 2h")
        var settings = HostRestoreSettings(
            agent: try AgentSettings(image: agentImage, chosen.configured),
            who: "\(Environment.user)@\(JobSurroundings.hostName)", commandTarget: try commandTarget(text, host))
        settings.startLimit = limit
        return Parts(name: try host.named(text), host: chosen.cluster, settings: settings, context: context)
    }

    /// The words that name the cluster again.
    private func commandTarget(_ text: String, _ host: HostOptions) throws(Failure) -> String {
        let image = agentImage.map { ["--agent-image", $0] } ?? []
        return JobParameters.shell([try host.named(text)] + host.words + image)
    }
}

/// What a person may choose about a restore on a host.
struct RestoreHostChoiceOptions: ParsableArguments {
    @Flag(help: "On a host: let its syncer delete the volumes that are newer than the backup, with their data.")
    var dropNewerVolumes = false

    @Flag(help: "On a host: go on although somebody else manages the workload and would set it back.")
    var allowManaged = false

    @Flag(inversion: .prefixedNo, help: "On a host: back up what is there first.")
    var safetyBackup = true

    @Option(
        help: ArgumentHelp(
            "On a host: create missing objects of this kind too, which run something or grant rights; with --apply, put back what reaches further than what is there.",
            valueName: "kind"))
    var allow: [String] = []

    @Option(
        help: ArgumentHelp(
            "On a host: put back archived objects of this kind that differ, KIND or KIND/NAME, before the start.",
            valueName: "kind"))
    var apply: [String] = []

    /// Whether any of them was said.
    var isGiven: Bool { dropNewerVolumes || allowManaged || !safetyBackup || !allow.isEmpty || !apply.isEmpty }

    /// Throws where one of them is given for a data directory.
    func refuseForDirectory() throws(Failure) {
        guard isGiven else { return }
        throw Failure(
            .usage, "options that are for a virtual cluster on a host are given with --data-dir",
            next: "leave out --drop-newer-volumes, --allow-managed, --no-safety-backup, --allow and --apply")
    }

    /// Together with those that hold for data directories as well.
    func options(_ choices: RestoreChoiceOptions) throws(Failure) -> HostRestoreOptions {
        guard !choices.discardOld else {
            throw Failure(
                .usage, "the old set of a virtual cluster on a host is kept until the restored one runs",
                next: "remove it then: daytwo restore resume NAMESPACE/NAME --discard-old")
        }
        var options = HostRestoreOptions()
        options.bumpsRevision = !choices.noBump
        options.replacesOtherCluster = choices.replaceOtherCluster
        options.acceptsNewIdentity = choices.newIdentity
        options.serverFiles = choices.serverFiles
        options.dropsNewerVolumes = dropNewerVolumes
        options.allowsManaged = allowManaged
        options.takesSafetyBackup = safetyBackup
        options.allowedKinds = allow
        try HostObjectSelection(apply).check()
        options.appliedObjects = apply.isEmpty ? nil : apply
        return options
    }
}
