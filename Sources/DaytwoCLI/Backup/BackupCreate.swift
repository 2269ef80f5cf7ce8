import Archive
import ArgumentParser
import Datastore
import Failures
import Files
import Foundation
import Jobs
import JSONValues
import Operations
import Stores

/// `daytwo backup create`.
struct BackupCreate: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "create", abstract: "Back up a virtual cluster, or a k3s data directory, while it runs.",
        discussion: """
            With NAMESPACE/NAME, a virtual cluster on a host: an agent, a Job that is removed afterwards, reads its \
            volume, and the host objects that make it up go into the archive as well. With --all, -l or -n alone, all \
            that are selected on one host or on all that are configured, each a job of its own; one that fails stops no \
            other. With --data-dir and --name, a k3s on this machine.

            The datastore at exactly one revision, the server's own files, and the proof that its token opens its \
            identity: one archive in the store, read back before it counts. Of embedded etcd it takes a snapshot that k3s \
            has written, and says how old that is.
            """,
        exits: [.partial, .refused, .verificationFailed, .locked, .unreachable, .denied, .notFound])

    @Argument(
        help: ArgumentHelp("A virtual cluster: NAMESPACE/NAME, or NAME where only one has it.", valueName: "cluster"))
    var cluster: String?

    @OptionGroup var host: HostOptions

    @OptionGroup var fleet: FleetOptions

    @Option(
        help: ArgumentHelp("The image of the agent (else as configured, else $DAYTWO_AGENT_IMAGE).", valueName: "image")
    )
    var agentImage: String?

    @Option(help: ArgumentHelp("The k3s data directory, or its server/.", valueName: "dir"))
    var dataDir: String?

    @Option(help: "The name to back a data directory up under.")
    var name: String?

    @OptionGroup var store: StoreOptions

    @Flag(inversion: .prefixedNo, help: "Read the archive back before it counts as a backup.")
    var verify = true

    @Option(help: ArgumentHelp("The file of the server's token, where it is not server/token.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("The version of k3s, to be recorded as told.", valueName: "version"))
    var k3sVersion: String?

    @Option(
        help: ArgumentHelp(
            "The directory of k3s's configuration (default: /etc/rancher/k3s for /var/lib/rancher/k3s).",
            valueName: "dir"))
    var configDir: String?

    @Option(
        help: ArgumentHelp(
            "On embedded etcd: the snapshot to take (default: the newest whole one in server/db/snapshots).",
            valueName: "file"))
    var etcdSnapshot: String?

    @Option(
        help: ArgumentHelp(
            "On embedded etcd: the age from which the backup counts as partial, as 90s, 30m, 12h or 2d (default: 1h).",
            valueName: "time"))
    var maxSnapshotAge: String?

    @Option(help: ArgumentHelp("Where scratch files go (default: the store).", valueName: "dir"))
    var scratch: String?

    @Option(help: ArgumentHelp("The level of zstd, 1 to 19 (default: what suits the size).", valueName: "n"))
    var level: Int?

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        if let level, !(1...19).contains(level) {
            throw Failure(.usage, "there is no level \(level)", next: "give --level 1 to 19")
        }
        if let cluster {
            try fleet.refuse(beside: cluster)
            return try backUpOnHost(cluster, session)
        }
        if fleet.isGiven || dataDir == nil && host.namespace != nil { return try backUpFleet(session) }
        guard let dataDir else {
            throw Failure(
                .usage, "it is not said what to back up",
                next: "give NAMESPACE/NAME of a virtual cluster, --all, or --data-dir DIR and --name NAME")
        }
        guard let name else {
            throw Failure(.usage, "it is not said under which name to back up \(dataDir)", next: "give --name NAME")
        }
        guard !host.isGiven, agentImage == nil else {
            throw Failure(
                .usage, "--data-dir is on this machine, and other options name a host", next: "give one of both")
        }
        let cluster = try ClusterPath(local: name)
        _ = try store.requirePath(session)
        let job = JobDescription(kind: .backup, target: cluster.description)
        let (request, store) = try session.recordingFailure(of: job) { () throws(Failure) in
            let request = try checkedRequest(cluster, dataDir)
            return (request, try self.store.open(for: .writing, session))
        }
        guard try session.begin(job.with(store: store.location)) else { return .done }
        let context = session.context(stopped: "nothing was stored; run the command again")
        let start = context.uptime()
        let result = try Backup(request, to: store, context).run()
        return try Self.show(result, store, seconds: (context.uptime() - start).inSeconds, session)
    }

    static func show(
        _ result: BackupResult, _ store: DirectoryStore, seconds: Double, _ session: Session
    ) throws(Failure) -> ExitStatus {
        let created = CreatedBackup(result: result, store: store, seconds: seconds)
        try session.console.show(created.json, names: [result.entry.shortID], text: created.text)
        return result.reasons.isEmpty ? .done : .partial
    }

    private func checkedRequest(_ cluster: ClusterPath, _ dataDir: String) throws(Failure) -> BackupRequest {
        // What is wrong with the data directory must show before a store is made for it.
        let directory = try DataDirectory(dataDir, existing: true)
        var request = BackupRequest(directory: directory, cluster: cluster)
        request.etcdSnapshot = etcdSnapshot
        request.snapshotAgeLimit =
            try maxSnapshotAge.map { text throws(Failure) in
                try Duration(written: text, like: "90s, 30m, 12h or 2d")
            } ?? request.snapshotAgeLimit
        try request.check()
        request.verifies = verify
        request.token = try token()
        request.toldVersion = k3sVersion.map { BackupDocument.Version(value: $0, source: "told") }
        request.configuration = try configuration(of: directory)
        request.scratchDirectory = try ScratchDirectory.checked(scratch)
        request.options.level = level.map { Int32(clamping: $0) }
        return request
    }

    private func token() throws(Failure) -> [UInt8]? {
        guard let tokenFile else { return nil }
        do throws(Failure) {
            return try readFile(tokenFile, limit: 1 << 16)
        } catch {
            throw error.raised(to: error.code, "cannot read the token", next: "check --token-file")
        }
    }

    /// The configuration of the one k3s whose data directory has its default place.
    private func configuration(of directory: DataDirectory) throws(Failure) -> String? {
        if let configDir {
            guard try FileStatus(of: configDir, following: true).kind == .directory else {
                throw Failure(.usage, "\(configDir) is no directory", next: "check --config-dir")
            }
            return try realPath(configDir)
        }
        let standard = "/etc/rancher/k3s"
        guard directory.root == "/var/lib/rancher/k3s" else { return nil }
        return try FileStatus.ifPresent(standard)?.kind == .directory ? standard : nil
    }
}

