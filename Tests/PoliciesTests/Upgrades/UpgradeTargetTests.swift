import Foundation
import Testing

@testable import Policies

@Suite struct UpgradeTargetTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func decide(
        _ spec: String, at current: String = "v1.33.5+k3s1", catalog: VersionCatalog? = nil, host: String = "1.34"
    ) throws -> UpgradeDecision {
        try plan([policy(spec, in: scratch)], [cluster(at: current)], catalog: catalog, host: host).decision("blue")
    }

    @Test(arguments: [
        ("target: {channel: stable}", "v1.33.5+k3s1", "v1.34.5+k3s1"),
        ("target: {range: ~1.33}", "v1.33.2+k3s1", "v1.33.5+k3s1"),
        ("target: {range: \">=1.30 <1.34\"}", "v1.31.5+k3s1", "v1.33.5+k3s1"),
        ("target: {version: \"v1.34.2+k3s1\"}", "v1.34.1+k3s1", "v1.34.2+k3s1"),
        ("target: {behind: {channel: stable, minors: 1}}", "v1.32.5+k3s1", "v1.33.5+k3s1"),
        ("target: {channel: stable, deny: [\"v1.34.5+k3s1\"]}", "v1.34.1+k3s1", "v1.34.4+k3s1"),
        // All of the newest minor denied: what is left below it.
        ("target: {channel: stable, deny: [~1.34]}", "v1.32.1+k3s1", "v1.33.5+k3s1"),
    ])
    func leadsTo(_ spec: String, _ current: String, _ target: String) throws {
        let decision = try decide("\(spec)\nskew: {knownIssues: warn}", at: current)
        #expect(decision.target == K3sVersion(target))
        #expect(decision.verdict == .upgrade, "\(decision.reasons)")
    }

    @Test func neverGoesDown() throws {
        let above = try decide("target: {version: \"v1.32.5+k3s1\"}", at: "v1.33.1+k3s1")
        #expect(above.verdict == .upToDate && above.reason.rule == .neverDown && above.ladder.isEmpty)
        let there = try decide("target: {channel: stable}", at: "v1.34.5+k3s1")
        #expect(there.verdict == .upToDate && there.reason.rule == .atTarget)
        // stable that fell back, as it did in 2026, moves nothing.
        let fallen = try decide("", at: "v1.34.5+k3s1", catalog: testCatalog(stable: "v1.29.3+k3s1"))
        #expect(fallen.verdict == .upToDate && fallen.reason.rule == .neverDown)
    }

    @Test func candidatesAreNoTarget() throws {
        let catalog = VersionCatalog(
            releases: [.init(try version("v1.34.6-rc1+k3s1")), .init(try version("v1.34.5+k3s1"))],
            channels: ["stable": .init(latest: try version("v1.34.6-rc1+k3s1"))], isComplete: true)
        #expect(try decide("", catalog: catalog).target == version("v1.34.5+k3s1"))
        #expect(try decide("target: {range: ~1.34}", catalog: catalog).target == version("v1.34.5+k3s1"))
    }

    @Test func youngReleasesArePassedOver() throws {
        var catalog = try testCatalog()
        let young = VersionCatalog.Release(try version("v1.34.6+k3s1"), releasedAt: try utc("2026-11-20T00:00:00Z"))
        let unknown = VersionCatalog.Release(try version("v1.34.7+k3s1"))
        catalog = VersionCatalog(
            releases: catalog.releases + [young, unknown],
            channels: ["stable": .init(latest: try version("v1.34.7+k3s1"))], isComplete: true)
        let spec = "target: {channel: stable, minReleaseAge: 14d}"
        let decision = try decide(spec, catalog: catalog)
        #expect(try decision.target == version("v1.34.5+k3s1"))
        #expect(decision.notes.contains { $0.contains("v1.34.6+k3s1 is not 14d old before 2026-12-04T00:00:00Z") })
        #expect(decision.notes.contains { $0.contains("nobody knows when v1.34.7+k3s1 was released") })
        // Where nothing else is allowed, the day on which it is old enough is the next one.
        let only = try decide("target: {version: \"v1.34.6+k3s1\", minReleaseAge: 14d}", catalog: catalog)
        #expect(try only.verdict == .later && only.next == utc("2026-12-04T00:00:00Z"))
        #expect(only.reason.rule == .targetTooYoung && only.reason.origin?.line == 6)
    }

    @Test func whatIsNotPublishedOrBrokenIsRefused() throws {
        let releases = [
            VersionCatalog.Release(try version("v1.34.8+k3s1"), hasImage: false),
            VersionCatalog.Release(try version("v1.34.9+k3s1"), withdrawn: "crashes"),
            VersionCatalog.Release(try version("v1.26.0+k3s1")),
        ]
        let catalog = VersionCatalog(releases: releases, channels: [:], isComplete: true)
        for (version, rule) in [
            ("v1.34.8+k3s1", UpgradeRule.imageMissing), ("v1.34.9+k3s1", .targetDenied),
            ("v1.26.0+k3s1", .targetDenied),
            ("v1.34.7+k3s1", .targetUnknown),
        ] {
            let decision = try decide("target: {version: \"\(version)\"}", at: "v1.25.1+k3s1", catalog: catalog)
            #expect(decision.verdict == .blocked && decision.reason.rule == rule, "\(version)")
        }
        let channel = try decide("target: {channel: stabel}")
        #expect(channel.reason.rule == .targetUnknown && channel.reason.message.contains("perhaps stable is meant"))
        #expect(try decide("", catalog: .empty).reason.message.contains("no catalog with channels"))
    }

    @Test func aChannelThatFlapsIsNotFollowed() throws {
        func catalog(since: String) throws -> VersionCatalog {
            let known = try testCatalog()
            return VersionCatalog(
                releases: known.releases,
                channels: [
                    "stable": .init(
                        latest: try version("v1.34.4+k3s1"), since: try utc(since), highest: try version("v1.34.5+k3s1")
                    )
                ], isComplete: true)
        }
        let fresh = try decide("", catalog: catalog(since: "2026-11-25T11:00:00Z"))
        #expect(fresh.verdict == .later && fresh.reason.rule == .channelUnsettled)
        #expect(try fresh.next == utc("2026-11-26T11:00:00Z"))
        #expect(fresh.reason.message.contains("pointed at v1.34.5+k3s1 before"))
        #expect(try decide("", catalog: catalog(since: "2026-11-24T12:00:00Z")).verdict == .upgrade)
    }

    @Test func longWaysAreLadders() throws {
        let decision = try decide("", at: "v1.31.2+k3s1", host: "1.34")
        #expect(
            decision.ladder.map(\.to.description) == ["v1.32.5+k3s1", "v1.33.5+k3s1", "v1.34.5+k3s1"])
        #expect(decision.ladder.map(\.isMinor) == [true, true, true])
        // As far as the way goes, where that is no worse than now.
        let part = try decide("target: {channel: stable, deny: [~1.33]}", at: "v1.31.2+k3s1", host: "1.33")
        #expect(part.verdict == .upgrade && part.ladder.map(\.to.description) == ["v1.32.5+k3s1"])
        #expect(part.notes.contains { $0.contains("it goes no further than v1.32.5+k3s1 for now") })
        let gap = try decide("target: {channel: stable, deny: [~1.33]}", at: "v1.31.2+k3s1")
        #expect(gap.verdict == .blocked && gap.reason.rule == .ladderGap && gap.ladder.isEmpty)
        let stuck = try decide("target: {channel: stable, deny: [~1.33]}", at: "v1.32.5+k3s1")
        #expect(stuck.verdict == .blocked && stuck.reason.rule == .ladderGap && stuck.ladder.isEmpty)
    }

    /// Each step of each way: up, at most one minor, joined, never to what is not allowed.
    @Test func everyLadderIsClimbable() throws {
        var numbers = SeededNumbers(state: 21)
        for _ in 0..<2000 {
            var releases: [VersionCatalog.Release] = []
            for minor in 28...36 where Int.random(in: 0..<8, using: &numbers) > 0 {
                for patch in 0...Int.random(in: 0...3, using: &numbers) {
                    let candidate = Int.random(in: 0..<5, using: &numbers) == 0 ? "-rc1" : ""
                    releases.append(
                        .init(
                            try version("v1.\(minor).\(patch)\(candidate)+k3s1"),
                            releasedAt: try utc("2026-11-\(Int.random(in: 10...24, using: &numbers))T00:00:00Z"),
                            hasImage: Int.random(in: 0..<6, using: &numbers) > 0))
                }
            }
            guard let latest = releases.randomElement(using: &numbers)?.version else { continue }
            let catalog = VersionCatalog(
                releases: releases, channels: ["stable": .init(latest: latest)], isComplete: true)
            let current = try version("v1.\(Int.random(in: 28...36, using: &numbers)).1+k3s1")
            let host = Int.random(in: 28...36, using: &numbers)
            let decision = try decide(
                "target: {channel: stable, minReleaseAge: 7d}", at: current.description, catalog: catalog,
                host: "1.\(host)")
            var last = current
            for step in decision.ladder {
                #expect(step.from == last && step.to > last)
                #expect((0...1).contains(step.to.minor.minor - last.minor.minor))
                let release = try #require(catalog.release(step.to))
                #expect(release.hasImage == true && !release.version.isPrerelease && step.to <= latest)
                #expect(try release.releasedAt.map { $0 <= (try utc("2026-11-18T12:00:00Z")) } == true)
                #expect(step.to.minor.minor <= host + 1)
                last = step.to
            }
            if let end = decision.ladder.last {
                #expect(
                    !KnownReleases.isKnownIssue(virtual: end.to.minor, host: KubernetesMinor(major: 1, minor: host)))
            }
            #expect(decision.verdict != .upgrade || !decision.ladder.isEmpty)
        }
    }

    @Test func staysNearItsHost() throws {
        let ahead = try decide("target: {channel: stable}", at: "v1.33.5+k3s1", host: "1.32")
        #expect(ahead.verdict == .blocked && ahead.reason.rule == .skew)
        #expect(ahead.reason.message.contains("upgrade the host first"))
        let partly = try decide("target: {channel: stable}", at: "v1.31.5+k3s1", host: "1.32")
        #expect(partly.ladder.last?.to.description == "v1.33.5+k3s1" && partly.verdict == .upgrade)
        #expect(partly.notes.contains { $0.contains("it goes no further than v1.33.5+k3s1 for now") })
        let loose = try decide("skew: {maxNewer: 2}", at: "v1.33.5+k3s1", host: "1.32")
        #expect(loose.verdict == .upgrade)
        let old = try decide("target: {range: ~1.29}", at: "v1.28.5+k3s1", host: "1.33")
        #expect(old.verdict == .upgrade && old.notes.contains { $0.contains("4 minors older than its host") })
    }

    @Test func knownIssuesWithTheHost() throws {
        let bad = try decide("target: {range: ~1.33}", at: "v1.32.5+k3s1", host: "1.34")
        #expect(bad.verdict == .blocked && bad.reason.rule == .knownIssue)
        // On the way out of it, a rung may lie in it.
        #expect(try decide("target: {channel: stable}", at: "v1.32.5+k3s1", host: "1.34").verdict == .upgrade)
        let warned = try decide("target: {range: ~1.33}\nskew: {knownIssues: warn}", at: "v1.32.5+k3s1", host: "1.34")
        #expect(warned.verdict == .upgrade && warned.notes.contains { $0.contains("known not to work") })
    }

    @Test func theSyncersRange() throws {
        var blue = cluster(at: "v1.27.1+k3s1")
        blue.syncerVersion = "0.15.7"
        let target = "target: {range: ~1.28}"
        let warned = try plan([policy(target, in: scratch)], [blue], host: "1.28").decision("blue")
        #expect(warned.verdict == .upgrade && warned.notes.contains { $0.contains("vcluster 0.15.7 was made") })
        let denied = try plan([policy("\(target)\nskew: {syncer: deny}", in: scratch)], [blue], host: "1.28")
        #expect(try denied.decision("blue").reason.rule == .syncer)
        #expect(KnownReleases.newestMinor(forSyncer: "0.22.1") == KubernetesMinor(major: 1, minor: 31))
        #expect(
            KnownReleases.newestMinor(forSyncer: "0.33.0") == nil && KnownReleases.newestMinor(forSyncer: "1.0") == nil)
    }

    @Test func aHostThatDidNotAnswer() throws {
        let decision = try plan([policy("", in: scratch)], [cluster(host: "other")]).decision("blue")
        #expect(decision.verdict == .blocked && decision.reason.rule == .hostUnknown)
    }
}
