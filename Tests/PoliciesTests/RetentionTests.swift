import Foundation
import Policies
import Testing

/// The rules one by one, in words.
@Suite struct RetentionTests {
    private static let now = date(1_795_521_600)
    private let alpha = RetentionIdentity(clusterPath: "local/alpha", uid: "one")

    /// One backup each hour, the newest an hour ago; ids count the hours back.
    private func hourly(_ count: Int, of identity: RetentionIdentity? = nil, verified: Bool = true)
        -> [RetentionCandidate]
    {
        (1...count).map { hours in
            RetentionCandidate(
                id: "\(identity?.uid ?? "h")\(hours)", createdAt: Self.now.addingTimeInterval(-3600 * Double(hours)),
                identity: identity ?? alpha, verifiedLevel: verified ? .opened : .none, liveKeys: 1000)
        }
    }

    private func plan(
        _ candidates: [RetentionCandidate], _ rules: RetentionRules, share: Double = 1,
        _ acknowledgements: [RetentionAcknowledgement] = []
    ) -> RetentionPlan {
        RetentionPlanner.plan(
            candidates: candidates, rules: rules, zone: .utc, now: Self.now,
            options: RetentionOptions(largestShare: share, acknowledgements: acknowledgements))
    }

    private func reasons(_ plan: RetentionPlan, _ id: String) -> [String] {
        plan.decisions.first { $0.candidate.id == id }?.reasons.map(\.description) ?? []
    }

    @Test func dropsNothingWithoutRules() {
        let plan = plan(hourly(100), RetentionRules())
        #expect(plan.drops.isEmpty)
        #expect(reasons(plan, "h50") == ["no retention rules"])
    }

    @Test func aSafetyCopyStandsForNoGoodBackup() {
        var backups = hourly(3)
        backups[0].isSafetyCopy = true
        let last = plan(backups, RetentionRules(keepLast: 1))
        #expect(last.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h2"])
        #expect(reasons(last, "h1") == ["safety copy, for 14d"])
        #expect(reasons(last, "h2").contains("newest good") && reasons(last, "h2").contains("last 1"))
        // Not for ever, and where there is nothing else it is what there is.
        for index in backups.indices { backups[index].createdAt -= 15 * 86_400 }
        #expect(plan(backups, RetentionRules(keepLast: 2)).drops.map(\.id) == ["h1"])
        #expect(plan([backups[0]], RetentionRules(keepLast: 1)).drops.isEmpty)
        // Nor does it show a loss of keys.
        backups[0].liveKeys = 1
        #expect(plan(backups, RetentionRules(keepLast: 2)).frozen.isEmpty)
    }

    @Test func keepsOldAndNewIdentityApart() {
        let reborn = RetentionIdentity(clusterPath: "local/alpha", uid: "two")
        let old = hourly(50, of: RetentionIdentity(clusterPath: "local/alpha", uid: "one"))
            .map { candidate in
                var candidate = candidate
                candidate.createdAt -= 30 * 86_400
                return candidate
            }
        let plan = plan(hourly(50, of: reborn) + old, RetentionRules(keepLast: 3))
        let kept = plan.decisions.filter(\.keep).map(\.candidate.id)
        #expect(kept.sorted() == ["one1", "one2", "one3", "two1", "two2", "two3"])
    }

    @Test func keepsTheNewestVerifiedAndTheNewest() {
        var backups = hourly(10, verified: false)
        backups[8].verifiedLevel = .drilled
        let plan = plan(backups, RetentionRules(maxAge: 60))
        #expect(plan.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h9"])
        #expect(reasons(plan, "h9") == ["newest verified good"])
        #expect(reasons(plan, "h2") == ["older than 1m"])
    }

    @Test func countsNothingThatIsUnsound() {
        var backups = hourly(6)
        backups[0].problems = ["it is cut"]
        backups[5].problems = ["it is cut"]
        let counted = plan(backups, RetentionRules(keepLast: 2))
        #expect(counted.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h2", "h3", "h6"])
        #expect(reasons(counted, "h1") == ["unreadable: it is cut"])
        // Only age drops it, and only below something sound.
        let aged = plan(backups, RetentionRules(keepLast: 2, maxAge: 1800))
        #expect(aged.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h2"])
    }

    @Test func keepsWhatIsFromTheFuture() {
        var backups = hourly(4)
        backups[0].createdAt = Self.now.addingTimeInterval(301)
        let plan = plan(backups, RetentionRules(keepLast: 1))
        #expect(plan.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h2"])
        #expect(reasons(plan, "h1") == ["in the future"])
    }

