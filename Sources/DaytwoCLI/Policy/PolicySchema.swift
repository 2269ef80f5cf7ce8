import ArgumentParser
import Failures
import JSONValues
import Policies

/// `daytwo policy schema`.
struct PolicySchema: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "schema", abstract: "Print the JSON Schema of upgrade policies, for editors.",
        discussion: "It is written from the definitions that policies are checked by.", exits: [])

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let schema = JSONSchema.upgradePolicy
        try session.console.show(schema, names: ["UpgradePolicy"], text: schema.indented())
        return .done
    }
}
