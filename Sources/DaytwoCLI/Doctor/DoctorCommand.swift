import Archive
import ArgumentParser
import Failures
import Foundation
import JSONValues
import Monitoring
import Operations
import Policies

/// `daytwo doctor`.
struct DoctorCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "doctor", abstract: "Say what is wrong or would stop a backup, and what to do about it.",
        discussion: """
            Ends with 4 when something failed. With --check it is a plugin for monitoring systems: one line, and 0, 1, 2 or \
            3 for ok, warning, critical and unknown.
            """,
        exits: [.refused, .denied, .notFound])

    @Argument(help: "Only this cluster.")
    var name: String?

    @Flag(help: "One line and a monitoring plugin's exit code.")
    var check = false

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        var cluster = name
        if let name, let configuration = try? session.settings.configuration() {  // what is wrong with it is a check
            cluster = try configuration.path(ofCluster: name)
        }
        if check { return try monitor(cluster, session) }
        let checks = Doctor(session: session, cluster: cluster).checks()
        var table = Table(["CHECK", "RESULT", "WHAT", "NEXT"])
        for one in checks { table.add([one.name, one.result.rawValue, one.text, one.next ?? ""]) }
        let isFailed = checks.contains { $0.result == .failed }
        let document = JSON.document(
            "Diagnosis",
            [
                ("ok", .bool(!isFailed)),
                (
                    "items",
                    .array(
                        checks.map { one in
                            .members([
                                ("check", .string(one.name)), ("result", .string(one.result.rawValue)),
                                ("what", .string(one.text)), ("next", one.next.map(JSON.string)),
                            ])
                        })
                ),
            ])
        try session.console.show(
            document, names: checks.filter { $0.result != .ok }.map(\.name),
            text: table.text(showsHeader: session.console.showsHeaders))
        return isFailed ? .refused : .done
    }

    private func monitor(_ cluster: String?, _ session: Session) throws(Failure) -> ExitStatus {
        let result: MonitorCheck
        do throws(Failure) {
            let configuration = try session.settings.requireConfiguration()
            let context = session.context(stopped: "run the command again")
            let status = try FleetSurvey(configuration, session.recoveredQueue(), context).status(
                of: cluster.map { [$0] })
            result = MonitorCheck(status, at: session.now)
        } catch {
            result = MonitorCheck(error)
        }
        let document = JSON.document(
            "MonitorCheck", [("code", .integer(Int64(result.level.rawValue))), ("line", .string(result.line))])
        try session.console.show(document, names: [result.line], text: result.line + "\n")
        return ExitStatus(monitor: result.level.rawValue)
    }
}
