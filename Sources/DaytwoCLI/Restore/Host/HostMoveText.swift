import Datastore
import Failures
import JSONValues
import Operations

/// How plans and results of moves look.
enum HostMoveText {
    /// A plan for a person: what is lost first, the refusals last.
    static func plan(_ plan: HostMovePlan) -> String {
        var block = Block()
        block.add(
            "EMPTY VOLUMES", each: plan.emptyVolumes.map { "\($0): comes up empty, what was in it is not in a backup" })
        let source = plan.source
        block.add("backup", "\(source.cluster) of \(source.createdAt), id \(source.id.prefix(8)), \(source.file)")
        block.add(
            "",
            "\(ServerVersion.text(source.version)), \(Formats.bytes(source.size)), verified, \(Formats.count(source.hostObjects, "host object"))"
        )
        let target = plan.target
        block.add(
            "becomes",
            "\(target.path) on \(target.host)\(target.createsNamespace ? ", whose namespace is created" : "")")
        block.add(
            "",
            target.workload.map {
                "\($0), \(Formats.count(Int(target.replicas), "replica")), \(target.image ?? "unknown")"
            })
        block.add("original", "is not touched")
        block.add("cleaned", each: plan.cleanings.filter { $0.problem == nil }.map(line))
        block.add("not cleaned", each: plan.keptBindings.map { "\(name(of: $0)) stays as it is" })
        block.add("created", each: plan.objects.filter { $0.reason == nil }.flatMap(lines))
        block.add(
            "not created",
            each: plan.objects.compactMap { object in
                object.reason.map { "\(object.kind) \(object.archivedName): \($0)" }
            })
        block.add("allowed", each: plan.consents.filter(\.isGiven).map(\.what))
        block.add("warning", each: plan.warnings)
        block.add("REFUSED", each: plan.refusals)
        return block.text
    }

    private static func name(of binding: HostBinding) -> String {
        switch binding.kind {
        case .claims: "PersistentVolumeClaim \(binding.namespace ?? "")/\(binding.name)"
        case .volumes: "PersistentVolume \(binding.name)"
        }
    }

    private static func line(_ binding: HostBinding) -> String {
        switch binding.kind {
        case .claims: "\(name(of: binding)) forgets the volume that it had (else: --no-clean claims)"
        case .volumes: "\(name(of: binding)) of the old host goes (else: --no-clean volumes)"
        }
    }

    private static func lines(_ object: HostMovePlan.Object) -> [String] {
        [
            "\(object.kind) \(object.name)\(object.name == object.archivedName ? "" : ", which was \(object.archivedName)")"
        ]
            + object.fields.filter { $0.path != "metadata.name" && $0.path != "metadata.namespace" }.map {
                "  \($0.path): \($0.archived ?? "nothing") becomes \($0.present ?? "nothing")"
            }
    }

    static func question(_ plan: HostMovePlan) -> String {
        let volumes =
            plan.emptyVolumes.isEmpty
            ? "" : "; these volumes come up EMPTY: \(plan.emptyVolumes.joined(separator: ", "))"
        return "bring \(plan.source.cluster) of \(plan.source.createdAt) up as \(plan.target.path) on"
            + " \(plan.target.host)\(volumes)?"
    }

    /// What a move came to.
    static func show(
        _ result: HostRestoreResult, _ plan: HostMovePlan, _ restore: HostRestore, _ console: Console
    ) throws(Failure) -> ExitStatus {
        let cleaned = result.outcome?.journal.cleaned ?? []
        var block = Block()
        block.add("brought up", "\(plan.target.path) on \(plan.target.host)")
        block.add("backup", "\(plan.source.cluster) of \(plan.source.createdAt), id \(plan.source.id.prefix(8))")
        block.add("run", result.outcome?.run ?? String(result.run.prefix(8)))
        block.add("created", "\(Formats.count(result.created.count, "object"))")
        block.add("cleaned", cleaned.isEmpty ? nil : Formats.count(cleaned.count, "object"))
        block.add("empty", each: plan.emptyVolumes)
        block.add("took", result.downtime.map { "\(Formats.decimal($0.inSeconds, digits: 1)) s" })
        block.add("way back", "\(restore.commands.rollback), which removes it")
        try console.show(
            JSON.document(
                "HostMove",
                [
                    ("cluster", .string(plan.target.path)), ("host", .string(plan.target.host)),
                    ("result", .string("moved")), ("run", .string(result.outcome?.run ?? result.run)),
                    ("backup", .string(plan.source.id)), ("created", .strings(result.created)),
                    ("cleaned", .strings(cleaned.map(\.key))), ("emptyVolumes", .strings(plan.emptyVolumes)),
                    ("seconds", result.downtime.map { .seconds($0.inSeconds) }),
                    ("remarks", .strings(result.remarks)),
                ]), names: [result.outcome?.run ?? result.run], text: block.text)
        return .done
    }
}
