internal import Failures
internal import FoundationEssentials

/// A document of kind `UpgradePolicyTest`: facts, and the decisions that are expected of them.
public struct UpgradePolicyTest: Sendable {
    /// Its name.
    public let name: String
    /// The place of its name.
    public let origin: Origin
    /// The files of its policies.
    let policies: FilePatterns
    /// The file of the catalog, absolute; nil for none.
    let catalog: String?
    let inventory: UpgradeInventory
    let cases: [Case]

    struct Case: Sendable {
        var name: String
        var at: Date
        /// Instead of the document's own.
        var history: UpgradeHistory?
        var expected: [Expectation]
    }

    struct Expectation: Sendable {
        var cluster: String
        /// What is expected, by the names of the document.
        var values: [(name: String, value: String)]
        var origin: Origin
    }

    /// What came out of one case.
    public struct Outcome: Sendable {
        /// `TEST: CASE`
        public let name: String
        /// How many decisions were looked at.
        public let checked: Int
        /// What is different; empty where all is as expected.
        public let differences: [Difference]
    }

    /// A decision that is not as expected.
    public struct Difference: Sendable {
        /// Where it is expected.
        public let origin: Origin
        /// The cluster.
        public let cluster: String
        /// What: `verdict`.
        public let name: String
        /// What was expected.
        public let expected: String
        /// What came out.
        public let found: String
        /// Why it came out.
        public let reason: String
    }
}

/// What it looks like.
enum UpgradePolicyTestShape {
    static let spec = MappingShape(
        keys: [
            .required("policies", .list(of: .text(.any)), "Files of policies, with * and ?."),
            .optional("catalog", .text(.any), "The file of the catalog."),
        ] + UpgradeInventoryShape.keys + [
            .required("cases", .list(of: .mapping(testCase)), "Times, and what is expected then.")
        ])

    private static let testCase = MappingShape(keys: [
        .required("name", .text(.any), "What is shown."), .required("at", .text(.moment), "The time."),
        .optional("history", .mapping(UpgradeInventoryShape.history), "Instead of the document's own."),
        .required("expect", .list(of: .mapping(expectation)), "The decisions; others are not looked at."),
    ])

    static let expectation = MappingShape(keys: [
        .required("cluster", .text(.clusterPath), "The cluster."),
        .optional("verdict", .choice(UpgradeDecision.Verdict.allCases.map(\.rawValue)), "In a word."),
        .optional("rule", .choice(UpgradeRule.allCases.map(\.rawValue)), "The rule that decides."),
        .optional("policy", .text(.any), "The policy that decides."),
        .optional("wave", .text(.any), "Its wave."), .optional("to", .text(.version), "Where its next step leads."),
        .optional("target", .text(.version), "Where its policy leads."),
        .optional("next", .text(.moment), "When its next step may begin."),
    ])
}

struct UpgradePolicyTestDecoder {
    let directory: String
    let name: String
    let origin: Origin
    let report: DocumentReport

    func decode(_ spec: ShapedValue) -> UpgradePolicyTest {
        let inventory = UpgradeInventoryDecoder(report: report)
        let cases = (spec["cases"]?.list ?? []).compactMap { value -> UpgradePolicyTest.Case? in
            guard let name = value["name"]?.text, let at = value["at"]?.text.flatMap({ UTCMoment.parse($0) }) else {
                return nil
            }
            return .init(
                name: name, at: at, history: value["history"].map(inventory.history),
                expected: (value["expect"]?.list ?? []).compactMap(expectation))
        }
        return UpgradePolicyTest(
            name: name, origin: origin,
            policies: FilePatterns(
                directory: directory,
                patterns: (spec["policies"]?.list ?? []).compactMap { value in
                    value.text.map { FilePatterns.Pattern(text: $0, origin: value.origin) }
                }), catalog: spec["catalog"]?.text.map { FilePatterns.absolute($0, in: directory) },
            inventory: inventory.decode(spec), cases: cases)
    }

    private func expectation(_ value: ShapedValue) -> UpgradePolicyTest.Expectation? {
        value["cluster"]?.text.map { cluster in
            .init(
                cluster: cluster,
                values: UpgradePolicyTestShape.expectation.keys.dropFirst().compactMap { key in
                    value[key.name]?.text.map { (key.name, $0) }
                }, origin: value.origin)
        }
    }
}
