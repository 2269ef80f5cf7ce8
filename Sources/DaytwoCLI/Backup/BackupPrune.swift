import Archive
import ArgumentParser
import Failures
import Files
import Foundation
import Jobs
import JSONValues
import Operations
import Policies
import Stores

/// `daytwo backup prune`.
struct BackupPrune: JobCommand {
    static let configuration = CommandConfiguration.verb(
        "prune", abstract: "Remove the backups of a cluster that its rules no longer keep.",
        discussion: """
            The rules are those of all the schedules that cover the cluster with this store: a backup goes only if every one \
            of them lets it go. --keep-… give other rules instead. Never removed: pinned ones, the newest good and the \
            newest verified one, what another needs, what is dated in the future. When a cluster has lost more than half of \
            its keys, nothing of it is removed until somebody says --acknowledge.
            """,
        exits: [.partial, .refused, .locked, .denied, .notFound])

    @Argument(help: "The cluster.")
    var name: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var rules: RetentionRuleOptions

    @Flag(help: "Say for each backup what keeps or drops it, and remove nothing.")
    var dryRun = false

    @Flag(help: "Say that the loss of keys was looked at: pruning may go on.")
    var acknowledge = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var jobOptions: JobOptions
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try rules.check()
        let context = session.context(stopped: "what is removed is removed; run the command again")
        // Nothing is made where there is no store: its path may be mistyped.
        let store = try store.open(for: .reading, session)
        let cluster = try cluster(in: store)
        let rules = try rules.rules(for: cluster, in: store, session)
        let preview = try PrunePlan(cluster, in: store, rules, now: context.now())
        guard !preview.rows.isEmpty else { throw nothing(of: cluster.description, in: store) }
        if dryRun { return try show(preview, store, isDone: false, session) }
        // What a thaw or a later time lets go is not in the preview.
        let isHarmless = preview.drops.isEmpty && !acknowledge && !session.isDetached
        let question =
            acknowledge && !preview.frozen.isEmpty
            ? "take the loss of keys of \(cluster) for meant, and remove what its rules no longer keep?"
            : "remove \(Formats.count(preview.drops.count, "backup")) of \(cluster)?"
        try Confirmation.require(
            question, isGiven: yes || isHarmless || session.job.job?.origin == .schedule, session.console)
        let job = JobDescription(
            kind: .prune, target: cluster.description, store: store.location, isConfirmed: true)
        guard try session.begin(job) else { return .done }
        if acknowledge { try self.acknowledge(preview, store, context) }
        let plan = try Prune(rules, in: store, context).run(cluster)
        return try show(plan, store, isDone: true, session)
    }

    /// The cluster that is meant; a name that no backup has is taken for a data directory's.
    private func cluster(in store: DirectoryStore) throws(Failure) -> ClusterPath {
        if let path = ClusterPath(name) { return path }
        let known = try store.list().entries.compactMap(\.cluster)
        if let found = try ClusterPath.named(name, among: known) { return found }
        guard !name.contains("/") else { throw nothing(of: name, in: store) }
        return try ClusterPath(local: name)
    }

    private func nothing(of cluster: String, in store: DirectoryStore) -> Failure {
        Failure(.notFound, "there is no backup of \(cluster) in \(store.location)", next: "see: daytwo backup list")
    }

    private func acknowledge(
        _ plan: PrunePlan, _ store: DirectoryStore, _ context: OperationContext
    ) throws(Failure) {
        for freeze in plan.frozen {
            guard let row = plan.rows.first(where: { $0.entry.record?.id == freeze.backupID }) else { continue }
            try store.appendEvent(
                StoredEvent(at: context.now(), what: PrunePlan.acknowledged, by: OperationContext.version),
                to: row.entry)
        }
    }

    /// A freeze is a partial end: what should have been removed was not, and somebody must look.
    private func show(
        _ plan: PrunePlan, _ store: DirectoryStore, isDone: Bool, _ session: Session
    ) throws(Failure) -> ExitStatus {
        let document = JSON.document(
            "PrunePlan",
            [
                ("cluster", .string(plan.cluster.description)), ("store", .string(store.location)),
                ("done", .bool(isDone)), ("removed", .integer(Int64(plan.drops.count))),
                ("frozen", .strings(plan.frozen.map(\.description))), ("items", .array(plan.rows.map(Self.json))),
            ])
        var table = Table(["ID", "CREATED", "SIZE", "DECISION", "WHY"], rightAligned: [2])
        for row in plan.rows {
            table.add([
                row.entry.shortID, Formats.local(row.entry.createdAt), Formats.bytes(row.entry.size),
                row.keeps ? "keep" : isDone ? "removed" : "remove", row.reasons.joined(separator: ", "),
            ])
        }
        try session.console.show(
            document, names: plan.drops.map(\.shortID), text: table.text(showsHeader: session.console.showsHeaders))
        guard let freeze = plan.frozen.first else { return .done }
        throw Failure(
            .partial, "pruning of \(plan.cluster) is frozen", why: "\(freeze)",
            next:
                "look whether the cluster is what it should be, then: daytwo backup prune \(plan.cluster) --acknowledge"
        )
    }

    private static func json(_ row: PrunePlan.Row) -> JSON {
        .members([
            ("id", row.entry.id.map(JSON.string)), ("location", .string(row.entry.location)),
            ("createdAt", .string(UTCTime.string(row.entry.createdAt))), ("size", .integer(row.entry.size)),
            ("keep", .bool(row.keeps)), ("reasons", .strings(row.reasons)),
        ])
    }
}

