import Foundation
import Testing

@testable import Jobs

@Suite struct EndingTests {
    private func job(_ kind: JobKind, attempts: Int = 1, stoppedBy: String? = nil) -> Job {
        Job(
            id: 1, kind: kind, target: "local/shop", parameters: "{}", origin: .commandLine, missedRuns: 0, priority: 0,
            maxAttempts: 3, createdAt: TestClock.start, notBefore: TestClock.start, dependsOn: [], state: .running,
            attempts: attempts, cancelRequestedBy: stoppedBy)
    }

    private func end(_ code: Int32, _ job: Job, isAttended: Bool = false) -> JobEnding {
        .after(JobOutcome(exitCode: code), of: job, isAttended: isAttended)
    }

    @Test func eachExitCodeHasItsEnd() {
        for kind in JobKind.allCases {
            #expect(end(0, job(kind)) == .state(.succeeded))
            #expect(end(3, job(kind)) == .state(.partial))
            for code: Int32 in [1, 4, 5, 8, 10, 11, 64, 139] { #expect(end(code, job(kind)) == .state(.failed)) }
            // Done is done, also when somebody wanted to stop it.
            #expect(end(0, job(kind, stoppedBy: "ops")) == .state(.succeeded))
        }
    }

    @Test(arguments: [6, 7, 130, 143] as [Int32]) func aPassingTroubleIsTriedAgain(code: Int32) {
        for kind in JobKind.allCases where kind.mayBeRepeated {
            #expect(end(code, job(kind)) == .again)
            #expect(end(code, job(kind, attempts: 2)) == .again)
            #expect(end(code, job(kind, attempts: 3)) == .state(.failed))
            #expect(end(code, job(kind, stoppedBy: "ops")) == .state(.cancelled))
            #expect(end(code, job(kind, stoppedBy: JobEnding.timeout)) == .state(.failed))
        }
        for kind in [JobKind.restore, .upgrade] { #expect(end(code, job(kind)) == .state(.failed)) }
    }

    @Test func whoWaitsInTheForegroundRepeatsByHimself() {
        #expect(end(7, job(.backup), isAttended: true) == .state(.failed))
        #expect(end(6, job(.backup), isAttended: true) == .state(.failed))
        #expect(end(130, job(.backup), isAttended: true) == .state(.cancelled))
        #expect(end(143, job(.restore), isAttended: true) == .state(.cancelled))
    }

    @Test func whatIsLeftHalfWayNeedsADecision() {
        for kind in [JobKind.restore, .upgrade] {
            #expect(end(9, job(kind)) == .state(.needsDecision))
            let interrupted = JobOutcome(exitCode: 143, isUnfinished: true)
            for isAttended in [true, false] {
                #expect(
                    JobEnding.after(interrupted, of: job(kind, stoppedBy: "ops"), isAttended: isAttended)
                        == .state(.needsDecision))
            }
        }
        #expect(end(9, job(.prune)) == .state(.failed))
    }

    @Test func aDeathIsRepeatedOnlyWhereThatIsSafe() {
        for kind in JobKind.allCases {
            let expected: JobEnding = kind.mayBeRepeated ? .again : .state(.needsDecision)
            #expect(JobEnding.afterDeath(of: job(kind)) == expected)
        }
        #expect(JobEnding.afterDeath(of: job(.backup, attempts: 3)) == .state(.failed))
        #expect(JobEnding.afterDeath(of: job(.backup, stoppedBy: "ops")) == .state(.cancelled))
        #expect(JobEnding.afterDeath(of: job(.restore, stoppedBy: "ops")) == .state(.needsDecision))
    }

    @Test func pausesDoubleUpToALimitAndAreSpread() {
        let backoff = Backoff(first: 30, longest: 3600)
        #expect(
            (1...9).map { backoff.delay(afterAttempt: $0, chance: 0) } == [
                30, 60, 120, 240, 480, 960, 1920, 3600, 3600,
            ])
        #expect(backoff.delay(afterAttempt: 3, chance: 0.5) == 90)
        #expect(backoff.delay(afterAttempt: .max, chance: 0) == 3600)
        #expect(backoff.delay(afterAttempt: 0, chance: 0) == 30)
    }
}
