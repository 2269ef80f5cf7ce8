import Archive
import ArgumentParser
import Failures
import JSONValues
import Policies

/// `daytwo config validate`.
struct ConfigValidate: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "validate", abstract: "Check the configuration with all inventories and policies that it names.",
        discussion: "All mistakes are told at once, with file, line and column. Warnings do not fail unless --strict.",
        exits: [.refused, .denied, .notFound])

    @Flag(help: "End with 4 when there are warnings.")
    var strict = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let configuration = try session.settings.requireConfiguration()
        _ = try configuration.catalogFile()
        let warnings = configuration.warnings
        let document = JSON.document(
            "ConfigurationCheck",
            [
                ("path", .string(configuration.path)), ("clusters", .integer(configuration.clusters.count)),
                ("schedules", .integer(configuration.schedules.count)),
                ("warnings", .array(warnings.map(Self.json))),
            ])
        let schedules = Formats.count(configuration.schedules.count, "schedule")
        let clusters = Formats.count(configuration.clusters.count, "cluster")
        let counts = "\(schedules), \(clusters), \(Formats.count(warnings.count, "warning"))"
        try session.console.show(
            document, names: [configuration.path], text: "\(configuration.path): valid: \(counts)\n")
        for warning in warnings { session.console.warn(warning.text) }
        return strict && !warnings.isEmpty ? .refused : .done
    }

    private static func json(_ warning: ConfigurationWarning) -> JSON {
        .members([
            ("kind", .string(warning.kind.rawValue)), ("message", .string(warning.message)),
            ("origin", warning.origin.map { .string($0.description) }),
        ])
    }
}

extension DaytwoConfiguration {
    /// The catalog of versions where it is a file; a server is asked by who needs it.
    func catalogFile() throws(Failure) -> VersionCatalog? {
        guard case .file(let path) = upgrades.catalog else { return nil }
        return try VersionCatalog.load(path: path)
    }
}

extension ConfigurationWarning {
    /// Where, and what; whoever shows it says that it is a warning.
    var text: String { origin.map { "\($0): \(message)" } ?? message }
}
