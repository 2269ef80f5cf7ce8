import Archive
import ArgumentParser
import Failures
import Jobs
import JSONValues
import Operations
import Stores

/// The host of a drill, and what runs on it.
struct DrillHostOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A host that the configuration names, or a context of the kubeconfig.", valueName: "name"))
    var host: String?

    @Option(help: ArgumentHelp("The kubeconfig (else $KUBECONFIG, else ~/.kube/config).", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context of the kubeconfig (else its current one).", valueName: "name"))
    var context: String?

    @Option(help: ArgumentHelp("On a host: the image of the agent.", valueName: "image"))
    var agentImage: String?

    @Option(
        help: ArgumentHelp(
            "On a host: the image of k3s, where no cluster there has that of the backup.", valueName: "image"))
    var k3sImage: String?

    @Option(help: ArgumentHelp("On a host: the storage class of the scratch volume.", valueName: "name"))
    var storageClass: String?

    @Option(help: ArgumentHelp("On a host: how long k3s may take to be ready, as 90s, 30m or 2h.", valueName: "time"))
    var startTimeout = "5m"

    /// Whether any of them says that a host is meant.
    var isGiven: Bool { host != nil || kubeconfig != nil || context != nil }

    /// Drills on the host.
    func drill(_ session: Session, _ operation: OperationContext) throws(Failure) -> (HostDrill, name: String) {
        var options = HostOptions()
        (options.host, options.kubeconfig, options.context, options.namespace) = (host, kubeconfig, context, nil)
        let chosen = try options.one(session, operation)
        let limit = try Duration(written: startTimeout, like: "90s, 30m or 2h")
        var settings = HostDrillSettings(agent: try AgentSettings(image: agentImage, chosen.configured))
        settings.image = k3sImage
        settings.storageClass = storageClass
        settings.startLimit = limit
        return (HostDrill(on: chosen.cluster, settings, operation), chosen.cluster.name)
    }
}

extension BackupDrill {
    func drillOnHost(_ session: Session) throws(Failure) -> ExitStatus {
        guard scratch == nil else {
            throw Failure(
                .usage, "--scratch is for drills on this machine", next: "leave it out, or leave out the host")
        }
        let context = session.context(stopped: "nothing was changed; run the command again")
        let (drill, name) = try host.drill(session, context)
        let chosen = try backup.resolve(session)
        let job = JobDescription(
            kind: .drill, target: chosen.jobTarget, store: chosen.store.location, host: name, backup: chosen.entry.id)
        guard try session.begin(job) else { return .done }
        let report = try Drill(chosen.entry, in: chosen.store, context).noting { () throws(Failure) in
            try drill.run(HostRestoreArchive(path: chosen.path, context))
        }
        let (restored, started) = (report.restoreTime.inSeconds, report.startTime.inSeconds)
        let document = JSON.document(
            "Drill",
            [
                ("id", chosen.entry.id.map(JSON.string)), ("cluster", chosen.entry.cluster.map { .string("\($0)") }),
                ("path", .string(chosen.path)), ("host", .string(name)), ("namespace", .string(report.namespace)),
                ("restoreSeconds", .seconds(restored)), ("startSeconds", .seconds(started)),
                ("api", try JSON(encoding: report.facts)),
            ])
        let seconds = Formats.decimal(restored, digits: 1)
        let counts = report.facts.counts.map { "\($0.live) \($0.resource)" }.joined(separator: ", ")
        try session.console.show(
            document, names: [chosen.entry.shortID],
            text: "\(chosen.path): on \(name) restored in \(seconds) s, "
                + "k3s \(report.facts.version) ready after \(Formats.decimal(started, digits: 1)) s, with \(counts)\n")
        return .done
    }
}
