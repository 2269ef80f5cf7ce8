public import Failures

/// How often and when something is tried again: exponential backoff with jitter, by class of failure.
public struct Retry: Sendable, Equatable {
    /// All the attempts, the first one included.
    public var attempts: Int
    /// The longest wait after the first attempt; it doubles with each further one.
    public var firstDelay: Duration
    /// What the wait does not grow above.
    public var longestDelay: Duration
    /// The classes that are worth another attempt.
    public var codes: Set<Failure.Code>

    /// Creates a rule.
    public init(
        attempts: Int = 5, firstDelay: Duration = .seconds(1), longestDelay: Duration = .seconds(300),
        codes: Set<Failure.Code> = [.unreachable]
    ) {
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.codes = codes
    }

    /// How long to wait after attempt number `attempt` (from 1 on) failed, or nil when that was the last one.
    ///
    /// Half of the wait is certain and half by chance, so that many clients do not come back together; what the
    /// server asked for (`Retry-After`) is never undercut. `random` is from 0 up to, not including, 1.
    public func delay(after attempt: Int, _ failure: Failure, random: Double) -> Duration? {
        guard attempt < attempts, codes.contains(failure.code) else { return nil }
        var whole = min(firstDelay, longestDelay)
        for _ in 1..<max(attempt, 1) where whole < longestDelay { whole = min(whole * 2, longestDelay) }
        return max(whole / 2 + whole / 2 * random, failure.retryAfter ?? .zero)
    }

    /// Runs `body` until it works, fails for good, or the next attempt would begin `limit` or more after the first.
    ///
    /// `sleep` waits, and throws when it is told to stop; `uptime` is monotonic. `isWorthIt` may say no to another attempt.
    public func run<Result>(
        within limit: Duration, uptime: () -> Duration, random: () -> Double,
        sleep: (Duration) throws(Failure) -> Void, isWorthIt: (Failure) -> Bool = { _ in true },
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let end = uptime() + limit
        var attempt = 1
        while true {
            do throws(Failure) {
                return try body()
            } catch {
                guard isWorthIt(error), let delay = delay(after: attempt, error, random: random()),
                    uptime() + delay < end
                else { throw error }
                try sleep(delay)
                attempt += 1
            }
        }
    }
}

extension Failure {
    /// What the server beneath this failure asked for, if it was one and did.
    fileprivate var retryAfter: Duration? {
        var current: (any Error)? = self
        while let error = current {
            if let answer = error as? any RetryAfterError { return answer.retryAfter }
            current = (error as? Failure)?.cause
        }
        return nil
    }
}
