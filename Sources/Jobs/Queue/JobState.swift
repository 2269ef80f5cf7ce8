/// Where a job stands. The arrows that are allowed are ``JobState/next``; nothing else ever happens.
public enum JobState: String, Sendable, CaseIterable, Codable {
    /// It waits: for its time, a free place, another job, or its next attempt.
    case queued
    /// A process works on it and holds its lease.
    case running
    /// Done, all of it (exit code 0).
    case succeeded
    /// Finished, and something named is missing (exit code 3).
    case partial
    /// It ended without success, and will not be tried again by itself.
    case failed
    /// A person, a restore or an overlap rule stopped it.
    case cancelled
    /// It was due and was not run, for a reason that it names.
    case skipped
    /// The process of a restore or an upgrade died in it: only a person may say how it goes on.
    case needsDecision

    /// The states that may follow this one.
    public var next: Set<JobState> {
        switch self {
        case .queued: [.running, .cancelled, .skipped]
        case .running: [.queued, .succeeded, .partial, .failed, .cancelled, .needsDecision]
        case .needsDecision: [.succeeded, .failed, .cancelled]
        case .succeeded, .partial, .failed, .cancelled, .skipped: []
        }
    }

    /// Whether nothing follows any more.
    public var isFinal: Bool { next.isEmpty }
}
