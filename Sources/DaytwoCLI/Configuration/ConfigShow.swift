import Archive
import ArgumentParser
import Failures
import JSONValues
import Policies

/// `daytwo config show`.
struct ConfigShow: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "show", abstract: "Show every value that counts, and with --origin where each comes from.",
        discussion: "Secrets are never in a configuration: it only names the file or variable that holds one.",
        exits: [.denied, .notFound])

    @Flag(help: "Show the file and line of each value.")
    var origin = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let configuration = try session.settings.requireConfiguration()
        let stateDirectory = try session.settings.stateDirectory()
        let document = JSON.document(
            "ConfigurationView",
            [
                ("path", .string(configuration.path)), ("files", .strings(configuration.files.map(\.path))),
                ("stateDirectory", .string(stateDirectory.path)),
                ("stateDirectorySource", .string(stateDirectory.source)),
                ("items", .array(configuration.settings.map(Self.json))),
            ])
        var table = Table(["DOCUMENT", "KEY", "VALUE"] + (origin ? ["ORIGIN"] : []))
        for setting in configuration.settings {
            let place = origin ? [setting.origin?.description ?? "default"] : []
            table.add([setting.document, setting.path, setting.value] + place)
        }
        table.add(
            ["(used)", "stateDirectory", stateDirectory.path] + (origin ? [stateDirectory.source] : []))
        try session.console.show(
            document, names: configuration.files.map(\.path),
            text: table.text(showsHeader: session.console.showsHeaders))
        return .done
    }

    private static func json(_ setting: ConfigurationSetting) -> JSON {
        .members([
            ("document", .string(setting.document)), ("key", .string(setting.path)), ("value", .string(setting.value)),
            ("origin", .string(setting.origin?.description ?? "default")),
        ])
    }
}
