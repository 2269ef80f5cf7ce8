import Archive
import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues
import Stores

/// `daytwo jobs logs`.
struct JobsLogs: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "logs", abstract: "Show what a job said.",
        discussion: "With -o json the first line has the version, and each further line is one line of the log.",
        exits: [.refused, .denied, .notFound])

    @OptionGroup var job: JobArgument

    @Flag(name: .shortAndLong, help: "Go on showing lines until the job has ended.")
    var follow = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let queue = try session.requireQueue(for: job.id)
        if session.console.format == .json {
            try session.console.write(JSON.document("JobLog", [("job", .integer(job.id))]).compact + "\n")
        }
        var last: Int64 = 0
        while true {
            // Asked before the lines: what a job says last is said before it ends.
            let isOver = try queue.job(job.id).state.isSettled
            while case let lines = try queue.log(job.id, after: last), let newest = lines.last {
                for line in lines { try session.console.write(text(line, session.console) + "\n") }
                last = newest.sequence
            }
            try session.console.flush()
            guard follow, !isOver else { return .done }
            try StopSignal.check(next: "the job goes on; run the command again")
            usleep(200_000)
        }
    }

    private func text(_ line: JobLogLine, _ console: Console) -> String {
        guard console.format == .json else {
            let level = line.level == .info ? "" : "\(line.level.rawValue): "
            return "\(Formats.local(line.at))  \(level)\(line.text.printable)"
        }
        return JSON.members([
            ("at", .string(UTCTime.string(line.at))), ("level", .string(line.level.rawValue)),
            ("text", .string(line.text)),
        ]).compact
    }
}

extension JobState {
    /// Whether it changes no more by itself.
    var isSettled: Bool { isFinal || self == .needsDecision }
}
