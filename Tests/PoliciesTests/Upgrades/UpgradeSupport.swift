import Failures
import Foundation
import JSONValues
import Testing

@testable import Policies

/// A policy from the lines of its `spec`, with what every policy needs where they lack it.
func policy(_ spec: String = "", name: String = "one", in scratch: Scratch) throws -> UpgradePolicy {
    try policies([(name, spec)], in: scratch)[0]
}

/// Several policies from one file.
func policies(_ specs: [(name: String, spec: String)], in scratch: Scratch) throws -> [UpgradePolicy] {
    let path = try scratch.write(specs.map { policyText($0.spec, name: $0.name) }.joined(), to: "policy.yaml")
    return try UpgradeDocuments.load(paths: [path]).policies
}

/// The head takes five lines, `spec` begins in the sixth.
func policyText(_ spec: String, name: String = "one") -> String {
    var lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if !lines.contains(where: { $0.hasPrefix("select:") }) { lines.append("select: {all: true}") }
    if !lines.contains(where: { $0.hasPrefix("target:") }) { lines.append("target: {channel: stable}") }
    return """
        ---
        apiVersion: daytwo/v1
        kind: UpgradePolicy
        metadata: {name: \(name)}
        spec:
        \(lines.filter { !$0.isEmpty }.map { "  " + $0 }.joined(separator: "\n"))

        """
}

func version(_ text: String) throws -> K3sVersion { try #require(K3sVersion(text)) }

/// The newest patch of each minor is 5, released at the beginning of 2026; `stable` points at 1.34.
func testCatalog(stable: String = "v1.34.5+k3s1") throws -> VersionCatalog {
    var releases: [VersionCatalog.Release] = []
    for minor in 28...35 {
        for patch in 1...5 {
            releases.append(
                .init(try version("v1.\(minor).\(patch)+k3s1"), releasedAt: try utc("2026-01-01T00:00:00Z")))
        }
    }
    return VersionCatalog(
        releases: releases, channels: ["stable": .init(latest: try version(stable))], isComplete: true)
}

func cluster(
    _ name: String = "blue", at text: String = "v1.33.5+k3s1", host: String = "prod", namespace: String? = "team",
    labels: [String: String] = [:]
) -> UpgradeCluster {
    var cluster = UpgradeCluster(host: host, namespace: namespace, name: name, version: K3sVersion(text))
    cluster.labels = labels
    return cluster
}

/// A plan on a host of 1.34, at noon of a Wednesday.
func plan(
    _ policies: [UpgradePolicy], _ clusters: [UpgradeCluster], catalog: VersionCatalog? = nil, host: String = "1.34",
    history: UpgradeHistory = UpgradeHistory(), at: String = "2026-11-25T12:00:00Z"
) throws -> UpgradePlan {
    let minor = try #require(KubernetesMinor(host))
    return UpgradePlanner(
        UpgradeInputs(
            policies: policies, clusters: clusters, hosts: ["prod": minor, "lab": minor],
            catalog: try catalog ?? testCatalog(), history: history, now: try utc(at))
    ).plan()
}

extension UpgradePlan {
    func decision(_ name: String) throws -> UpgradeDecision {
        try #require(decisions.first { $0.cluster.hasSuffix("/\(name)") })
    }

    /// All of it as bytes.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        forEachDocument { document in
            document.write(to: &bytes)
            bytes.append(10)
        }
        return bytes
    }
}
