public import FoundationEssentials

/// How an attempt ended.
public struct JobOutcome: Sendable, Equatable {
    /// The exit code, as the command line defines them.
    public var exitCode: Int32
    /// What happened, for a person.
    public var message: String?
    /// What came of it, as JSON.
    public var result: String?
    /// Whether something is left that only a person may go on with: a journal next to the data that is not at its end.
    public var isUnfinished: Bool

    /// Creates an outcome. Exit code 9 is always unfinished.
    public init(exitCode: Int32, message: String? = nil, result: String? = nil, isUnfinished: Bool = false) {
        self.exitCode = exitCode
        self.message = message
        self.result = result
        self.isUnfinished = isUnfinished || exitCode == 9
    }
}

/// What follows from the end of an attempt. Pure, so that it can be read and tested as a table.
enum JobEnding: Equatable {
    /// The job is done with, or waits for a person.
    case state(JobState)
    /// It is queued again, after a pause.
    case again

    /// What stops a job by itself: written where the name of a person would stand.
    static let timeout = "its timeout"

    /// After an attempt that told its outcome. `isAttended`: in the foreground, where the caller has got the exit code
    /// and repeats by himself.
    static func after(_ outcome: JobOutcome, of job: Job, isAttended: Bool) -> JobEnding {
        if outcome.isUnfinished, !job.kind.mayBeRepeated { return .state(.needsDecision) }
        let mayRepeat = job.kind.mayBeRepeated && !isAttended && job.attempts < job.maxAttempts
        switch outcome.exitCode {
        case 0: return .state(.succeeded)
        case 3: return .state(.partial)
        case 6, 7:
            if job.cancelRequestedBy != nil { return stopped(job) }
            return mayRepeat ? .again : .state(.failed)
        case 130, 143:
            if job.cancelRequestedBy != nil || isAttended { return stopped(job) }
            // Nobody wanted this job to stop, but its process: a reboot, a service that is restarted.
            return mayRepeat ? .again : .state(.failed)
        default: return .state(.failed)
        }
    }

    /// After an attempt whose process died without a word.
    static func afterDeath(of job: Job) -> JobEnding {
        guard job.kind.mayBeRepeated else { return .state(.needsDecision) }
        if job.cancelRequestedBy != nil { return stopped(job) }
        return job.attempts < job.maxAttempts ? .again : .state(.failed)
    }

    private static func stopped(_ job: Job) -> JobEnding {
        .state(job.cancelRequestedBy == timeout ? .failed : .cancelled)
    }
}

/// How long a job waits before it is tried again: twice as long each time, and never all at the same moment.
public struct Backoff: Sendable, Equatable {
    /// The pause after the first attempt, in seconds.
    public var first: TimeInterval
    /// The longest pause, in seconds.
    public var longest: TimeInterval

    /// Creates a backoff: from half a minute up to an hour unless told.
    public init(first: TimeInterval = 30, longest: TimeInterval = 3600) {
        self.first = first
        self.longest = longest
    }

    /// The pause after so many attempts, in seconds; `chance` (0 up to 1) takes off up to half of it.
    public func delay(afterAttempt attempt: Int, chance: Double) -> TimeInterval {
        let doublings = max(0, min(attempt - 1, 60))
        return min(longest, first * Double(sign: .plus, exponent: doublings, significand: 1)) * (1 - 0.5 * chance)
    }
}
