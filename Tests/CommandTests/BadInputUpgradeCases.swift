import Foundation
import Testing

/// Upgrade policies, their catalog and their tests.
extension BadInputCases {
    static let upgrades: [String: Make] = [
        "policy-none": { try $0.checked("apiVersion: daytwo/v1\nkind: UpgradePolicy\n").lines(4) },
        "policy-key": { try $0.policy("  windws: []\n") },
        "policy-number": { try $0.policy("  skew: {maxNewer: 1}\n", target: "{range: 1.30}") },
        "policy-target": { try $0.policy("", target: "{channel: stable, version: \"v1.33.4+k3s1\"}") },
        "policy-candidate": { try $0.policy("", target: "{version: \"v1.34.0-rc1+k3s1\"}") },
        "policy-jump": { try $0.policy("", target: "{channel: stable, maxMinorJump: 2}") },
        "policy-window": { try $0.policy("  windows: [{start: \"22:00\", duration: 5m}]\n") },
        "policy-freeze": { try $0.policy("  freezes: [{from: \"2026-12-15\", to: \"2026-12-01\", reason: r}]\n") },
        "policy-gate": { try $0.policy("  gates: {after: [api-raedy]}\n") },
        "policy-gate-during": { try $0.policy("  gates: {during: [disk-headroom]}\n") },
        "policy-gate-every": { try $0.policy("  gates: {every: 5m}\n") },
        "policy-override": {
            try $0.policy("  gates: {overrides: [{gate: webhooks, expires: \"2027-01-01T00:00:00Z\"}]}\n")
        },
        "policy-tie": { cases in
            try cases.checked(Self.policy() + Self.policy().replacing("name: one", with: "name: two"))
        },
        "policy-missing": { _ in BadInput(arguments: ["policy", "check", "/nonexistent/policy.yaml"]) },
        "policy-test-none": { cases in
            BadInput(arguments: ["policy", "test", try cases.fixture.write(Self.policy(), to: "policy.yaml")])
        },
        "plan-no-policy": { cases in
            try cases.fixture.configure()
            return BadInput(arguments: ["upgrade", "plan", "--config", cases.fixture.configuration])
        },
        "plan-time": { try $0.planned("--at", "2026-12-24T23:00") },
        "plan-inventory": { cases in
            let policy = try cases.fixture.write(Self.policy(), to: "policy.yaml")
            return BadInput(arguments: ["upgrade", "plan", "--policy", policy, "--inventory", policy])
        },
        "catalog-missing": { try $0.planned("--catalog", "/nonexistent/catalog.yaml") },
        "catalog-configured": { cases in
            try cases.fixture.configure(["blue"], more: "upgrades: {catalog: nothing.yaml}")
            return BadInput(
                arguments: ["config", "validate", "--config", cases.fixture.path("daytwo.yaml")])
        },
        "catalog-absurd": { cases in
            try cases.planned("--catalog", try cases.fixture.write("{\"data\": [{\"id\": 1}]}", to: "catalog.json"))
        },
        "catalog-away": { try $0.planned("--catalog", "http://127.0.0.1:1/channels") },
        "explain-unknown": { cases in
            let input = try cases.planned()
            return BadInput(arguments: ["policy", "explain", "team-a/bleu"] + input.arguments.dropFirst(2))
        },
    ]

    /// A policy whose `spec` begins in line 5.
    private static func policy(_ more: String = "", target: String = "{channel: stable}") -> String {
        """
        ---
        apiVersion: daytwo/v1
        kind: UpgradePolicy
        metadata: {name: one}
        spec:
          select: {all: true}
          target: \(target)

        """ + more
    }

    private func policy(_ more: String, target: String = "{channel: stable}") throws -> BadInput {
        try checked(Self.policy(more, target: target))
    }

    private func checked(_ text: String) throws -> BadInput {
        BadInput(arguments: ["policy", "check", try fixture.write(text, to: "policy.yaml")])
    }

    /// A plan of one cluster with a sound policy.
    private func planned(_ words: String...) throws -> BadInput {
        let policy = try fixture.write(Self.policy(), to: "policy.yaml")
        let inventory = try fixture.write(
            """
            apiVersion: daytwo/v1
            kind: UpgradeInventory
            metadata: {name: all}
            spec:
              clusters: [{host: prod, namespace: team-a, name: blue, version: "v1.33.4+k3s1"}]
            """, to: "clusters.yaml")
        return BadInput(arguments: ["upgrade", "plan", "--policy", policy, "--inventory", inventory] + words)
    }
}
