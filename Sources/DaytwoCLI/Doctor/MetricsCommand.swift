import ArgumentParser
import Failures
import Files
import Foundation
import Monitoring
import Operations

/// `daytwo metrics`.
struct MetricsCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "metrics", abstract: "Write Prometheus metrics of the whole fleet, to stdout or into a file.",
        discussion: """
            For node_exporter's textfile collector: --text-file, from a crontab. The scheduler writes the file that the \
            configuration names by itself, and serves them with --metrics.
            """,
        exits: [.refused, .denied, .notFound])

    @Option(help: ArgumentHelp("Replace this file at once, as a whole.", valueName: "file"))
    var textFile: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let configuration = try session.settings.requireConfiguration()
        let context = session.context(stopped: "run the command again")
        let metrics = try FleetSurvey(configuration, session.queue(), context).status().metrics()
        if let textFile {
            try writeMetricsFile(metrics, to: absolutePath(textFile))
        } else {
            try session.console.write(String(decoding: metrics, as: UTF8.self))
        }
        return .done
    }
}
