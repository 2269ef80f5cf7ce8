import ArgumentParser
import Failures

/// A command that does something: its options say what, one operation does it, and it shows what came out.
protocol OperationCommand: ParsableCommand {
    /// The options that all commands have.
    var global: GlobalOptions { get }

    /// Does it; what is finished and yet not all right is a status, everything else that is not right throws.
    func perform(_ session: Session) throws(Failure) -> ExitStatus
}

extension OperationCommand {
    func run() throws {
        let session = Session(global)
        _ = try perform(session)
        try session.console.flush()
    }
}

extension CommandConfiguration {
    /// A verb, with the exit codes that it can end with beside those of every command.
    static func verb(
        _ name: String, abstract: String, usage: String? = nil, discussion: String = "", exits: [ExitStatus],
        isHidden: Bool = false
    ) -> CommandConfiguration {
        let codes = ExitStatus.section(exits)
        return CommandConfiguration(
            commandName: name, abstract: abstract, usage: usage,
            discussion: discussion.isEmpty ? codes : discussion + "\n\n" + codes,
            shouldDisplay: !isHidden)
    }
}