/// `--keep-…`: rules for this time, instead of those of schedules.
struct RetentionRuleOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Keep the newest ones.", valueName: "n"))
    var keepLast: Int?
    @Option(help: ArgumentHelp("Keep the newest one of so many hours that have one.", valueName: "n"))
    var keepHourly: Int?
    @Option(help: ArgumentHelp("The same for days.", valueName: "n"))
    var keepDaily: Int?
    @Option(help: ArgumentHelp("The same for ISO weeks.", valueName: "n"))
    var keepWeekly: Int?
    @Option(help: ArgumentHelp("The same for months.", valueName: "n"))
    var keepMonthly: Int?
    @Option(help: ArgumentHelp("The same for years.", valueName: "n"))
    var keepYearly: Int?
    @Option(
        help: ArgumentHelp("Keep what is at most so much older than the newest one: 36h, 14d.", valueName: "duration"))
    var keepWithin: String?
    @Option(help: ArgumentHelp("The zone that days and weeks are of (default: UTC).", valueName: "zone"))
    var timeZone: String?

    /// Throws `usage` for what cannot be a rule.
    func check() throws(Failure) { _ = try told() }

    /// The rules that hold for a cluster.
    func rules(
        for cluster: ClusterPath, in store: DirectoryStore, _ session: Session
    ) throws(Failure) -> [PruneRules] {
        let told = try told()
        if !told.isEmpty {
            let zone = timeZone == nil ? .utc : try TimeZoneRules(named: timeZone ?? "")
            return [PruneRules(name: "--keep", rules: told, zone: zone)]
        }
        let configuration = try session.settings.requireConfiguration()
        let place = try realPath(store.location)
        var rules: [PruneRules] = []
        for schedule in configuration.schedules {
            guard let path = configuration.store(named: schedule.store)?.path,
                schedule.entries(for: configuration.clusters).contains(where: { $0.cluster.path == cluster.description }
                )
            else { continue }
            // Two names of one directory are one store.
            guard try FileStatus.ifPresent(path, following: true) != nil else { continue }
            if try realPath(path) == place {
                rules.append(PruneRules(name: schedule.name, rules: schedule.retention, zone: schedule.zone))
            }
        }
        guard !rules.isEmpty else {
            throw Failure(
                .notFound, "no schedule covers \(cluster) with the store \(store.location)",
                next: "give rules: --keep-daily 7 …; or see: daytwo schedule list")
        }
        return rules
    }

    private func told() throws(Failure) -> RetentionRules {
        var rules = RetentionRules(
            keepLast: keepLast, keepHourly: keepHourly, keepDaily: keepDaily, keepWeekly: keepWeekly,
            keepMonthly: keepMonthly, keepYearly: keepYearly)
        if let keepWithin { rules.keepWithin = try Moment.seconds(keepWithin) }
        for number in [keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly].compactMap({ $0 })
        where number < 1 {
            throw Failure(
                .usage, "a rule that keeps \(number) keeps nothing", next: "give numbers from 1, or leave it out")
        }
        return rules
    }
}