/// What `backup create` shows.
struct CreatedBackup {
    let result: BackupResult
    let store: DirectoryStore
    let seconds: Double

    private var path: String { "\(store.location)/\(result.entry.location)" }

    var json: JSON {
        get throws(Failure) {
            let document = try JSON(encoding: result.document)
            let reading = result.reading
            return JSON.document(
                "Backup",
                [
                    ("id", .string(result.document.id)),
                    ("cluster", result.entry.cluster.map { .string($0.description) }),
                    ("path", .string(path)), ("size", .integer(result.entry.size)),
                    ("sha256", result.entry.record.map { .string($0.sha256) }),
                    ("result", .string(result.reasons.isEmpty ? "complete" : "partial")),
                    ("reasons", .strings(result.reasons)),
                ] + BackupFacts.members(of: document)
                    + [
                        (
                            "snapshot",
                            .members([
                                ("reads", reading.map { .integer($0.reads) }),
                                ("longestReadSeconds", reading.map { .seconds($0.longestReadSeconds) }),
                                ("compactedMeanwhile", reading.map { .bool($0.compactedMeanwhile) }),
                                ("databaseBytes", .integer(result.databaseSize)),
                            ])
                        ),
                        ("verified", .bool(result.isVerified)), ("seconds", .seconds(seconds)),
                    ])
        }
    }

    var text: String {
        let document = result.document
        var block = Block()
        block.add("backup", "\(document.id.prefix(8)) of \(document.identity.name)")
        block.add("archive", path)
        block.add(
            "size", "\(Formats.bytes(result.entry.size)), the database is \(Formats.bytes(result.databaseSize))")
        block.add("datastore", BackupFacts.sentence(document.datastore))
        block.add("snapshot", document.datastore.etcd.map(BackupFacts.sentence))
        block.add("passed over", each: document.datastore.etcd?.passedOver ?? [])
        block.add("token", document.token.sentence)
        block.add("identity", document.identityFiles)
        block.add("verified", result.isVerified ? "read back, every byte" : "no: run daytwo backup verify")
        block.add("took", "\(Formats.decimal(seconds, digits: 1)) s")
        block.add("result", result.reasons.isEmpty ? "complete" : "partial")
        block.add("missing", each: result.reasons)
        return block.text
    }
}
