import Failures
import Foundation
import Operations

/// What a command runs in: where it shows things, and the real world that operations get.
struct Session: Sendable {
    let console: Console

    init(_ global: GlobalOptions) {
        console = Console(
            format: global.output, isQuiet: global.quiet, isVerbose: global.verbose, showsHeaders: !global.noHeaders)
    }

    /// The real clock, chance and machine. `stopped` says how to go on after an interruption.
    func context(stopped: String) -> OperationContext {
        let console = console
        return OperationContext(
            now: { Date() }, uptime: { Uptime.now }, newID: { Self.randomID() },
            workers: max(1, ProcessInfo.processInfo.activeProcessorCount),
            report: { console.show($0) },
            checkStop: { () throws(Failure) in try StopSignal.check(next: stopped) })
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

/// The environment variables that daytwo reads, and the only place that reads them.
enum Environment: String {
    case configuration = "DAYTWO_CONFIG"
    case stateDirectory = "DAYTWO_STATE_DIR"
    case store = "DAYTWO_STORE"
    case configurationHome = "XDG_CONFIG_HOME"
    case stateHome = "XDG_STATE_HOME"
    case home = "HOME"
    case user = "USER"
    case notifySocket = "NOTIFY_SOCKET"
    case watchdogMicroseconds = "WATCHDOG_USEC"
    case terminal = "TERM"
    case temporaryDirectory = "TMPDIR"

    /// Its value; empty counts as not set.
    var value: String? {
        guard let text = getenv(rawValue).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        return text
    }
}
