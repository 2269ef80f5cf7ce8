import ArgumentParser
import Failures
import JSONValues
import Policies

/// `daytwo policy test`.
struct PolicyTest: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "test", abstract: "Check that policies decide as a file expects: given clusters, a catalog and a time.",
        discussion: "Ends with 1 when a decision is not as expected, and shows what is different.",
        exits: [.denied, .notFound])

    @Argument(help: ArgumentHelp("Files with documents of kind UpgradePolicyTest.", valueName: "file"))
    var files: [String]

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let tests = try UpgradeDocuments.load(paths: files).tests
        guard !tests.isEmpty else {
            throw Failure(
                .usage, "\(files.joined(separator: ", ")) has no document of kind UpgradePolicyTest",
                next: "See policies/test-upgrades.yaml for one.")
        }
        var outcomes: [UpgradePolicyTest.Outcome] = []
        for test in tests { outcomes += try test.run() }
        let document = JSON.document("PolicyTestResult", [("items", .array(outcomes.map(Self.json)))])
        try session.console.show(
            document, names: outcomes.filter { !$0.differences.isEmpty }.map(\.name),
            text: outcomes.map(Self.text).joined())
        return outcomes.allSatisfy(\.differences.isEmpty) ? .done : .failed
    }

    private static func text(_ outcome: UpgradePolicyTest.Outcome) -> String {
        guard !outcome.differences.isEmpty else {
            return "ok      \(outcome.name.printable) (\(Formats.count(outcome.checked, "decision")))\n"
        }
        let lines = outcome.differences.map { difference in
            """
              \(difference.origin): \(difference.cluster): \(difference.name)
                - \(difference.expected)
                + \(difference.found)
                  \(difference.reason)

            """
        }
        return "FAILED  \(outcome.name.printable)\n\(lines.joined())"
    }

    private static func json(_ outcome: UpgradePolicyTest.Outcome) -> JSON {
        .members([
            ("name", .string(outcome.name)), ("passed", .bool(outcome.differences.isEmpty)),
            ("decisions", .integer(outcome.checked)),
            (
                "differences",
                .array(
                    outcome.differences.map {
                        .members([
                            ("origin", .string($0.origin.description)), ("cluster", .string($0.cluster)),
                            ("name", .string($0.name)), ("expected", .string($0.expected)),
                            ("found", .string($0.found)), ("reason", .string($0.reason)),
                        ])
                    })
            ),
        ])
    }
}
