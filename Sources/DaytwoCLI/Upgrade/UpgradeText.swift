import Datastore
import Failures
import JSONValues
import Operations
import Policies
import Stores

/// How upgrades look.
enum UpgradeText {
    /// What an upgrade or its way back came to.
    static func show(
        _ result: HostUpgradeResult, _ path: String, _ upgrade: HostUpgrade, _ console: Console
    ) throws(Failure) -> ExitStatus {
        let isBack = result.outcome != nil
        var block = Block()
        block.add(isBack ? "rolled back" : "upgraded", path)
        block.add(isBack ? "has again" : "has now", result.to?.description)
        block.add("before", result.from?.description)
        block.add("run", String(result.run.prefix(8)))
        block.add("checks", each: result.checks.map { "\($0.name) \($0.verdict.rawValue): \($0.text)" })
        block.add(isBack ? "written since" : "backup", result.backup.map { "backup \($0.shortID)" })
        block.add("carried over", each: (result.outcome?.carriedOver ?? []).map(\.name))
        block.add("detached", each: result.detached)
        block.add("was away", result.downtime.map { "\(Formats.decimal($0.inSeconds, digits: 1)) s" })
        if !isBack { block.add("way back", upgrade.commands.upgradeRollback) }
        block.add("not proven", each: result.unproven)
        block.add("note", each: result.remarks)
        try console.show(
            JSON.document(
                "Upgrade",
                [
                    ("cluster", .string(path)), ("result", .string(isBack ? "rolledBack" : "upgraded")),
                    ("run", .string(result.run)), ("from", result.from.map { .string($0.description) }),
                    ("to", result.to.map { .string($0.description) }),
                    ("checks", .array(try result.checks.map { check throws(Failure) in try JSON(encoding: check) })),
                    ("backup", result.backup?.id.map { .string($0) }), ("aside", result.aside.map { .string($0) }),
                    ("detached", .strings(result.detached)),
                    ("downtimeSeconds", result.downtime.map { .seconds($0.inSeconds) }),
                    ("unproven", .strings(result.unproven)), ("remarks", .strings(result.remarks)),
                ]), names: [result.run], text: block.text)
        return result.unproven.isEmpty ? .done : .partial
    }
}
