import Datastore
import Failures
import JSONValues
import Operations
import Stores

/// How plans and results of restores on hosts look.
enum HostRestoreText {
    /// A plan for a person, the refusals last so that they are seen.
    static func plan(_ plan: HostRestorePlan, _ commands: HostRestoreCommands) -> String {
        var block = Block()
        block.add(
            "EMPTY VOLUMES",
            each: (plan.options.emptiedClaims ?? []).map {
                "\($0): the host has not its claim any more, and it is bound anew"
            })
        let source = plan.source
        block.add("backup", "\(source.cluster) of \(source.createdAt), id \(source.id.prefix(8)), \(source.file)")
        block.add(
            "",
            "\(ServerVersion.text(source.version)), \(Formats.bytes(source.size)), verified, \(Formats.count(source.hostObjects, "host object"))"
        )
        block.add("onto", "\(plan.target.path) on \(plan.target.host)")
        block.add("there now", "\(plan.target.workload), \(plan.target.replicas) replicas, \(plan.target.image)")
        add(plan.agent, plan.agentIsMissing, to: &block)
        block.add(
            "detached",
            each: plan.detached.map { "claim \($0): it and its volume are kept on the host, and not known inside" })
        block.add("host objects", each: plan.objects.flatMap(lines))
        block.add("managed by", each: plan.managers.map { "\($0.manager): \($0.advice)" })
        block.add(
            "safety",
            plan.safetyBackup.isTaken
                ? "a backup is taken first, \(plan.safetyBackup.reason)"
                : "no backup is taken: \(plan.safetyBackup.reason)")
        block.add("downtime", plan.downtime)
        block.add("old set", "is kept on the volume until: \(commands.resume) --discard-old")
        block.add("warning", each: plan.warnings)
        block.add("REFUSED", each: plan.refusals)
        return block.text
    }

