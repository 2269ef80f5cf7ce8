public import Failures
public import Foundation

/// What an operation needs from outside: time, chance, machine and somebody to tell. Libraries have none of their own.
public struct OperationContext: Sendable {
    /// The version of daytwo, as it is recorded.
    public static let version = "0.1.0"

    /// The wall clock.
    public var now: @Sendable () -> Date
    /// Monotonic time.
    public var uptime: @Sendable () -> Duration
    /// A new random id of 32 hex digits.
    public var newID: @Sendable () -> String
    /// Threads that compress or decompress.
    public var workers: Int
    /// Gets what is being done, for a person.
    public var report: @Sendable (Progress) -> Void
    /// Throws when the operation is to stop; asked between steps and between pieces of long ones.
    public var checkStop: @Sendable () throws(Failure) -> Void
    /// Who does it, for what is left on a host if the process dies; nil for somebody whom nobody can look for.
    public var holder: LeaseHolder?

    /// Creates a context.
    public init(
        now: @escaping @Sendable () -> Date, uptime: @escaping @Sendable () -> Duration,
        newID: @escaping @Sendable () -> String, workers: Int,
        report: @escaping @Sendable (Progress) -> Void = { _ in },
        checkStop: @escaping @Sendable () throws(Failure) -> Void = {}
    ) {
        self.now = now
        self.uptime = uptime
        self.newID = newID
        self.workers = workers
        self.report = report
        self.checkStop = checkStop
    }

    /// Something to tell while an operation runs.
    public enum Progress: Sendable {
        /// A step begins: "reading the datastore".
        case step(String)
        /// Bytes done of the current step, and of how many where that is known.
        case bytes(Int64, of: Int64?)
    }
}
