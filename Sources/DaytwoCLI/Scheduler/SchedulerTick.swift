import ArgumentParser
import Failures
import Files
import Foundation
import Jobs

/// `daytwo scheduler tick`.
struct SchedulerTick: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "tick", abstract: "Run what is due now, wait until it is done, and end: for cron.",
        discussion: """
            Where another tick is still at work, it finds what is due by itself: this one ends at once. Ends with 0 when the \
            passes worked; how jobs ended is told by notifications, metrics, jobs list and doctor.
            """,
        exits: [.refused, .denied, .notFound])

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let log = SchedulerLog(isQuiet: global.quiet)
        let loop = try SchedulerLoop(session, log, .tick)
        let path = "\(try session.settings.stateDirectory().path)/tick.lock"
        guard let lock = try FileLock.tryLock(path, exclusive: true, holder: "tick, process \(getpid())") else {
            log.write(.info, "another tick is at work")
            return .done
        }
        defer { withExtendedLifetime(lock) {} }
        var isIdle = false
        var problem: Failure?
        try loop.run(
            until: { isIdle || StopSignal.current != nil },
            afterPass: { _, working in
                do throws(Failure) {
                    if let failure = loop.lastProblem { throw failure }
                    // What is to be tried again much later is for a later tick.
                    let waiting = try loop.waiting(within: 5)
                    isIdle = working == 0 && waiting == 0
                    problem = nil
                } catch {
                    problem = error
                    isIdle = working == 0
                }
            })
        if let problem { throw problem }
        let queue = JobQueue(try session.openState(), context: JobSurroundings.context(origin: "scheduler"))
        Housekeeping(session, log).run(loop.configuration, queue, isForced: true)
        try StopSignal.check(next: "jobs at work go on by themselves")
        return .done
    }
}
