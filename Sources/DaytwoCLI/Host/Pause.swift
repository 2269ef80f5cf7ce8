import Foundation

/// Waiting on this thread.
enum Pause {
    /// Waits so long; a signal ends it early.
    static func sleep(_ duration: Duration) {
        guard duration > .zero else { return }
        usleep(useconds_t(min(duration.inSeconds, 1) * 1_000_000))
    }
}
