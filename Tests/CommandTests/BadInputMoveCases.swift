import Foundation
import Testing

/// What is asked of a move before any host is.
extension BadInputCases {
    static let moves: [String: Make] = [
        "move-nowhere": { _ in BadInput(arguments: ["restore", "plan", "blue@latest", "--name", "silver"]) },
        "move-two-hosts": { _ in
            BadInput(arguments: ["restore", "plan", "blue@latest", "--to", "host-2", "--host", "host-1"])
        },
        "move-in-place-option": { _ in
            BadInput(arguments: ["restore", "run", "blue@latest", "--to", "host-2", "--no-safety-backup"])
        },
        "move-kept-wrongly": { _ in
            BadInput(arguments: ["restore", "plan", "blue@latest", "--to", "host-2", "--no-clean", "pods"]).lines(6)
        },
        "move-mapping-missing": { _ in mapped("/nonexistent/mapping.yaml") },
        "move-mapping-many": { cases in
            let text = "spec:\n  storageClass: fast\n  images: {a: 1}\n  labels: {app: other}\n"
            return mapped(
                try cases.fixture.write("apiVersion: daytwo/v1\nkind: HostMapping\n" + text, to: "mapping.yaml")
            ).lines(5)
        },
        "move-mapping-ports": { cases in
            let text = "spec:\n  nodePorts: {31000: 70000}\n"
            return mapped(
                try cases.fixture.write("apiVersion: daytwo/v1\nkind: HostMapping\n" + text, to: "mapping.yaml"))
        },
        "move-mapping-other": { cases in
            mapped(
                try cases.fixture.write(
                    "apiVersion: daytwo/v1\nkind: Inventory\nspec: {}\n", to: "mapping.yaml"))
        },
        "move-directory": { cases in
            BadInput(arguments: ["restore", "plan", try cases.fixture.archive(), "--to", "host-2"])
        },
        "move-other-cluster": { cases in
            BadInput(arguments: ["restore", "plan", "team-a/green", try cases.fixture.archive(), "--to", "host-2"])
        },
    ]

    private static func mapped(_ file: String) -> BadInput {
        BadInput(arguments: ["restore", "plan", "blue@latest", "--to", "host-2", "--mapping", file])
    }
}
