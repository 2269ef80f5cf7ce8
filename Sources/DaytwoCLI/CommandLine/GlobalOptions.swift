import ArgumentParser

/// How a result is shown.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    /// For people.
    case table
    /// For people, with all there is.
    case wide
    /// One JSON document, or JSON lines for streams.
    case json
    /// The same document as YAML.
    case yaml
    /// Names alone, one a line.
    case name
}

/// The options that all commands have.
struct GlobalOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to show the result.")
    var output = OutputFormat.table

    @Flag(name: .shortAndLong, help: "No progress and no remarks on stderr, only warnings and errors.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Show the causes beneath an error.")
    var verbose = false

    @Flag(help: "Tables without their header line.")
    var noHeaders = false

    @Option(
        help: ArgumentHelp(
            "The configuration (else $DAYTWO_CONFIG, else daytwo.yaml in its usual places).", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Where jobs and history are kept (else $DAYTWO_STATE_DIR, else as configured).", valueName: "dir"))
    var stateDir: String?
}
