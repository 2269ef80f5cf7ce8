import Failures
import Synchronization

/// Looks from time to time whether anybody changes what a run has stopped.
final class HoldWatch: Sendable {
    private static let interval = Duration.seconds(1)

    private let hold: WorkloadHold
    private let last: Mutex<Duration>

    init(_ hold: WorkloadHold) {
        self.hold = hold
        last = Mutex(hold.context.uptime())
    }

    func check() throws(Failure) {
        let now = hold.context.uptime()
        let isDue = last.withLock { last in
            guard now - last >= Self.interval else { return false }
            last = now
            return true
        }
        if isDue { try hold.check() }
    }
}
