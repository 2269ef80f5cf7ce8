import Foundation
import Testing

/// A rollout of three minors from its first day to its last, as a policy for people's clusters has it.
@Suite("A whole rollout", .timeLimit(.minutes(60)))
struct WholeRolloutTests {
    private static let policy = """
        target: {channel: stable}
        windows:
          - {days: [mon, tue, wed, thu], start: "22:00", duration: 4h, timeZone: Europe/Berlin}
          - {days: [fri], start: "18:00", duration: 8h, timeZone: America/New_York}
        freezes: [{from: "2027-03-17", to: "2027-03-17", timeZone: Europe/Berlin, reason: the books are closed}]
        estimatedDuration: 10m
        waves:
          - {name: canary, select: {matchLabels: {tier: canary}}, soak: 1h}
          - {name: first, percent: 25, soak: 1h, approvals: {validFor: 8h}}
          - {name: second, percent: 25}
          - {name: third, percent: 25}
        concurrency: {total: 4, perHost: 2}
        failureBudget: {clusters: 1}
        soak: 20m
        """
    private let rollout: RolloutFixture
    /// The clusters; the first two are the canaries, one on each host.
    private let clusters: [String]
    private let neverReady: String
    private let damaged: String
    private let old = RolloutFixture.releases[0]
    /// Sixty take an hour: a run of its own, where somebody asks for it.
    private static let count =
        ProcessInfo.processInfo.environment["DAYTWO_TEST_ROLLOUT_CLUSTERS"].flatMap { Int($0) } ?? 8

