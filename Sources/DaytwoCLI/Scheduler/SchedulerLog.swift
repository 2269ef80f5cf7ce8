import Archive
import Failures
import Foundation
import Jobs
import JSONValues
import Stores

/// What a scheduler says: lines for a person on a terminal, JSON lines elsewhere, each with job and cluster.
struct SchedulerLog: Sendable {
    enum Level: String {
        case info
        case warning
        case error
    }

    private let isHuman: Bool
    private let isQuiet: Bool

    init(isQuiet: Bool) {
        isHuman = isatty(STDERR_FILENO) == 1
        self.isQuiet = isQuiet
    }

    func write(_ level: Level, _ text: String, job: Job? = nil, jobID: Int64? = nil) {
        if isQuiet, level == .info { return }
        let now = WallClock.now
        guard !isHuman else {
            let subject =
                job.map { "job \($0.id) (\($0.kind.rawValue) of \($0.target)): " } ?? jobID.map { "job \($0): " } ?? ""
            let mark = level == .info ? "" : "\(level.rawValue): "
            StandardError.write("\(Formats.local(now))  \(mark)\(subject)\(text)".printable + "\n")
            return
        }
        let line = JSON.members([
            ("apiVersion", .string(JSON.apiVersion)), ("time", .string(UTCTime.string(now))),
            ("level", .string(level.rawValue)), ("message", .string(text)),
            ("job", (job?.id ?? jobID).map { .integer($0) }), ("kind", job.map { .string($0.kind.rawValue) }),
            ("cluster", job.map { .string($0.target) }), ("schedule", job?.schedule.map(JSON.string)),
            ("exitCode", job?.exitCode.map { .integer(Int64($0)) }),
        ])
        StandardError.write(line.compact + "\n")
    }

    /// What a pass did.
    func write(_ report: PassReport, _ queue: JobQueue) {
        for job in report.recovered { write(.warning, "its process died; now \(JobView(job).stateText)", job: job) }
        for key in report.clockResets {
            write(
                .warning,
                "the clock was set back: \(key.purpose.rawValue) of \(key.cluster) by \(key.schedule) begins anew")
        }
        for id in report.skipped { write(.warning, "skipped: \(message(id, queue) ?? "")", jobID: id) }
        for id in report.launched { write(.info, "started", jobID: id) }
        for (id, failure) in report.launchFailures {
            write(.error, "no process could be started: \(failure.description)", jobID: id)
        }
    }

    /// How a job ended.
    func writeEnd(of id: Int64, _ queue: JobQueue) {
        do throws(Failure) {
            let job = try queue.job(id)
            let isGood = job.state == .succeeded
            write(
                isGood ? .info : .warning,
                job.message.map { "\(JobView(job).stateText): \($0)" } ?? JobView(job).stateText, job: job)
        } catch {
            write(.error, error.description, jobID: id)
        }
    }

    private func message(_ id: Int64, _ queue: JobQueue) -> String? {
        do throws(Failure) { return try queue.job(id).message } catch { return error.description }
    }
}
