import Foundation
import Policies
import Testing

@testable import Jobs

@Suite struct DueDecisionTests {
    private let start = TestClock.start

    private func decide(
        lastDue: TimeInterval?, now: TimeInterval, maxAge: TimeInterval? = nil, isSuspended: Bool = false,
        wasSuspended: Bool = false
    ) -> DueDecision {
        .decide(
            Every.hour, firstSeen: start, lastDue: lastDue.map { start + $0 }, now: start + now, maxAge: maxAge,
            isSuspended: isSuspended, wasSuspended: wasSuspended)
    }

    @Test func nothingBeforeItWasSeenIsDue() {
        #expect(decide(lastDue: nil, now: 0) == .nothing)
        #expect(decide(lastDue: nil, now: 3599) == .nothing)
        #expect(decide(lastDue: nil, now: 3600) == .run(dueAt: start + 3600, missed: 0))
        #expect(
            DueDecision.decide(Never(), firstSeen: start, lastDue: nil, now: start + 1e9, maxAge: nil) == .nothing)
    }

    @Test func eachDueTimeIsHandledOnce() {
        #expect(decide(lastDue: 3600, now: 7199) == .nothing)
        #expect(decide(lastDue: 3600, now: 7200) == .run(dueAt: start + 7200, missed: 0))
    }

    @Test func missedRunsBecomeOne() {
        #expect(decide(lastDue: 3600, now: 5 * 3600 + 7) == .run(dueAt: start + 5 * 3600, missed: 3))
    }

    @Test func whatIsTooOldIsTold() {
        #expect(decide(lastDue: 0, now: 3600 + 600, maxAge: 600) == .run(dueAt: start + 3600, missed: 0))
        #expect(decide(lastDue: 0, now: 3600 + 601, maxAge: 600) == .tooOld(dueAt: start + 3600, missed: 0))
        // The newest counts, however old the first of the missed ones is.
        #expect(decide(lastDue: 0, now: 10 * 3600, maxAge: 600) == .run(dueAt: start + 36_000, missed: 9))
    }

    @Test func aJumpOfYearsIsCountedUpToALimit() {
        let years: TimeInterval = 10 * 365 * 24 * 3600
        #expect(decide(lastDue: 0, now: years) == .run(dueAt: start + years, missed: DueDecision.countLimit))
    }

    @Test func aClockThatWentBackIsNoticed() {
        #expect(decide(lastDue: 7200, now: 3600) == .nothing)
        #expect(decide(lastDue: 7200, now: 3599) == .clockWentBack)
        #expect(decide(lastDue: nil, now: -3600) == .nothing)
        #expect(decide(lastDue: nil, now: -3601) == .clockWentBack)
        #expect(decide(lastDue: 7200, now: 3599, isSuspended: true) == .clockWentBack)
    }

    @Test func whatWasDueWhileSuspendedIsNotCaughtUp() {
        #expect(decide(lastDue: 0, now: 9 * 3600, isSuspended: true) == .nothing)
        #expect(decide(lastDue: 0, now: 9 * 3600, isSuspended: true, wasSuspended: true) == .nothing)
        #expect(decide(lastDue: 0, now: 9 * 3600, wasSuspended: true) == .suspended(dueAt: start + 32_400, missed: 8))
        #expect(decide(lastDue: 0, now: 60, wasSuspended: true) == .nothing)
    }
}
