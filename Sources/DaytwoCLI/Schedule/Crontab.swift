import Failures
import Foundation
import Processes

/// The crontab of the user who runs daytwo, by crontab(1) alone: the spool's form is cron's own business.
struct Crontab {
    private let program: String

    init() throws(Failure) {
        let places: [String] = ["/usr/bin/crontab", "/bin/crontab", "/usr/local/bin/crontab"]
        guard let program = places.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure(
                .notFound, "there is no crontab program", why: "cron is not installed",
                next: "install cron, or give --systemd")
        }
        self.program = program
    }

    /// All of it; empty when the user has none.
    func read() throws(Failure) -> [UInt8] {
        let result = try run(["-l"], input: [])
        if result.end == .exited(0) {
            // Debian's crontab -l writes a carriage return as \r, which would not become one again.
            guard !String(decoding: result.output, as: UTF8.self).contains("\\r\n") else {
                throw Failure(
                    .refused, "the crontab is left as it is", why: "lines of it end with carriage returns",
                    next: "remove them with crontab -e, or use --cron-file")
            }
            return result.output
        }
        let text = String(decoding: result.output, as: UTF8.self)
        guard text.hasPrefix("no crontab for") else { throw failed("read", text) }
        return []
    }

    /// Replaces it, if it is still what was read, and makes sure that it is there.
    func replace(_ old: [UInt8], by new: [UInt8]) throws(Failure) {
        guard try read() == old else {
            throw Failure(.failed, "the crontab was changed meanwhile", next: "run the command again")
        }
        let result = new.isEmpty ? try run(["-r"], input: []) : try run(["-"], input: new)
        guard result.end == .exited(0) else { throw failed("write", String(decoding: result.output, as: UTF8.self)) }
        guard try read() == new else {
            throw Failure(
                .failed, "the crontab is not what was written", why: "somebody else writes to it",
                next: "look at it with crontab -l, and run the command again")
        }
    }

    private func run(_ arguments: [String], input: [UInt8]) throws(Failure) -> CompletedProcess {
        try CompletedProcess.run(
            ProcessCommand(program, arguments), input: input, outputLimit: 8 << 20, deadline: .seconds(30),
            uptime: { Uptime.now })
    }

    private func failed(_ verb: String, _ why: String) -> Failure {
        Failure(
            .failed, "cannot \(verb) the crontab", why: why.split(separator: "\n").joined(separator: "; "),
            next: "see crontab(1); /etc/cron.allow and /etc/cron.deny say who may have one")
    }
}
