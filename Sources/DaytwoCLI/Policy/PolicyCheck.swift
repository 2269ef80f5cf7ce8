import ArgumentParser
import Failures
import JSONValues
import Policies

/// `daytwo policy check`.
struct PolicyCheck: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "check", abstract: "Check upgrade policies: of files, or those of the configuration.",
        discussion: """
            All mistakes are told at once, with file, line and column. Files are checked alone; whether the stores and \
            notifications that they name are there, only the configuration can say.
            """,
        exits: [.denied, .notFound])

    @Argument(help: ArgumentHelp("Files to check (else what the configuration names).", valueName: "file"))
    var files: [String] = []

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let policies: [UpgradePolicy]
        let subject: String
        if files.isEmpty {
            let configuration = try session.settings.requireConfiguration()
            policies = configuration.upgradePolicies
            subject = configuration.path
        } else {
            policies = try UpgradeDocuments.load(paths: files).policies
            subject = files.joined(separator: ", ")
        }
        let document = JSON.document(
            "PolicyCheck",
            [
                (
                    "items",
                    .array(
                        policies.map {
                            .members([
                                ("name", .string($0.name)), ("priority", .integer($0.priority)),
                                ("origin", .string($0.origin.description)),
                            ])
                        })
                )
            ])
        try session.console.show(
            document, names: policies.map(\.name),
            text: "\(subject): valid: \(Formats.count(policies.count, "upgrade policy", "upgrade policies"))\n")
        return .done
    }
}
