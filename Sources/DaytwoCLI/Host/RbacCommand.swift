import ArgumentParser
import Failures
import JSONValues
import Kubernetes
import Operations
import VirtualClusters

/// `daytwo rbac`.
struct RbacCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "rbac", abstract: "Print the least rights on a host that verbs need.",
        discussion: """
            For kubectl apply. With -n a Role for that namespace, and a ClusterRole for the little that lies in none; \
            without it one ClusterRole. Bind it to the user or service account of the kubeconfig that daytwo gets.
            """,
        exits: [])

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "What is to be done there: \(Rights.Purpose.allCases.map(\.rawValue).joined(separator: ", ")); several with commas.",
            valueName: "verbs"))
    var purposes: String

    @Option(name: .shortAndLong, help: "Only in this namespace.")
    var namespace: String?

    @Option(help: "The name of the roles.")
    var name = "daytwo"

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        var chosen: Set<Rights.Purpose> = []
        for word in purposes.split(separator: ",", omittingEmptySubsequences: false) {
            guard let purpose = Rights.Purpose(rawValue: String(word)) else {
                throw Failure(
                    .usage, "there are no rights for \(String(word).debugDescription)",
                    next: "give --for \(Rights.Purpose.allCases.map(\.rawValue).joined(separator: ","))")
            }
            chosen.insert(purpose)
        }
        let roles = Rights(for: chosen).roles(named: name, in: namespace)
        let text = roles.map { "---\n" + $0.json.yaml() }.joined()
        let document = JSON.document("RoleList", [("items", .array(roles.map(\.json)))])
        try session.console.show(document, names: roles.map(\.name), text: text)
        return .done
    }
}
