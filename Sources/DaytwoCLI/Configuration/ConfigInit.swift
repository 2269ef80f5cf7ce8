import Archive
import ArgumentParser
import Failures
import Files
import Foundation
import JSONValues

/// `daytwo config init`.
struct ConfigInit: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "init", abstract: "Write a first configuration: one store, one cluster, one schedule.",
        discussion: """
            Three commented files: daytwo.yaml, inventory.yaml and schedules.yaml. Nothing that is there is overwritten.
            """,
        exits: [.refused, .denied])

    @Option(help: ArgumentHelp("The directory to write to (default: where daytwo looks first).", valueName: "dir"))
    var directory: String?

    @Option(help: ArgumentHelp("The directory of the backups.", valueName: "path"))
    var store = "/var/backups/daytwo"

    @Option(help: ArgumentHelp("The data directory of the first cluster.", valueName: "dir"))
    var dataDir = "/var/lib/rancher/k3s"

    @Option(help: "The name of the first cluster.")
    var name = "k3s"

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let directory = try absolutePath(directory == nil ? Places.firstConfigurationFolder() : directory ?? "")
        let files = try FirstConfiguration(
            store: absolutePath(store), dataDirectory: absolutePath(dataDir), name: name
        ).files.map { (path: "\(directory)/\($0.name)", text: $0.text) }
        for file in files where try FileStatus.ifPresent(file.path) != nil {
            throw Failure(
                .refused, "\(file.path) is there already", why: "nothing is overwritten",
                next: "edit it, or give another place with --directory")
        }
        try createDirectory(directory)
        for file in files { try durablyWrite(Array(file.text.utf8), to: file.path) }
        let document = JSON.document("ConfigurationFiles", [("items", .strings(files.map(\.path)))])
        let isFoundByItself = try Places.configuration(told: nil)?.path == files[0].path
        let next = isFoundByItself ? "" : " --config \(files[0].path)"
        try session.console.show(
            document, names: files.map(\.path),
            text: files.map { "wrote \($0.path)\n" }.joined()
                + "edit them, then: daytwo config validate\(next)\n")
        return .done
    }
}
