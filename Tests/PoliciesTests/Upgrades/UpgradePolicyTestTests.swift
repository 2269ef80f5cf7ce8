import Failures
import Foundation
import Testing

@testable import Policies

@Suite struct UpgradePolicyTestTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func theExamplesDecideAsTheirTestSays() throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../../policies").standardizedFileURL.path
        let tests = try UpgradeDocuments.load(paths: ["\(folder)/test-upgrades.yaml"]).tests
        let outcomes = try tests.flatMap { try $0.run() }
        #expect(outcomes.map(\.checked) == [8, 2, 2, 2])
        #expect(outcomes.flatMap(\.differences).map { "\($0.cluster) \($0.name) \($0.expected) \($0.found)" } == [])
    }

    private func run(_ expect: String) throws -> [UpgradePolicyTest.Difference] {
        try scratch.write(policyText("target: {version: \"v1.34.5+k3s1\"}"), to: "p/one.yaml")
        let path = try scratch.write(
            """
            apiVersion: daytwo/v1
            kind: UpgradePolicyTest
            metadata: {name: t}
            spec:
              policies: ["p/*.yaml"]
              hosts: {prod: "v1.34.1"}
              clusters: [{host: prod, namespace: a, name: blue, version: "v1.33.5+k3s1"}]
              cases:
                - name: now
                  at: "2026-11-25T12:00:00Z"
                  expect: [\(expect)]
            """, to: "test.yaml")
        return try UpgradeDocuments.load(paths: [path]).tests.flatMap { try $0.run() }.flatMap(\.differences)
    }

    @Test func tellsWhatIsDifferent() throws {
        #expect(
            try run(
                "{cluster: prod/a/blue, verdict: upgrade, rule: due, policy: one, wave: rest, to: \"v1.34.5+k3s1\"}"
            ).isEmpty)
        let differences = try run(
            "{cluster: prod/a/blue, verdict: later, next: \"2026-11-26T00:00:00Z\", target: \"v1.34.5+k3s1\"}")
        #expect(differences.map(\.name) == ["verdict", "next"])
        #expect(differences.map(\.found) == ["upgrade", "2026-11-25T12:00:00Z"])
        #expect(differences[0].origin.line == 11 && differences[0].reason.contains("nothing stands in the way"))
        #expect(try run("{cluster: prod/a/red}").map(\.found) == ["no such cluster"])
    }

    @Test func refusesWhatItCannotKnow() throws {
        for expect in [
            "{cluster: blue}", "{cluster: prod/a/blue, verdict: soon}", "{cluster: prod/a/blue, rule: windows}",
        ] {
            #expect(failure { _ = try run(expect) }.code == .usage)
        }
    }
}