    private static func add(_ agent: RemoteRestorePlan?, _ isMissing: String?, to block: inout Block) {
        guard let agent else {
            block.add("on the volume", isMissing.map { "not looked at: \($0)" })
            return
        }
        let target = agent.plan.target
        block.add(
            "on the volume",
            target.hasServer
                ? "the database is \(target.database)\(target.newestRevision.map { ", revision \($0)" } ?? "")"
                : "no server")
        block.add("server files", "\(agent.plan.serverFiles.rawValue): \(agent.plan.serverFilesReason)")
        block.add(
            "revision",
            agent.plan.bump.map { "is raised to \($0.revision): \($0.reason)" } ?? "stays as it was in the backup")
        block.add("newer volumes", each: agent.newerVolumes.map(line))
        block.add(
            "newer, and gone",
            agent.newerObjects.isEmpty
                ? nil
                : agent.newerObjects.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        block.add(
            "space",
            "\(Formats.bytes(agent.plan.neededBytes)) needed, \(Formats.bytes(agent.plan.freeBytes)) free")
    }

    private static func line(_ volume: NewerVolume) -> String {
        let name = [volume.namespace, volume.name].compactMap { $0 }.joined(separator: "/")
        let fate =
            switch volume.outcome {
            case .carriedOver: "is carried over"
            case .lost: "IS LOST, with its data"
            case .unknown: "nobody can tell what becomes of it"
            }
        return ["\(volume.kind.rawValue) \(name) \(fate)"].joined() + volume.remarks.map { " (\($0))" }.joined()
    }

    private static func lines(_ object: HostObjectChange) -> [String] {
        let reason = object.reason.map { ": \($0)" } ?? ""
        switch object.change {
        case .create: return ["\(object.subject) is missing, and is created"]
        case .notCreated: return ["\(object.subject) is missing, and is not created\(reason)"]
        case .unknown: return ["\(object.subject) is not known\(reason)"]
        case .kept:
            return ["\(object.subject) differs, and stays as it is\(reason):"]
                + object.fields.map {
                    "  \($0.path): \($0.present ?? "nothing") (in the backup \($0.archived ?? "nothing"))"
                }
        case .putBack:
            return ["\(object.subject) differs, and is put back:"]
                + object.fields.map {
                    "  \($0.path): \($0.archived ?? "nothing") (now \($0.present ?? "nothing"))"
                }
        }
    }

    /// One line of what will happen, before a person is asked.
    static func summary(_ plan: HostRestorePlan) -> String {
        plan.safetyBackup.isTaken
            ? "what is there is backed up first, \(plan.safetyBackup.reason)"
            : "no safety backup: \(plan.safetyBackup.reason)"
    }

    static func question(_ plan: HostRestorePlan) -> String {
        let lost = plan.agent?.newerVolumes.filter { $0.outcome == .lost && $0.kind == .claim }.count ?? 0
        let volumes = lost > 0 ? " and lose \(Formats.count(lost, "newer volume"))" : ""
        let empty = plan.options.emptiedClaims.map { " (EMPTY: \($0.joined(separator: ", ")))" } ?? ""
        return
            "stop \(plan.target.path) on \(plan.target.host), replace its data by \(plan.source.cluster) of \(plan.source.createdAt)\(volumes)\(empty)?"
    }

    /// What a restore or its rollback came to.
    static func show(
        _ result: HostRestoreResult, _ path: String, _ restore: HostRestore, _ console: Console
    ) throws(Failure) -> ExitStatus {
        let isBack = result.isRolledBack
        var block = Block()
        block.add(isBack ? "rolled back" : "restored", path)
        if let source = result.outcome?.journal.plan.source, !isBack {
            block.add("backup", "\(source.name) of \(source.createdAt), id \(source.id.prefix(8))")
        }
        block.add("run", result.outcome?.run ?? String(result.run.prefix(8)))
        block.add("safety", result.safetyBackup.map { "backup \($0.shortID)" })
        block.add("created", each: result.created)
        block.add("put back", each: result.putBack)
        block.add("carried over", each: (result.outcome?.carriedOver ?? []).map(line))
        let cleaned = isBack ? [] : result.outcome?.journal.plan.options.emptiedClaims ?? []
        block.add("EMPTY VOLUMES", each: cleaned)
        block.add("detached", each: result.detached)
        block.add("was away", result.downtime.map { "\(Formats.decimal($0.inSeconds, digits: 1)) s" })
        block.add("its API", result.facts.map { "is ready, \(ServerVersion.text($0.version))" })
        if !isBack, result.outcome?.journal.isOldDiscarded != true {
            block.add("way back", restore.commands.rollback)
        }
        block.add("not proven", each: result.unproven)
        block.add("note", each: result.remarks)
        try console.show(
            JSON.document(
                "HostRestore",
                [
                    ("cluster", .string(path)), ("result", .string(isBack ? "rolledBack" : "restored")),
                    ("run", .string(result.outcome?.run ?? result.run)),
                    ("state", result.outcome.map { .string($0.state.rawValue) }),
                    ("backup", result.outcome.map { .string($0.journal.plan.source.id) }),
                    ("safetyBackup", result.safetyBackup?.id.map { .string($0) }),
                    ("created", .strings(result.created)), ("putBack", .strings(result.putBack)),
                    (
                        "carriedOver",
                        .array(
                            try (result.outcome?.carriedOver ?? []).map { volume throws(Failure) in
                                try JSON(encoding: volume)
                            })
                    ),
                    ("emptyVolumes", .strings(cleaned)), ("detached", .strings(result.detached)),
                    ("downtimeSeconds", result.downtime.map { .seconds($0.inSeconds) }),
                    ("api", try result.facts.map { facts throws(Failure) in try JSON(encoding: facts) }),
                    ("unproven", .strings(result.unproven)), ("remarks", .strings(result.remarks)),
                ]), names: [result.outcome?.run ?? result.run], text: block.text)
        return result.unproven.isEmpty ? .done : .partial
    }

    static func show(
        discarded outcome: RemoteRestoreOutcome, _ path: String, _ console: Console
    ) throws(Failure) -> ExitStatus {
        try console.show(
            JSON.document(
                "HostRestore",
                [
                    ("cluster", .string(path)), ("result", .string("discarded")), ("run", .string(outcome.run)),
                    ("state", .string(outcome.state.rawValue)),
                ]), names: [outcome.run], text: "the old set of \(path) from before \(outcome.run) is removed")
        return .done
    }

    /// The restores on a volume.
    static func show(
        _ runs: [RemoteRestoreRun], _ mark: RunMark?, _ path: String, _ session: Session
    ) throws(Failure) {
        var table = Table(["RUN", "STATE", "BACKUP", "OF", "OLD SET", "PROBLEM"])
        var items: [JSON] = []
        for run in runs {
            let journal = run.journal
            let keeps =
                journal?.state == .done && journal?.isOldDiscarded == false && journal?.plan.target.hasServer == true
            let isUnderWay = mark?.isOf(run.run) ?? false
            table.add([
                run.run, (journal.map(RestoreText.state) ?? "unknown") + (isUnderWay ? ", under way or cut" : ""),
                journal.map { String($0.plan.source.id.prefix(8)) } ?? "-",
                journal?.plan.source.createdAt ?? "-", keeps ? "kept" : "-", run.problem ?? "",
            ])
            items.append(
                .members([
                    ("run", .string(run.run)), ("state", journal.map { .string($0.state.rawValue) }),
                    ("isUnderWay", .bool(isUnderWay)), ("isInPlace", .bool(run.isInPlace)),
                    ("needsArchive", .bool(run.needsArchive)),
                    ("backup", journal.map { .string($0.plan.source.id) }),
                    ("startedAt", journal.map { .string($0.startedAt) }), ("keepsOldSet", .bool(keeps)),
                    ("problem", run.problem.map { .string($0) }),
                ]))
        }
        let underWay = mark.map { mark in
            JSON.members([
                ("run", .string(mark.run)), ("deed", .string(mark.deed.rawValue)), ("startedAt", .string(mark.started)),
                ("by", .string(mark.who)),
            ])
        }
        try session.console.show(
            JSON.document(
                "HostRestoreList", [("cluster", .string(path)), ("underWay", underWay), ("items", .array(items))]),
            names: runs.map(\.run), text: runs.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
        if runs.isEmpty { session.console.note("no restores of \(path)") }
    }
}

/// What a version is of: that of k3s says so.
enum ServerVersion {
    static func text(_ version: String) -> String {
        "\(version.contains("+k3s") || version == "unknown" ? "k3s" : "Kubernetes") \(version)"
    }
}
