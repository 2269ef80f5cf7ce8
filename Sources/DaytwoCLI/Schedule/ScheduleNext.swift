import Archive
import ArgumentParser
import Failures
import Foundation
import JSONValues
import Policies
import Stores

/// `daytwo schedule next`.
struct ScheduleNext: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "next", abstract: "Show the next times that schedules are due, in their own zones.",
        exits: [.refused, .denied, .notFound])

    @Argument(help: "Only this schedule.")
    var schedule: String?

    @Option(help: ArgumentHelp("So many times for each cluster.", valueName: "n"))
    var count = 5

    @Option(help: ArgumentHelp("Only this cluster.", valueName: "name"))
    var cluster: String?

    @Option(help: ArgumentHelp("Begin at this time instead of now.", valueName: "time"))
    var after: String?

    @OptionGroup var global: GlobalOptions

    private struct Run {
        let at: Date
        let purpose: String
        let entry: ScheduledCluster
    }

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        guard count > 0 else { throw Failure(.usage, "--count is not positive", next: "give 1 or more") }
        let configuration = try session.settings.requireConfiguration()
        if let schedule { _ = try configuration.requireSchedule(schedule) }
        let wanted = try cluster.map { name throws(Failure) in try configuration.path(ofCluster: name) }
        let start = after == nil ? session.now : try UTCTime.parse(written: after ?? "")
        var runs: [Run] = []
        for one in configuration.schedules where schedule == nil || one.name == schedule {
            if one.suspended {
                session.console.note("\(one.name) is suspended\(one.suspendedReason.map { ": \($0)" } ?? "")")
            }
            for entry in one.entries(for: configuration.clusters) {
                if let wanted, wanted != entry.cluster.path { continue }
                runs += times(entry, start)
            }
        }
        runs.sort { ($0.at, $0.entry.cluster.path, $0.purpose) < ($1.at, $1.entry.cluster.path, $1.purpose) }
        let document = JSON.document("ScheduleTimes", [("items", .array(runs.map(Self.json)))])
        var table = Table(["TIME", "SCHEDULE", "CLUSTER", "WHAT"])
        for run in runs {
            table.add([
                Formats.local(run.at, in: run.entry.schedule.zone), run.entry.schedule.name, run.entry.cluster.path,
                run.purpose + (run.entry.schedule.suspended ? " (suspended)" : ""),
            ])
        }
        try session.console.show(
            document, names: runs.map { UTCTime.string($0.at) },
            text: runs.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
        if runs.isEmpty { session.console.note("there is no such run in the next years") }
        return .done
    }

    private func times(_ entry: ScheduledCluster, _ start: Date) -> [Run] {
        let purposes: [(String, CronRecurrence?)] = [
            ("backup", entry.recurrence), ("verify", entry.verificationRecurrence), ("drill", entry.drillRecurrence),
        ]
        var runs: [Run] = []
        for (purpose, recurrence) in purposes {
            var last = start
            for _ in 0..<count {
                guard let next = recurrence?.next(after: last) else { break }
                runs.append(Run(at: next, purpose: purpose, entry: entry))
                last = next
            }
        }
        return runs
    }

    private static func json(_ run: Run) -> JSON {
        .members([
            ("at", .string(UTCTime.string(run.at))),
            ("local", .string(Formats.local(run.at, in: run.entry.schedule.zone))),
            ("timeZone", .string(run.entry.schedule.zone.name)), ("schedule", .string(run.entry.schedule.name)),
            ("cluster", .string(run.entry.cluster.path)), ("what", .string(run.purpose)),
            ("suspended", .bool(run.entry.schedule.suspended)),
        ])
    }
}
