import Archive
import Foundation
import Jobs
import JSONValues
import Stores

/// A job as it is shown.
struct JobView {
    let job: Job

    init(_ job: Job) { self.job = job }

    var document: JSON { .document("Job", members) }

    var members: [(String, JSON?)] {
        [
            ("id", .integer(job.id)), ("kind", .string(job.kind.rawValue)), ("cluster", .string(job.target)),
            ("state", .string(job.state.rawValue)), ("origin", .string(job.origin.rawValue)),
            ("schedule", job.schedule.map(JSON.string)), ("dueAt", Self.time(job.dueAt)),
            ("missedRuns", job.missedRuns == 0 ? nil : .integer(Int64(job.missedRuns))),
            ("priority", .integer(Int64(job.priority))), ("attempts", .integer(Int64(job.attempts))),
            ("maxAttempts", .integer(Int64(job.maxAttempts))), ("retryOf", job.retryOf.map { .integer($0) }),
            ("dependsOn", job.dependsOn.isEmpty ? nil : .array(job.dependsOn.map { .integer($0) })),
            ("store", job.store.map(JSON.string)), ("createdAt", Self.time(job.createdAt)),
            ("notBefore", Self.time(job.notBefore)), ("startedAt", Self.time(job.startedAt)),
            ("heartbeatAt", Self.time(job.heartbeatAt)), ("finishedAt", Self.time(job.finishedAt)),
            ("owner", job.owner.map(JSON.string)), ("progress", job.progress.map(JSON.string)),
            ("exitCode", job.exitCode.map { .integer(Int64($0)) }), ("message", job.message.map(JSON.string)),
            ("cancelRequestedBy", job.cancelRequestedBy.map(JSON.string)),
            ("command", command.map(JSON.string)), ("result", result),
        ]
    }

    /// The command line that does it.
    var command: String? {
        do { return try JobParameters(job.parameters).commandLine } catch { return nil }
    }

    private var result: JSON? {
        // What another version wrote is shown as it is.
        job.result.map { text in (try? JSON(parsing: Array(text.utf8))) ?? .string(text) }
    }

    private static func time(_ date: Date?) -> JSON? { date.map { .string(UTCTime.string($0)) } }

    /// The state as people read it.
    var stateText: String {
        switch job.state {
        case .needsDecision: "needs a decision"
        case .queued where job.attempts > 0: "waits to be tried again"
        case .running where job.cancelRequestedBy != nil: "stopping"
        default: job.state.rawValue
        }
    }

    static func table(_ jobs: [Job], at now: Date, _ console: Console) -> String {
        guard !jobs.isEmpty else { return "" }
        var header = ["JOB", "KIND", "CLUSTER", "STATE", "AGE", "TOOK", "CODE", "SCHEDULE"]
        if console.isWide { header += ["TRIES", "ORIGIN", "OWNER"] }
        header.append("MESSAGE")
        var table = Table(header, rightAligned: [0, 4, 5, 6])
        for job in jobs {
            let view = JobView(job)
            var cells = [
                "\(job.id)", job.kind.rawValue, job.target, view.stateText, Formats.age(of: job.createdAt, at: now),
                view.took(now), job.exitCode.map { "\($0)" } ?? "-", job.schedule ?? "-",
            ]
            if console.isWide {
                cells += ["\(job.attempts)/\(job.maxAttempts)", job.origin.rawValue, job.owner ?? "-"]
            }
            cells.append(job.message ?? (job.state == .running ? job.progress ?? "" : ""))
            table.add(cells)
        }
        return table.text(showsHeader: console.showsHeaders)
    }

    private func took(_ now: Date) -> String {
        guard let start = job.startedAt else { return "-" }
        let end = job.finishedAt ?? (job.state == .running ? now : nil)
        return end.map { Formats.duration(max(0, $0.timeIntervalSince(start))) } ?? "-"
    }
}
