import ArgumentParser
import Failures
import Files
import Foundation
import Jobs

/// `daytwo jobs work`: what a scheduler starts for each job.
struct JobsWork: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "work", abstract: "Do one waiting job in this process, and end with its exit code.",
        discussion: "Ends with 6 when the job may not start now.", exits: ExitStatus.allCases, isHidden: true)

    @OptionGroup var job: JobArgument
    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let state = try session.openState(creating: false)
        let queue = JobQueue(state, context: JobSurroundings.context(origin: "scheduler"))
        guard let running = try queue.claim(job.id) else {
            throw Failure(.locked, "job \(job.id) may not start now", next: "see: daytwo jobs show \(job.id)")
        }
        do throws(Failure) {
            let parameters = try JobParameters(running.job.parameters)
            guard chdir(parameters.directory) == 0 else {
                throw Failure.system("enter the directory of the job", parameters.directory, errno)
            }
            return CommandLineEntry.run(parameters.arguments, as: running, in: state.directory)
        } catch {
            try running.finish(JobOutcome(exitCode: ExitStatus(error).rawValue, message: error.description))
            throw error
        }
    }
}
