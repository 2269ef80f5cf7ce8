import AgentProtocol
import ArgumentParser
import Failures
import Files
import Foundation
import Operations

/// `daytwo agent backup`: makes one backup for whoever speaks the agent's protocol on stdin.
struct AgentBackupCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "backup", abstract: "Make one backup, over stdin and stdout.",
        exits: [.partial, .refused, .verificationFailed, .locked, .unreachable, .denied, .notFound], isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place).serve(.backup).isEmpty ? .done : .partial
    }
}

/// `daytwo agent check`: tells whoever speaks the agent's protocol on stdin what can be seen from here.
struct AgentCheckCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "check", abstract: "Tell what the agent is and sees, over stdin and stdout.", exits: [.unreachable],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        _ = try AgentServing(session: session, place: place.place).serve(.check)
        return .done
    }
}

/// `daytwo agent ask`: asks the API of a virtual cluster for whoever speaks the agent's protocol on stdin.
struct AgentAskCommand: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "ask", abstract: "Ask the virtual cluster's API, over stdin and stdout.", exits: [.unreachable, .notFound],
        isHidden: true)

    @OptionGroup var place: AgentPlaceOptions

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        try AgentServing(session: session, place: place.place, whenStopped: "ask again").finish(.ask)
    }
}

/// Where the pod that the agent runs in has what it needs.
struct AgentPlaceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The k3s data directory, whatever the caller says.", valueName: "dir"))
    var dataDir: String?

    @Option(help: ArgumentHelp("Where scratch files go.", valueName: "dir"))
    var scratch: String?

    var place: AgentOperation.Place? {
        get throws(Failure) {
            switch (dataDir, scratch) {
            case (let dataDir?, let scratch?): .init(dataDirectory: dataDir, scratchDirectory: scratch)
            case (nil, nil): nil
            default: throw Failure(.usage, "--data-dir and --scratch come together", next: "give both or none")
            }
        }
    }
}

/// The protocol on this process's stdin and stdout.
struct AgentServing {
    /// An agent whose caller is silent for so long works for nobody.
    private static let silence = Duration.seconds(60)

    let session: Session
    let place: AgentOperation.Place?
    /// What to do when it is stopped.
    var whenStopped = "run the backup again"

    func serve(_ operation: AgentOperation) throws(Failure) -> [String] {
        let channel = try DescriptorChannel(
            reading: Self.taken(STDIN_FILENO), writing: Self.taken(STDOUT_FILENO), silence: Self.silence,
            uptime: { Uptime.now })
        // Whatever else is written to stdout must not get into the stream.
        guard dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else { throw Failure.system("use", "standard error", errno) }
        var context = session.context(stopped: whenStopped)
        let checkStop = context.checkStop
        context.checkStop = { () throws(Failure) in
            do throws(Failure) { try checkStop() } catch {
                // To the caller it is a connection that was cut: another agent may do it.
                throw Failure(.unreachable, "the agent was stopped", why: error.why, next: error.next, cause: error)
            }
        }
        return try AgentService(over: channel, at: place, context).serve(operation)
    }

    /// Serves what is done or not, and never partial.
    func finish(_ operation: AgentOperation) throws(Failure) -> ExitStatus {
        _ = try serve(operation)
        return .done
    }

    private static func taken(_ standard: Int32) throws(Failure) -> FileDescriptor {
        let copy = fcntl(standard, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw Failure.system("use", standard == 0 ? "stdin" : "stdout", errno) }
        return FileDescriptor(owning: copy, path: standard == 0 ? "(stdin)" : "(stdout)")
    }
}
