import Failures
import Foundation
import Jobs
import Operations

/// What a command runs in: where it shows things, what is configured, its job, and the real world that operations get.
struct Session: Sendable {
    let console: Console
    let settings: Settings
    /// The job that the command runs as, once it has begun.
    let job: ActiveJob
    /// The words of the command line, for whoever has to do it again.
    let arguments: [String]
    /// The command is left to a scheduler.
    let isDetached: Bool

    init(
        _ global: GlobalOptions, arguments: [String] = [], stateDirectory: String? = nil, isDetached: Bool = false
    ) {
        let console = Console(
            format: global.output, isQuiet: global.quiet, isVerbose: global.verbose, showsHeaders: !global.noHeaders)
        settings = Settings(global, stateDirectory: stateDirectory)
        self.console = console
        self.arguments = arguments
        self.isDetached = isDetached
        let job = ActiveJob { console.warn($0) }
        self.job = job
        console.listen { remark, text in job.log(remark == .note ? .info : .warning, text) }
    }

    private init(of session: Session, arguments: [String]) {
        let console = session.console
        self.console = console
        settings = session.settings
        self.arguments = arguments
        isDetached = false
        job = ActiveJob { console.warn($0) }
    }

    /// A session within this one, with a job of its own that another command line would do.
    func member(arguments: [String]) -> Session { Session(of: self, arguments: arguments) }

    /// The time.
    var now: Date { WallClock.now }

    /// The real clock, chance and machine. `stopped` says how to go on after an interruption.
    func context(stopped: String) -> OperationContext {
        let console = console
        let job = job
        var context = OperationContext(
            now: { WallClock.now }, uptime: { Uptime.now }, newID: { Self.randomID() },
            workers: max(1, ProcessInfo.processInfo.activeProcessorCount),
            report: { event in
                console.show(event)
                job.report(event)
            },
            checkStop: { () throws(Failure) in
                try StopSignal.check(next: stopped)
                try job.check(next: stopped)
            })
        context.holder = .here(arguments.prefix { !$0.hasPrefix("-") }.prefix(2).joined(separator: " "))
        return context
    }

    private static func randomID() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}

/// Monotonic time.
enum Uptime {
    private static let start = ContinuousClock().now

    static var now: Duration { start.duration(to: ContinuousClock().now) }
}
