import Failures
import Foundation
import Jobs
import Operations
import Synchronization
import Threads

/// The job that this process works on, if it does: what is done is told to it, and whoever cancels it is heard.
///
/// Bookkeeping that fails stops no work: it is said once, and the work goes on without.
final class ActiveJob: Sendable {
    private struct State: Sendable {
        var running: RunningJob?
        var progress: String?
        var stopReason: String?
        var isLost = false
        var isOver = false
        var isUnfinished: @Sendable () -> Bool = { false }
    }

    private let state = Monitor(State())
    private let watcher = Mutex<OwnedThread?>(nil)
    private let warn: @Sendable (String) -> Void

    init(warn: @escaping @Sendable (String) -> Void) { self.warn = warn }

    /// The job, once there is one.
    var job: Job? { state.change { $0.running?.job } }

    /// Takes a job over, and begins to show that it lives.
    func adopt(_ running: RunningJob) {
        state.change { $0.running = running }
        let start = Uptime.now
        do throws(Failure) {
            let thread = try OwnedThread { [weak self] () throws(Failure) in self?.watch(running, since: start) }
            watcher.withLock { $0 = thread }
        } catch {
            warn("the job's signs of life cannot be shown: \(error.description)")
        }
    }

    /// What tells at the end whether something is left half-way.
    func ask(_ isUnfinished: @escaping @Sendable () -> Bool) { state.change { $0.isUnfinished = isUnfinished } }

    /// What the operation does now.
    func report(_ event: OperationContext.Progress) {
        guard case .step(let step) = event else { return }
        log(.info, step)
        state.change { $0.progress = step }
    }

    /// A line for the job's log.
    func log(_ level: JobLogLine.Level, _ text: String) {
        guard let running = state.change({ $0.isLost ? nil : $0.running }) else { return }
        attempt { () throws(Failure) in try running.log(level, text) }
    }

    /// Throws when somebody cancelled the job, or its time is over.
    func check(next: String) throws(Failure) {
        guard let reason = state.change({ $0.stopReason }) else { return }
        throw Failure(
            .failed, "the job was stopped", why: reason, next: next, cause: StopSignal.terminate)
    }

    /// Writes how it ended; called once, at the very end.
    func finish(_ outcome: JobOutcome) {
        let (running, isUnfinished) = state.change { state in
            state.isOver = true
            return (state.running, state.isUnfinished)
        }
        watcher.withLock { $0 = nil }
        guard let running else { return }
        var outcome = outcome
        if outcome.exitCode != 0, isUnfinished() { outcome.isUnfinished = true }
        attempt { () throws(Failure) in _ = try running.finish(outcome) }
    }

    private func attempt(_ body: () throws(Failure) -> Void) {
        do throws(Failure) {
            try body()
        } catch {
            let isFirst = state.change { state in
                defer { state.isLost = true }
                return !state.isLost
            }
            if isFirst { warn("the job cannot be recorded any more: \(error.description)") }
        }
    }

    private func watch(_ running: RunningJob, since start: Duration) {
        var beat = start
        var shown: String?
        while state.wait(atMost: .milliseconds(500), { $0.isOver ? true : nil }) == nil {
            let now = Uptime.now
            let progress = state.change { $0.progress }
            attempt { () throws(Failure) in
                if let seconds = running.job.timeout, now - start > .seconds(seconds) { try running.noteTimeout() }
                var cancelledBy: String?
                if progress != shown && now - beat > .seconds(1) || now - beat > .seconds(RunningJob.heartbeatInterval)
                {
                    cancelledBy = try running.heartbeat(progress: progress)
                    (beat, shown) = (now, progress)
                } else {
                    cancelledBy = try running.cancelRequest()
                }
                if let cancelledBy {
                    state.change { $0.stopReason = "by \(cancelledBy)" }
                }
            }
        }
    }
}