    @Test func freezesUntilSomebodyLooks() throws {
        var backups = hourly(20)
        for index in 0..<5 { backups[index].liveKeys = 499 }
        let frozen = plan(backups, RetentionRules(keepLast: 1))
        #expect(frozen.drops.isEmpty)
        let freeze = try #require(frozen.frozen.first)
        #expect(freeze.backupID == "h5" && freeze.keysBefore == 1000 && freeze.keysAfter == 499)
        #expect(reasons(frozen, "h20") == ["frozen: local/alpha: live keys fell from 1000 to 499 in backup h5"])
        let seen = RetentionAcknowledgement(identity: alpha, backupID: "h5", backupCreatedAt: backups[4].createdAt)
        let going = plan(backups, RetentionRules(keepLast: 1), [seen])
        #expect(going.drops.count == 18)
        // Between h4 and h6 the same fall would show again.
        #expect(reasons(going, "h5") == ["acknowledged loss of keys"])
        #expect(plan(Array(backups[..<5]), RetentionRules(keepLast: 1), [seen]).drops.count == 4)
        let early = RetentionAcknowledgement(identity: alpha, backupID: "h6", backupCreatedAt: backups[5].createdAt)
        #expect(!plan(backups, RetentionRules(keepLast: 1), [early]).frozen.isEmpty)
        for index in 0..<5 { backups[index].liveKeys = 500 }
        #expect(plan(backups, RetentionRules(keepLast: 1)).frozen.isEmpty)
    }

    @Test func dropsAShareAtATimeAndTheOldestFirst() {
        let first = plan(hourly(10), RetentionRules(keepLast: 1), share: 0.5)
        #expect(first.drops.map(\.id) == ["h10", "h9", "h8", "h7", "h6"])
        #expect(reasons(first, "h5") == ["later: at most 5 in one run"])
        #expect(plan(hourly(2), RetentionRules(keepLast: 1), share: 0).drops.count == 1)
    }

    @Test func keepsParentsAndDropsChildrenFirst() {
        var backups = hourly(6)
        backups[0].parent = "h3"
        backups[2].parent = "h5"
        backups[3].parent = "h6"
        let plan = plan(backups, RetentionRules(keepLast: 1))
        #expect(plan.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h3", "h5"])
        #expect(reasons(plan, "h5") == ["parent of h3"])
        #expect(plan.drops.map(\.id) == ["h4", "h6", "h2"])
        // A circle is nobody's fault that losing data would mend.
        backups[0].parent = "h1"
        #expect(self.plan(backups, RetentionRules(keepLast: 1)).drops.count == 5)
    }

    @Test func letsACompleteOneStandForItsDay() {
        var backups = hourly(30)
        for index in backups.indices { backups[index].isComplete = index == 5 || index == 20 }
        let plan = plan(backups, RetentionRules(keepDaily: 2))
        #expect(plan.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h6", "h21"])
        #expect(reasons(plan, "h1") == ["newest, though partial"])
        let last = self.plan(backups, RetentionRules(keepLast: 2))
        #expect(last.decisions.filter(\.keep).map(\.candidate.id) == ["h1", "h2", "h6", "h21"])
    }

    @Test func keepsDaysOfTheZone() throws {
        // 24 November 2026, 09:20 in Berlin; backups at 23:30 and 00:30 there.
        let berlin = try TimeZoneRules(named: "Europe/Berlin")
        let times = ["2026-11-22T22:30:00Z", "2026-11-22T23:30:00Z", "2026-11-23T22:30:00Z", "2026-11-23T23:30:00Z"]
        let backups = try times.enumerated().map {
            RetentionCandidate(id: "\($0)", createdAt: try utc($1), identity: alpha)
        }
        let plan = RetentionPlanner.plan(
            candidates: backups, rules: RetentionRules(keepDaily: 2), zone: berlin,
            now: try utc("2026-11-24T09:00:00Z"),
            options: RetentionOptions(largestShare: 1))
        #expect(plan.decisions.filter(\.keep).map(\.candidate.id) == ["3", "2"])
        #expect(reasons(plan, "3") == ["daily 2026-11-24", "newest good"])
    }

    @Test func isQuickWithALargeCatalog() {
        var backups: [RetentionCandidate] = []
        for cluster in 0..<20 {
            backups += hourly(1000, of: RetentionIdentity(clusterPath: "local/c\(cluster)", uid: "\(cluster)-"))
        }
        let plan = plan(backups, RetentionRules(keepLast: 3, keepDaily: 7, keepWeekly: 4), share: 0.5)
        #expect(plan.drops.count == 20 * 500)
    }
}
