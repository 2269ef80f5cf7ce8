public import FoundationEssentials
public import Policies

/// What is due of one schedule for one cluster. Pure: the same for the same times.
public enum DueDecision: Sendable, Equatable {
    /// Nothing is due.
    case nothing
    /// One run, for the newest due time; `missed` earlier ones, for which nothing was made, it stands for as well.
    case run(dueAt: Date, missed: Int)
    /// What is due is older than the schedule catches up; nothing is run for it.
    case tooOld(dueAt: Date, missed: Int)
    /// What was due while the schedule was suspended; nothing is run for it.
    case suspended(dueAt: Date, missed: Int)
    /// What was handled last lies more than an hour ahead: the clock was set back. The schedule begins anew from now.
    case clockWentBack

    /// Missed runs are counted up to here; after a jump of years nobody needs the exact number.
    public static let countLimit = 1000
    /// How far the clock may go back before the schedule begins anew, in seconds. Less than that, what was handled is
    /// not handled again.
    public static let clockTolerance: TimeInterval = 3600

    /// Decides.
    ///
    /// - Parameters:
    ///   - firstSeen: when the schedule was seen for this cluster first; nothing before is due.
    ///   - lastDue: the newest due time that was handled.
    ///   - maxAge: how many seconds late a run is still made; nil for any.
    ///   - isSuspended: whether the schedule rests now.
    ///   - wasSuspended: whether it rested when it was looked at last.
    public static func decide(
        _ recurrence: some Recurrence, firstSeen: Date, lastDue: Date?, now: Date, maxAge: TimeInterval?,
        isSuspended: Bool = false, wasSuspended: Bool = false
    ) -> DueDecision {
        let handled = lastDue ?? firstSeen
        if handled > now.addingTimeInterval(clockTolerance) { return .clockWentBack }
        if isSuspended { return .nothing }
        guard let (due, missed) = newest(recurrence, after: handled, notAfter: now) else { return .nothing }
        if wasSuspended { return .suspended(dueAt: due, missed: missed) }
        if let maxAge, now.timeIntervalSince(due) > maxAge { return .tooOld(dueAt: due, missed: missed) }
        return .run(dueAt: due, missed: missed)
    }

    private static func newest(
        _ recurrence: some Recurrence, after handled: Date, notAfter now: Date
    ) -> (due: Date, missed: Int)? {
        guard var due = recurrence.next(after: handled), due <= now else { return nil }
        var missed = 0
        while let next = recurrence.next(after: due), next <= now {
            due = next
            missed += 1
            if missed >= countLimit { return (recurrence.latest(notAfter: now) ?? due, missed) }
        }
        return (due, missed)
    }
}
