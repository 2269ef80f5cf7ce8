import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Stores

/// `daytwo scheduler status`.
struct SchedulerStatus: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "status", abstract: "Show the schedulers that worked lately, and what waits.",
        exits: [.refused, .denied, .notFound])

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let now = session.now
        let queue = try session.queue()
        let records = try queue.map { queue throws(Failure) in try SchedulerRecord.all(queue.database) } ?? []
        let counts = try queue?.counts() ?? [:]
        let document = JSON.document(
            "SchedulerStatus",
            [
                ("serving", .bool(records.contains { $0.isServing(at: now) })),
                ("items", .array(records.map { Self.json($0, now) })),
                (
                    "jobs",
                    .members(JobState.allCases.map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) })
                ),
            ])
        var table = Table(["MODE", "STATE", "LAST PASS", "STARTED", "VERSION", "PROCESS"])
        for record in records {
            table.add([
                record.mode.rawValue, Self.state(record, now), Formats.ago(record.lastPassAt, at: now),
                Formats.local(record.startedAt), record.version, record.owner,
            ])
        }
        let jobs = JobState.allCases.compactMap { state in
            counts[state].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
        }
        try session.console.show(
            document, names: records.map { "\($0.id)" },
            text: (records.isEmpty ? "" : table.text(showsHeader: session.console.showsHeaders))
                + "jobs: \(jobs.isEmpty ? "none" : jobs.joined(separator: ", "))\n")
        if records.isEmpty { session.console.note("no scheduler has worked here") }
        return .done
    }

    private static func state(_ record: SchedulerRecord, _ now: Date) -> String {
        if record.stoppedAt != nil { return "ended" }
        return record.isServing(at: now) ? "at work" : record.mode == .tick ? "ended or killed" : "silent"
    }

    private static func json(_ record: SchedulerRecord, _ now: Date) -> JSON {
        .members([
            ("id", .integer(record.id)), ("mode", .string(record.mode.rawValue)),
            ("state", .string(state(record, now))),
            ("owner", .string(record.owner)), ("version", .string(record.version)),
            ("startedAt", .string(UTCTime.string(record.startedAt))),
            ("lastPassAt", .string(UTCTime.string(record.lastPassAt))),
            ("stoppedAt", record.stoppedAt.map { .string(UTCTime.string($0)) }),
        ])
    }
}
