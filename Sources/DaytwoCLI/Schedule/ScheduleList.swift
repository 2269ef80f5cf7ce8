import Archive
import ArgumentParser
import Failures
import Foundation
import JSONValues
import Monitoring
import Operations
import Policies
import Stores

/// `daytwo schedule list`.
struct ScheduleList: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "list", abstract: "List each cluster under each schedule: when it is due, and how its backups stand.",
        discussion: "A cluster that no schedule covers is listed as well.", exits: [.refused, .denied, .notFound])

    @Argument(help: "Only this schedule.")
    var schedule: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let configuration = try session.settings.requireConfiguration()
        if let schedule { _ = try configuration.requireSchedule(schedule) }
        let now = session.now
        let context = session.context(stopped: "run the command again")
        let status = try FleetSurvey(configuration, session.queue(), context).status()
        let rows = status.clusters.filter { schedule == nil || $0.schedule == schedule }
        let uncovered = schedule == nil ? status.uncovered : []
        // A cluster whose only schedule is suspended has a row already, which says so.
        let withoutRow = uncovered.filter { one in !rows.contains { $0.cluster == one.cluster } }
        let conditions = status.conditions(at: now)
        let document = JSON.document(
            "ScheduleList",
            [
                ("items", .array(rows.map { json($0, conditions) })),
                ("uncovered", .strings(uncovered.map(\.cluster))),
                ("problems", .strings(status.storeProblems.map { "\($0.store): \($0.why)" })),
            ])
        var header = ["SCHEDULE", "CLUSTER", "NEXT RUN", "LAST BACKUP", "RPO", "VERIFIED", "DRILLED", "STATE"]
        if session.console.isWide { header += ["RECOVERY TIME", "CRON", "ZONE"] }
        var table = Table(header)
        for row in rows { table.add(cells(row, conditions, configuration, now, session.console)) }
        for one in withoutRow {
            let blank = session.console.isWide ? ["-", "-", "-"] : []
            table.add(
                [
                    "-", one.cluster, "-", one.lastBackupAt.map { Formats.ago($0, at: now) } ?? "never", "-", "-", "-",
                    "no schedule",
                ]
                    + blank)
        }
        try session.console.show(
            document, names: rows.map { "\($0.schedule) \($0.cluster)" },
            text: rows.isEmpty && uncovered.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
        for problem in status.storeProblems { session.console.warn("the store \(problem.store): \(problem.why)") }
        if rows.isEmpty { session.console.note("no schedule selects any cluster") }
        return .done
    }

    private func cells(
        _ row: ClusterStatus, _ conditions: [Monitoring.Condition], _ configuration: DaytwoConfiguration, _ now: Date,
        _ console: Console
    ) -> [String] {
        let schedule = configuration.schedules.first { $0.name == row.schedule }
        let zone = schedule?.zone ?? .utc
        var cells = [
            row.schedule, row.cluster,
            row.isSuspended ? "suspended" : row.nextRunAt.map { Formats.local($0, in: zone) } ?? "never",
            row.lastBackupAt.map { Formats.ago($0, at: now) } ?? "never",
            row.rpo.map { WrittenDuration.text($0.inSeconds) } ?? "-", verified(row, now),
            row.lastDrillAt.map { Formats.ago($0, at: now) } ?? "never", Self.state(row, conditions),
        ]
        if console.isWide {
            cells += [
                row.lastDrillDuration.map { Formats.duration($0.inSeconds) } ?? "-", schedule?.cron.text ?? "-",
                zone.name,
            ]
        }
        return cells
    }

    private func verified(_ row: ClusterStatus, _ now: Date) -> String {
        if let at = row.lastVerifiedAt(atLeast: .opened) { return "opened \(Formats.ago(at, at: now))" }
        if let at = row.lastVerifiedAt(atLeast: .stored) { return "stored \(Formats.ago(at, at: now))" }
        return "never"
    }

    /// What is wrong with it, in words; `ok` when nothing is.
    private static func state(_ row: ClusterStatus, _ conditions: [Monitoring.Condition]) -> String {
        let words = conditions.filter { $0.cluster == row.cluster && $0.schedule == row.schedule && $0.severity > .ok }
            .map(\.kind.words)
        return words.isEmpty ? (row.isSuspended ? "suspended" : "ok") : words.joined(separator: ", ")
    }

    private func json(_ row: ClusterStatus, _ conditions: [Monitoring.Condition]) -> JSON {
        func time(_ date: Date?) -> JSON? { date.map { .string(UTCTime.string($0)) } }
        return .members([
            ("schedule", .string(row.schedule)), ("cluster", .string(row.cluster)),
            ("suspended", .bool(row.isSuspended)),
            ("nextRunAt", time(row.nextRunAt)), ("lastBackupAt", time(row.lastBackupAt)),
            ("lastCompleteBackupAt", time(row.lastCompleteBackupAt)), ("dueAt", time(row.dueAt)),
            ("rpoSeconds", row.rpo.map { .seconds($0.inSeconds) }),
            ("lastVerifiedAt", time(row.lastVerifiedAt(atLeast: .stored))),
            ("lastOpenedAt", time(row.lastVerifiedAt(atLeast: .opened))), ("lastDrillAt", time(row.lastDrillAt)),
            ("recoveryTimeSeconds", row.lastDrillDuration.map { .seconds($0.inSeconds) }),
            (
                "conditions",
                .strings(
                    conditions.filter { $0.cluster == row.cluster && $0.schedule == row.schedule }.map(\.kind.rawValue))
            ),
        ])
    }
}

extension Monitoring.Condition.Kind {
    /// For a table.
    var words: String {
        switch self {
        case .overdue: "overdue"
        case .neverBackedUp: "never backed up"
        case .needsDecision: "needs a decision"
        case .schedulerSilent: "scheduler silent"
        case .storeUnreachable: "store unreachable"
        case .lastFailed: "last run failed"
        case .partial: "partial"
        case .notVerified: "not verified"
        case .notDrilled: "not drilled"
        case .uncovered: "no schedule"
        case .pruneFrozen: "prune frozen"
        case .notificationsFailing: "notifications failing"
        case .clockSuspicious: "clock suspicious"
        case .suspended: "suspended"
        }
    }
}
