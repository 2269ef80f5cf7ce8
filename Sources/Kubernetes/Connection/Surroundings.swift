public import Failures
public import FoundationEssentials

/// What a client needs from outside: time, chance, and somebody who may say stop.
public struct Surroundings: Sendable {
    /// The wall clock, against which credentials expire.
    public var now: @Sendable () -> Date
    /// Monotonic time.
    public var uptime: @Sendable () -> Duration
    /// Waits; throws when it is told to stop.
    public var sleep: @Sendable (Duration) throws(Failure) -> Void
    /// From 0 up to, not including, 1.
    public var random: @Sendable () -> Double
    /// Throws when the work is to stop; asked at least ten times a second.
    public var checkStop: @Sendable () throws(Failure) -> Void

    /// Creates them.
    public init(
        now: @escaping @Sendable () -> Date, uptime: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) throws(Failure) -> Void, random: @escaping @Sendable () -> Double,
        checkStop: @escaping @Sendable () throws(Failure) -> Void = {}
    ) {
        self.now = now
        self.uptime = uptime
        self.sleep = sleep
        self.random = random
        self.checkStop = checkStop
    }
}
