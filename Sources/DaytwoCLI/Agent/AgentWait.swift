import ArgumentParser
import Failures
import Foundation

/// `daytwo agent wait`: the main process of the agent's pod, which stays until it is told to go.
struct AgentWait: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "wait", abstract: "Stay until SIGTERM or the deadline.", exits: [], isHidden: true)

    @Option(
        help: ArgumentHelp("The longest time to stay, as 90s, 30m, 12h or 2d (default: for ever).", valueName: "time"))
    var deadline: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let limit = try deadline.map { text throws(Failure) in
            try Duration(written: text, like: "90s, 30m, 12h or 2d")
        }
        let start = Uptime.now
        // poll is never restarted after a signal; one that comes just before it is seen a second later.
        while StopSignal.current == nil, limit.map({ Uptime.now - start < $0 }) ?? true { _ = poll(nil, 0, 1000) }
        return .done
    }
}
