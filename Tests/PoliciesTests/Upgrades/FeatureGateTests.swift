import Testing

@testable import Policies

@Suite("Feature gates that are gone")
struct FeatureGateTests {
    @Test(
        "A gate is known up to its last minor, and of others nobody can tell",
        arguments: [
            ("1.27", [], []), ("1.28", ["AdvancedAuditing"], []), ("1.31", ["AdvancedAuditing"], []),
        ] as [(String, [String], [String])])
    func removal(minor: String, gone: [String], untold: [String]) throws {
        let target = try #require(KubernetesMinor(minor))
        let verdict = FeatureGates.verdict(["AdvancedAuditing", "AllAlpha", "KMSv2"], for: target)
        #expect(verdict.gone == gone && verdict.untold == untold)
        #expect(FeatureGates.verdict(["NodeSwap"], for: target).untold == ["NodeSwap"])
        #expect(FeatureGates.verdict([], for: target) == ([], []))
    }
}