    init() throws {
        rollout = try RolloutFixture(hosts: 2, clusters: Self.count, policy: Self.policy)
        let all = try rollout.versions()
        #expect(all.count == Self.count && all.values.allSatisfy { $0 == RolloutFixture.releases[0] })
        let canaries = ["one/vc-blue/blue", "two/vc-green/green"]
        for canary in canaries {
            let (host, namespace, name) = RolloutFixture.parts(canary)
            #expect(
                try rollout.host.kubectl("-n", namespace, "label", "statefulset", name, "tier=canary", host: host).code
                    == 0)
        }
        clusters = canaries + all.keys.filter { !canaries.contains($0) }.sorted()
        // In waves that have another one as well: one that nobody comes through proves nothing.
        let waves = try rollout.plan().compactMapValues { $0["wave"] as? String }
        neverReady = try #require(clusters.first { waves[$0] == "third" })
        damaged = try #require(clusters.first { waves[$0] == "rest" })
    }

    @Test("Clusters on two hosts go up three minors as their policy says; two fail, and have their data")
    func fromTheFirstDayToTheLast() throws {
        let secrets = try Dictionary(uniqueKeysWithValues: clusters.map { ($0, try rollout.secrets($0)) })
        try rollout.fault("pod-never-ready", on: neverReady, value: "v1.23.6-k3s1")
        try rollout.fault("corrupt-database", on: damaged, value: "v1.22.4-k3s1")

        try outsideOfWindows()
        try canariesAndTheirApproval()
        try freeze()
        try theRest()

        let versions = try rollout.versions()
        for cluster in clusters {
            let expected =
                switch cluster {
                case neverReady: RolloutFixture.releases[1]
                case damaged: old
                default: RolloutFixture.releases[3]
                }
            #expect(versions[cluster] == expected, "\(cluster)")
            try rollout.expectWhole(cluster, on: expected, secrets: secrets[cluster])
        }
        try explained()
        try recorded()
        try released()
    }

    // MARK: Day by day

    private func outsideOfWindows() throws {
        #expect(try rollout.run() == [])
        let plan = try rollout.plan()
        #expect(RolloutFixture.verdict(try #require(plan[clusters[0]])) == "later window")
        #expect(plan[clusters[0]]?["next"] as? String == "2027-03-15T21:00:00Z")
    }

    /// Monday's night: the canaries, up to the yes that nobody has given.
    private func canariesAndTheirApproval() throws {
        let canaries = clusters.prefix(2).map { "\($0) upgraded" }
        for time in ["2027-03-15T21:00:00Z", "2027-03-15T22:10:00Z", "2027-03-15T23:20:00Z"] {
            try rollout.set(time)
            #expect(try rollout.run() == canaries, "\(time)")
        }
        try rollout.set("2027-03-16T00:30:00Z")
        #expect(try rollout.run() == [], "nobody has said yes")
        let first = try #require(try rollout.plan().first { $0.value["wave"] as? String == "first" })
        #expect(RolloutFixture.verdict(first.value) == "blocked approval")
        // A yes that is given too early counts no more when its time comes.
        try rollout.set("2027-03-16T12:00:00Z")
        #expect(try rollout.daytwo("upgrade", "approve", "shop", "--wave", "first").code == 0)
        try rollout.set("2027-03-16T21:10:00Z")
        #expect(try rollout.run() == [])
        let expired = try rollout.daytwo("policy", "explain", first.key)
        #expect(expired.text.contains("has expired"), "\(expired.text)")
        #expect(try rollout.daytwo("upgrade", "approve", "shop", "--wave", "first").code == 0)
    }

    /// The freeze begins at midnight in Berlin, in the midst of Tuesday's window.
    private func freeze() throws {
        try rollout.set("2027-03-16T21:20:00Z")
        let first = try rollout.run()
        #expect(!first.isEmpty && first.allSatisfy { $0.hasSuffix(" upgraded") }, "\(first)")
        try rollout.set("2027-03-16T22:51:00Z")
        #expect(try rollout.run() == [], "none would end before the freeze")
        try rollout.set("2027-03-17T21:30:00Z")
        #expect(try rollout.run() == [], "a freeze beats a window")
        let frozen = try rollout.plan().values.filter { RolloutFixture.verdict($0) == "later freeze" }
        #expect(!frozen.isEmpty && frozen.allSatisfy { $0["next"] as? String == "2027-03-17T23:00:00Z" }, "\(frozen)")
        #expect(try rollout.daytwo("upgrade", "approve", "shop", "--wave", "first").code == 0)
    }

    /// Whenever the plan says that something is next.
    private func theRest() throws {
        var failed: [String] = []
        for _ in 0..<5 * Self.count {
            let plan = try rollout.plan()
            let times = try plan.values.filter { $0["verdict"] as? String == "later" }
                .compactMap { $0["next"] as? String }.map(RolloutFixture.date)
            if !plan.values.contains(where: { $0["verdict"] as? String == "upgrade" }) {
                guard let next = times.min() else { break }
                rollout.now = max(next, rollout.now)
            }
            if plan.values.contains(where: { RolloutFixture.verdict($0).hasSuffix(" approval") }) {
                #expect(try rollout.daytwo("upgrade", "approve", "shop", "--wave", "first").code == 0)
            }
            let run = try rollout.daytwo(arguments: RolloutFixture.runWords)
            let items = try #require(try run.json()["items"] as? [[String: Any]])
            let back = items.filter { $0["result"] as? String == "rolled back" }.compactMap { $0["cluster"] as? String }
            #expect(run.code == (back.isEmpty ? 0 : 8), "\(run.code) \(run.text)\(run.errors)")
            #expect(items.count <= Self.count)
            failed += back
        }
        #expect(failed.sorted() == [neverReady, damaged].sorted())
    }

    // MARK: What is said of it

    private func explained() throws {
        #expect(try rollout.quarantined() == [neverReady, damaged].sorted())
        let plan = try rollout.plan()
        for cluster in clusters {
            let isBad = [neverReady, damaged].contains(cluster)
            let verdict = RolloutFixture.verdict(try #require(plan[cluster]))
            #expect(verdict == (isBad ? "blocked quarantine" : "upToDate atTarget"), "\(cluster)")
        }
        let explained = try rollout.daytwo("policy", "explain", neverReady)
        #expect(explained.text.contains("not ready") && explained.text.contains("upgrade release"), "\(explained.text)")
    }

    /// Who did what when, against the policy: every step within a window and outside of the freeze, in the waves' order, with
    /// an end; and in the audit log.
    private func recorded() throws {
        let rows = try rollout.events("at, event, cluster, version, policy, user")
        let started = rows.filter { $0[1] == "started" }
        let ended = rows.filter { ["succeeded", "rolledBack", "failed"].contains($0[1]) }
        // All but two three steps, one that came to its second, one that came to its first.
        let steps = 3 * (Self.count - 2) + 3
        #expect(started.count == steps && ended.count == steps)
        for row in started {
            let at = Date(timeIntervalSince1970: (Double(row[0]) ?? 0) / 1000)
            #expect(isAllowed(at), "\(row) \(RolloutFixture.text(at))")
            #expect(row[4] == "shop" && !row[5].isEmpty)
            #expect(ended.count { $0[2] == row[2] && $0[3] == row[3] } == 1, "\(row)")
        }
        #expect(rows.filter { $0[1] == "quarantined" }.map { $0[2] }.sorted() == [neverReady, damaged].sorted())
        #expect(rows.filter { $0[1] == "approved" }.count >= 3)
        let waves = try rollout.plan().compactMapValues { $0["wave"] as? String }
        let order = ["canary", "first", "second", "third", "rest"]
        let all = Dictionary(grouping: clusters) { order.firstIndex(of: waves[$0] ?? "") ?? 9 }
        for (number, row) in rows.enumerated() where row[1] == "started" {
            let wave = order.firstIndex(of: waves[row[2]] ?? "") ?? 9
            let earlier = (0..<wave).flatMap { all[$0] ?? [] }.filter { ![neverReady, damaged].contains($0) }
            for cluster in earlier {
                #expect(
                    rows[..<number].contains { $0[1] == "succeeded" && $0[2] == cluster && $0[3] == row[3] },
                    "\(row) before \(cluster)")
            }
        }
        let audit = try rollout.commands.sql(
            "SELECT target || ' ' || verb || ' ' || result FROM audit_log WHERE verb IN ('start upgrade', 'upgrade')"
        ).split(separator: "\n").map(String.init)
        for cluster in clusters {
            let steps = started.count { $0[2] == cluster }
            let bad = [neverReady, damaged].contains(cluster) ? 1 : 0
            #expect(audit.count { $0 == "\(cluster) start upgrade running" } == steps, "\(cluster)")
            #expect(audit.count { $0 == "\(cluster) upgrade succeeded" } == steps - bad, "\(cluster)")
            #expect(audit.count { $0 == "\(cluster) upgrade failed" } == bad, "\(cluster) \(audit)")
        }
    }

    /// A window of the policy, without the freeze, on these days.
    private func isAllowed(_ at: Date) -> Bool {
        let text = RolloutFixture.text(at)
        guard text < "2027-03-16T23:00" || text >= "2027-03-17T23:00" else { return false }
        let hour = Int(text.dropFirst(11).prefix(2)) ?? 0
        switch text.prefix(10) {
        // Berlin is one hour before UTC, New York four behind.
        case "2027-03-15": return hour >= 21
        case "2027-03-16", "2027-03-17", "2027-03-18": return hour < 1 || hour >= 21
        case "2027-03-19": return hour < 1 || hour >= 22
        case "2027-03-20": return hour < 6
        default: return false
        }
    }

    /// Released, what stood in the way put right, one goes on; and the copies go when their time is over.
    private func released() throws {
        try rollout.host.fault(["--clear"])
        #expect(!rollout.copies().isEmpty)
        #expect(try rollout.daytwo("upgrade", "release", neverReady).code == 0)
        try rollout.set("2027-03-22T21:00:00Z")
        #expect(try rollout.run() == ["\(neverReady) upgraded"])
        rollout.now += 3600
        #expect(try rollout.run() == ["\(neverReady) upgraded"])
        rollout.now += 3600
        #expect(try rollout.run() == [])
        #expect(try rollout.verdict(neverReady) == "upToDate atTarget")
        #expect(rollout.copies() == [])
        for cluster in clusters {
            #expect(try !rollout.workload(cluster, ".metadata.annotations").contains("daytwo.dev"), "\(cluster)")
        }
    }
}
