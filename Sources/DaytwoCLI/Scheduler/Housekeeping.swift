import Failures
import Foundation
import Jobs
import Monitoring
import Operations
import Policies
import Synchronization

/// What a scheduler does beside starting jobs: it looks how the fleet stands, tells people, writes metrics, and trims the
/// history. None of it holds a job up.
final class Housekeeping: Sendable {
    private struct State: Sendable {
        var metrics: [UInt8]?
        var nextSurvey = Duration.zero
        var nextTrim = Duration.zero
        var told: Set<String> = []
    }

    /// A survey at most so often; for a large fleet a survey takes at most a twentieth of the time.
    private static let surveyInterval = Duration.seconds(60)
    private static let trimInterval = Duration.seconds(6 * 3600)

    private let session: Session
    private let log: SchedulerLog
    private let state = Mutex(State())

    init(_ session: Session, _ log: SchedulerLog) {
        self.session = session
        self.log = log
    }

    /// The metrics of the last survey.
    var metrics: [UInt8]? { state.withLock { $0.metrics } }

    /// Does what is due; `isForced`: the survey in any case.
    func run(_ configuration: DaytwoConfiguration, _ queue: JobQueue, isForced: Bool = false) {
        let context = session.context(stopped: "start the scheduler again")
        let announcements = Announcements(
            configuration, queue, context, hostName: JobSurroundings.hostName,
            environment: { Environment.value(of: $0) })
        if isForced || Uptime.now >= state.withLock({ $0.nextSurvey }) {
            survey(configuration, queue, announcements, context)
        }
        attempt("notifications") { () throws(Failure) in
            for failure in try announcements.deliver(within: .seconds(60)) {
                log.write(.warning, "a notification could not be delivered: \(failure.description)")
            }
        }
        if Uptime.now >= state.withLock({ $0.nextTrim }) {
            state.withLock { $0.nextTrim = Uptime.now + Self.trimInterval }
            attempt("history") { () throws(Failure) in
                _ = try queue.trim(olderThan: configuration.historyKeep)
                _ = try Outbox(queue.database, context: queue.context).trim(olderThan: configuration.historyKeep)
                try queue.sweepLeases()
            }
        }
    }

    private func survey(
        _ configuration: DaytwoConfiguration, _ queue: JobQueue, _ announcements: Announcements,
        _ context: OperationContext
    ) {
        let start = Uptime.now
        attempt("survey") { () throws(Failure) in
            let status = try FleetSurvey(configuration, queue, context).status()
            let metrics = status.metrics()
            state.withLock { $0.metrics = metrics }
            if let path = configuration.metricsTextFile {
                attempt("metrics") { () throws(Failure) in try writeMetricsFile(metrics, to: path) }
            }
            try announcements.announce(status)
        }
        state.withLock { $0.nextSurvey = Uptime.now + max(Self.surveyInterval, (Uptime.now - start) * 20) }
    }

    /// The same trouble is told once until it changes.
    private func attempt(_ what: String, _ body: () throws(Failure) -> Void) {
        do throws(Failure) {
            try body()
        } catch {
            let text = "\(what): \(error.description)"
            guard error.stopSignal == nil, state.withLock({ $0.told.insert(text).inserted }) else { return }
            log.write(.error, text)
        }
    }
}
