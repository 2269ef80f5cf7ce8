internal import Failures
internal import FoundationEssentials

/// The `spec` of a `BackupSchedule`.
struct ScheduleDecoder {
    let directory: String
    let fields: Fields
    let name: String
    let origin: Origin

    private enum Encryption: String, CaseIterable {
        case none
    }

    func decode() -> BackupSchedule? {
        let select = fields.required("select") { fields.fields($0).flatMap(selector) }
        let cron = fields.required("cron", fields.cron)
        let zone = zone()
        let store = fields.required("store", fields.string)
        let suspended = fields.bool("suspended", default: false)
        let reason = fields.string("reason")
        if reason != nil, !fields.has("suspended"), let node = fields.node("reason") {
            fields.report.add(node.origin, "\(fields.name(of: "reason")) says why it is suspended, and it is not")
        }
        let missed = missedRunMaxAge()
        let overlap = fields.choice("overlap", default: BackupSchedule.Overlap.skip)
        let rpo = fields.duration("rpo")
        let timeout = fields.duration("timeout")
        let priority = fields.integer("priority", -100...100, default: 0)
        let retention = fields.fields("retention").map(retention)
        let verify = fields.fields("verify").flatMap(verification)
        let drill = fields.fields("drill").flatMap(drill)
        let ping = fields.fields("ping").flatMap(ping)
        refuseEncryption()
        fields.finish()
        guard let select, let cron, let zone, let store, let missed, let overlap, let priority, !name.isEmpty else {
            return nil
        }
        return BackupSchedule(
            name: name, select: select, cron: cron, zone: zone, store: store, suspended: suspended,
            suspendedReason: reason, missedRunMaxAge: missed, overlap: overlap, rpo: rpo, timeout: timeout,
            priority: priority, retention: retention ?? RetentionRules(), verify: verify, drill: drill, ping: ping,
            origin: origin, settings: fields.report.settings.filter { $0.document == fields.document })
    }

    private func selector(_ select: Fields) -> ClusterSelector? {
        let all = select.bool("all", default: false)
        let selector = ClusterSelector(
            all: all, names: select.strings("names") ?? [], hosts: select.strings("hosts") ?? [],
            namespaces: select.strings("namespaces") ?? [], matchLabels: select.texts("matchLabels"))
        select.finish()
        let restricted =
            !(selector.names.isEmpty && selector.hosts.isEmpty && selector.namespaces.isEmpty
            && selector.matchLabels.isEmpty)
        if all == restricted {
            let message =
                all
                ? "\(select.path) has all: true, and yet restricts it"
                : "\(select.path) is empty, which could mean all clusters or none"
            fields.report.add(
                select.origin, message, "Write all: true, or some of names, hosts, namespaces and matchLabels.")
            return nil
        }
        return selector
    }

    private func zone() -> TimeZoneRules? {
        guard let node = fields.node("timeZone") else {
            fields.report.add(
                ConfigurationSetting(
                    document: fields.document, path: fields.name(of: "timeZone"), value: "UTC", origin: nil))
            return .utc
        }
        guard let name = fields.string("timeZone") else { return nil }
        do throws(Failure) {
            return try fields.report.zone(named: name)
        } catch {
            fields.report.add(node.origin, "\(fields.name(of: "timeZone")): \(error.description)", error.next)
            return nil
        }
    }

    private func missedRunMaxAge() -> TimeInterval? {
        let standard = "24h"
        guard let missed = fields.fields("missedRuns") else {
            if !fields.has("missedRuns") {
                fields.report.add(
                    ConfigurationSetting(
                        document: fields.document, path: fields.name(of: "missedRuns.maxAge"), value: standard,
                        origin: nil))
            }
            return WrittenDuration.seconds(standard)
        }
        defer { missed.finish() }
        return missed.duration("maxAge", default: standard)
    }

    private func retention(_ rules: Fields) -> RetentionRules {
        let many = 1...100_000
        defer { rules.finish() }
        return RetentionRules(
            keepLast: rules.integer("keepLast", many), keepHourly: rules.integer("keepHourly", many),
            keepDaily: rules.integer("keepDaily", many), keepWeekly: rules.integer("keepWeekly", many),
            keepMonthly: rules.integer("keepMonthly", many), keepYearly: rules.integer("keepYearly", many),
            keepWithin: rules.duration("keepWithin"), maxCount: rules.integer("maxCount", many),
            maxAge: rules.duration("maxAge"))
    }

    private func verification(_ verify: Fields) -> BackupSchedule.Verification? {
        let level: BackupSchedule.Verification.Level? = verify.required("level") { verify.choice($0, default: nil) }
        let cron = verify.cron("cron")
        verify.finish()
        return level.map { BackupSchedule.Verification(level: $0, cron: cron) }
    }

    private func drill(_ drill: Fields) -> CronExpression? {
        defer { drill.finish() }
        return drill.required("cron", drill.cron)
    }

    private func ping(_ ping: Fields) -> SecretSource? {
        defer { ping.finish() }
        return ping.url(in: directory)
    }

    private func refuseEncryption() {
        guard let node = fields.node("encryption"), let text = fields.string("encryption") else { return }
        if Encryption(rawValue: text) == nil {
            fields.report.add(
                node.origin,
                "\(fields.name(of: "encryption")) \(text.prefix(80).debugDescription) is not supported by this version",
                "Write none, or leave it out; archives are readable for whoever can read the store.")
        }
    }
}
