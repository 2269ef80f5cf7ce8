import Failures
import Foundation
import Monitoring
import Testing

@Suite struct ConditionTests {
    @Test func `a healthy fleet has none`() {
        #expect(healthyFleet().conditions(at: noon) == [])
        #expect(MonitorCheck(healthyFleet(), at: noon).level == .ok)
        #expect(MonitorCheck(healthyFleet(), at: noon).line == "DAYTWO OK - 1 clusters, nothing overdue")
    }

    @Test func `a backup is overdue from its due time on, and not before`() throws {
        let fleet = healthyFleet()
        let due = noon.adding(.seconds(3600))
        #expect(fleet.clusters[0].dueAt == due)
        #expect(kinds(fleet, at: due.addingTimeInterval(-1)).contains(.overdue) == false)
        let found = try #require(fleet.conditions(at: due).first { $0.kind == .overdue })
        #expect(found.severity == .critical)
        #expect(found.since == due)
        #expect(
            found.sentence
                == "the newest backup of local/shop is of 2026-11-22T10:00:00Z, and one was due by 2026-11-22T12:00:00Z"
        )
        #expect(found.next == "Run: daytwo schedule trigger hourly")
    }

    @Test func `without an objective nothing is overdue`() {
        let fleet = with { $0.rpo = nil }
        #expect(!kinds(fleet, at: .distantFuture).contains(.overdue))
        #expect(fleet.clusters[0].dueAt == nil)
    }

    @Test func `a partial backup counts for the objective, and is told`() throws {
        let fleet = with {
            $0.lastCompleteBackupAt = noon.adding(.seconds(-90000))
            $0.lastRun = .init(exitCode: 3, at: noon)
        }
        let found = try #require(fleet.conditions(at: noon).first)
        #expect(kinds(fleet) == [.partial])
        #expect(found.severity == .warning)
        #expect(found.sentence.contains("the newest complete one is of 2026-11-21T10:00:00Z"))
        #expect(with { $0.lastCompleteBackupAt = nil }.conditions(at: noon).first?.sentence.contains("none is") == true)
    }

    @Test func `a cluster that was never backed up has until its objective passes`() {
        func status(firstSeen: Duration, rpo: Duration?) -> Condition? {
            var cluster = ClusterStatus(
                cluster: "local/new", schedule: "hourly", firstSeenAt: noon.adding(.zero - firstSeen), rpo: rpo)
            cluster.verificationEvery = .seconds(1)
            cluster.drillEvery = .seconds(1)
            let found = healthyFleet([cluster]).conditions(at: noon)
            // Nothing to verify or drill yet: one condition says it all.
            #expect(found.map(\.kind) == [.neverBackedUp])
            return found.first
        }
        #expect(status(firstSeen: .seconds(3599), rpo: .seconds(3600))?.severity == .ok)
        #expect(status(firstSeen: .seconds(3600), rpo: .seconds(3600))?.severity == .critical)
        #expect(status(firstSeen: .zero, rpo: nil)?.severity == .warning)
    }

    @Test func `a suspended schedule is shown, and what is overdue is a warning that says so`() throws {
        let fleet = with {
            $0.isSuspended = true
            $0.suspensionReason = "moving house"
        }
        #expect(kinds(fleet) == [.suspended])
        #expect(fleet.conditions(at: noon)[0].severity == .ok)
        #expect(fleet.conditions(at: noon)[0].sentence.contains("moving house"))
        #expect(MonitorCheck(fleet, at: noon).level == .ok)
        let later = try #require(fleet.conditions(at: noon.adding(.seconds(4000))).first { $0.kind == .overdue })
        #expect(later.severity == .warning)
        #expect(later.sentence.hasSuffix("(suspended)"))
        let never = with {
            $0.isSuspended = true
            $0.lastBackupAt = nil
        }
        #expect(never.conditions(at: noon).map(\.severity) == [.warning, .ok])
    }

    @Test(
        arguments: [
            (0, nil), (1, .warning), (3, nil), (4, .warning), (5, .critical), (6, .warning), (7, .warning),
            (8, .critical),
            (9, .critical), (10, .warning), (130, .warning),
        ] as [(Int32, Condition.Severity?)]) func `how the last run ended is told from its exit code`(
            code: Int32, severity: Condition.Severity?
        )
    {
        let found = with { $0.lastRun = .init(exitCode: code, at: noon, jobID: "42", what: "no room") }
            .conditions(at: noon)
        #expect(found.first?.severity == severity)
        if severity != nil {
            #expect(found[0].kind == .lastFailed)
            #expect(found[0].sentence.hasSuffix("ended with exit code \(code): no room"))
            #expect(found[0].next == "Run: daytwo jobs show 42")
        }
    }

    @Test func `a verification must reach the promised level in time`() {
        let stored = with { $0.lastVerifiedAt = [.stored: noon] }
        #expect(kinds(stored) == [.notVerified])
        #expect(stored.conditions(at: noon)[0].sentence.contains("(level opened) yet"))
        #expect(kinds(with { $0.lastVerifiedAt = [.opened: noon.adding(.seconds(-86400))] }) == [.notVerified])
        #expect(kinds(with { $0.lastVerifiedAt = [.opened: noon.adding(.seconds(-86399))] }) == [])
        // A higher level proves the lower one.
        #expect(
            kinds(
                with {
                    $0.verificationLevel = .stored
                    $0.lastVerifiedAt = [.opened: noon]
                }) == [])
        #expect(
            kinds(
                with {
                    $0.verificationEvery = nil
                    $0.lastVerifiedAt = [:]
                }) == [])
        // What was promised yesterday is not late today.
        #expect(
            kinds(
                with {
                    $0.firstSeenAt = noon.adding(.seconds(-86399))
                    $0.lastVerifiedAt = [:]
                }) == [])
    }

    @Test func `drills have their own promise`() {
        #expect(kinds(with { $0.lastDrillAt = nil }) == [.notDrilled])
        #expect(kinds(with { $0.lastDrillAt = noon.adding(.seconds(-7 * 86400)) }) == [.notDrilled])
        #expect(
            kinds(
                with {
                    $0.lastDrillAt = nil
                    $0.drillEvery = nil
                }) == [])
    }

    @Test func `frozen pruning and wrong clocks are warnings`() {
        let fleet = with {
            $0.pruneFrozenReason = "12 objects instead of 4711"
            $0.backupsFromTheFuture = 2
        }
        #expect(kinds(fleet) == [.pruneFrozen, .clockSuspicious])
        #expect(fleet.conditions(at: noon).allSatisfy { $0.severity == .warning })
        #expect(fleet.conditions(at: noon)[0].sentence.contains("12 objects instead of 4711"))
    }

    @Test func `a scheduler that was not heard of is silent`() {
        var fleet = healthyFleet()
        #expect(kinds(fleet, at: noon.adding(.seconds(889))) == [])
        #expect(kinds(fleet, at: noon.adding(.seconds(890))) == [.schedulerSilent])
        fleet.scheduler?.lastPassAt = nil
        #expect(fleet.conditions(at: noon).map(\.severity) == [.critical])
        // Without schedules of ours none is expected.
        fleet.scheduler = nil
        #expect(kinds(fleet) == [])
    }

    @Test func `what concerns the whole fleet is told, the worst first`() {
        var bad = healthyCluster("local/zoo")
        bad.lastBackupAt = noon.adding(.seconds(-90000))
        bad.lastCompleteBackupAt = bad.lastBackupAt
        var worse = bad
        worse.cluster = "local/bar"
        var fleet = healthyFleet([bad, healthyCluster(), worse])
        fleet.uncovered = [.init(cluster: "local/lost"), .init(cluster: "local/found", lastBackupAt: noon)]
        fleet.storeProblems = [.init(store: "vault", why: "not mounted")]
        fleet.undecidedJobs = [.init(id: "7", kind: "restore", cluster: "local/shop", since: noon)]
        fleet.failingEndpoints = [.init(endpoint: "chat", since: noon, why: "no answer")]
        let found = fleet.conditions(at: noon)
        #expect(
            found.map { "\($0.kind.rawValue) \($0.cluster ?? "-")" } == [
                "overdue local/bar", "overdue local/zoo", "needsDecision local/shop", "storeUnreachable -",
                "uncovered local/found", "uncovered local/lost", "notificationsFailing -",
            ])
        #expect(found.allSatisfy { !$0.sentence.hasSuffix(".") && !$0.next.isEmpty })
        let check = MonitorCheck(fleet, at: noon)
        #expect(check.level == .critical)
        #expect(
            check.line
                == "DAYTWO CRITICAL - 2 overdue (local/bar, local/zoo); 1 needsDecision (local/shop); "
                + "1 storeUnreachable; 2 uncovered (local/found, local/lost); 1 notificationsFailing")
    }

    @Test func `a check names a few of many, in one line`() {
        let fleet = healthyFleet(
            (1...9).map { number in
                var cluster = healthyCluster("local/c\(number)")
                cluster.lastVerifiedAt = [:]
                return cluster
            })
        let check = MonitorCheck(fleet, at: noon)
        #expect(check.level == .warning)
        #expect(check.line == "DAYTWO WARNING - 9 notVerified (local/c1, local/c2, local/c3, …)")
        #expect(check.level.rawValue == 1)
    }

    @Test func `what is not known is unknown, and never well`() {
        #expect(MonitorCheck(FleetStatus(version: "0.1.0"), at: noon).level == .unknown)
        let broken = MonitorCheck(Failure(.failed, "the state cannot be read", why: "line one\nline two"))
        #expect(broken.level.rawValue == 3)
        #expect(broken.line == "DAYTWO UNKNOWN - the state cannot be read: line one line two")
    }

    private func with(_ change: (inout ClusterStatus) -> Void) -> FleetStatus {
        var cluster = healthyCluster()
        change(&cluster)
        return healthyFleet([cluster])
    }

    private func kinds(_ fleet: FleetStatus, at now: Date = noon) -> [Condition.Kind] {
        fleet.conditions(at: now).map(\.kind)
    }
}
