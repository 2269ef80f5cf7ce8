import Failures
import Foundation
import Policies
import Stores

/// Times and durations as people write them on a command line.
enum Moment {
    /// `90s`, `15m`, `1h30m`, `7d`, `2w`, in seconds.
    static func seconds(_ text: String) throws(Failure) -> TimeInterval {
        guard let seconds = WrittenDuration.seconds(text) else {
            throw Failure(
                .usage, "cannot read the duration \(text.debugDescription)", next: "write it like 90s, 15m, 2h or 7d")
        }
        return seconds
    }

    /// How long ago, or a time.
    static func past(_ text: String, _ now: Date) throws(Failure) -> Date {
        if let seconds = WrittenDuration.seconds(text) { return now - seconds }
        do throws(Failure) {
            return try UTCTime.parse(written: text)
        } catch {
            throw Failure(
                error.code, error.what, why: error.why, next: "write it like 2h, 7d or 2026-11-22T11:00Z", cause: error)
        }
    }
}
