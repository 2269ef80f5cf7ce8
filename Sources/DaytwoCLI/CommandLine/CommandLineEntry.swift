import ArgumentParser
import Failures
import Foundation
import Jobs
import JSONValues

/// The one way in: parses, runs, shows what went wrong, and gives the exit code.
enum CommandLineEntry {
    static func main() -> Never {
        StopSignal.install()
        exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Runs a command line: a person's, or one that a job keeps, which belongs to the state directory that it lies in
    /// whatever the command line and the surroundings say.
    static func run(
        _ arguments: [String], as running: RunningJob? = nil, in stateDirectory: String? = nil
    ) -> ExitStatus {
        var presentation = ErrorPresentation(arguments: arguments)
        if let topic = HelpTopic(arguments: arguments) { return show(topic.text, presentation) }
        let command: any ParsableCommand
        do {
            command = try Daytwo.parseAsRoot(arguments)
        } catch {
            return end(error, arguments, presentation)
        }
        do {
            guard let command = command as? any OperationCommand else {
                var command = command
                try command.run()
                return .done
            }
            presentation = ErrorPresentation(command.global)
            let session = Session(
                command.global, arguments: arguments, stateDirectory: stateDirectory,
                isDetached: running == nil && (command as? any JobCommand)?.jobOptions.detach ?? false)
            if let running {
                session.job.adopt(running)
                JobEcho(session: session).begin(running.job)
            }
            defer { session.console.endProgress() }
            return perform(command, session, presentation)
        } catch {
            return end(error, arguments, presentation)
        }
    }

    /// The job learns how it ended by the same status that the caller gets.
    private static func perform(
        _ command: any OperationCommand, _ session: Session, _ presentation: ErrorPresentation
    ) -> ExitStatus {
        var status: ExitStatus
        var failure: Failure?
        do throws(Failure) {
            status = try command.perform(session)
            try session.console.flush()
        } catch {
            session.console.endProgress()
            // What was found out before it failed is a result all the same.
            do throws(Failure) { try session.console.flush() } catch { presentation.show(error) }
            presentation.show(error)
            session.job.log(.error, error.description)
            status = ExitStatus(error)
            failure = error
        }
        session.job.finish(
            JobOutcome(
                exitCode: status.rawValue, message: failure?.description, result: session.console.result?.compact))
        if let job = session.job.job { JobEcho(session: session).end(job) }
        return status
    }

    /// Help and the version are results and no errors.
    private static func end(
        _ error: any Error, _ arguments: [String], _ presentation: ErrorPresentation
    ) -> ExitStatus {
        if let failure = error as? Failure {
            presentation.show(failure)
            return ExitStatus(failure)
        }
        if Daytwo.exitCode(for: error) == .success { return show(Daytwo.fullMessage(for: error), presentation) }
        let failure = Failure(
            .usage, presentation.oneLine(Daytwo.message(for: error)), next: "see: \(helpCommand(for: arguments))")
        presentation.show(failure)
        return .usage
    }

    private static func show(_ text: String, _ presentation: ErrorPresentation) -> ExitStatus {
        do throws(Failure) {
            try StandardOutput.write(text + "\n")
            return .done
        } catch {
            presentation.show(error)
            return ExitStatus(error)
        }
    }

    /// The command whose help answers a usage error: the longest run of subcommand names at the beginning.
    private static func helpCommand(for arguments: [String]) -> String {
        var names = [Daytwo._commandName]
        var current: any ParsableCommand.Type = Daytwo.self
        for argument in arguments {
            let next = current.configuration.subcommands.first {
                $0._commandName == argument || $0.configuration.aliases.contains(argument)
            }
            guard let next else { break }
            names.append(next._commandName)
            current = next
        }
        return names.joined(separator: " ") + " --help"
    }
}
