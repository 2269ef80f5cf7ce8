import ArgumentParser
import Failures
import Foundation
import Jobs
import Monitoring
import Policies
import Synchronization
import Threads

/// `daytwo scheduler serve`.
struct SchedulerServe: OperationCommand {
    static let configuration = CommandConfiguration.verb(
        "serve", abstract: "Stay, and run everything when it is due.",
        discussion: """
            Jobs run in processes of their own, which go on when the scheduler is stopped or restarted. A changed \
            configuration is read again by itself. Several schedulers may share a state directory.
            """,
        exits: [.refused, .denied, .notFound])

    @Option(help: ArgumentHelp("Serve Prometheus metrics there, such as 127.0.0.1:9920.", valueName: "address"))
    var metrics: String?

    @OptionGroup var global: GlobalOptions

    func perform(_ session: Session) throws(Failure) -> ExitStatus {
        let log = SchedulerLog(isQuiet: global.quiet)
        let systemd = SystemdNotification()
        let loop = try SchedulerLoop(session, log, .serve)
        let housekeeping = Housekeeping(session, log)
        let server = try metrics.map { text throws(Failure) in try serve(housekeeping, text, log) }
        let keeper = try HousekeepingThread(housekeeping, loop.configuration, session)
        defer { keeper.stop() }
        log.write(.info, "the scheduler runs; configuration \(loop.configuration.path)")
        systemd.ready()
        var nextSign = Duration.zero
        try loop.run(
            until: { StopSignal.current != nil },
            afterPass: { configuration, working in
                keeper.configuration = configuration
                if Uptime.now >= nextSign {
                    systemd.alive("\(working) jobs at work")
                    nextSign = Uptime.now + min(systemd.watchdogInterval ?? .seconds(20), .seconds(20))
                }
            })
        systemd.stopping()
        server?.stop()
        log.write(.info, "the scheduler stops; jobs at work go on by themselves")
        // Stopped as it is meant to be: that is no failure of a service.
        return .done
    }

    private func serve(
        _ housekeeping: Housekeeping, _ address: String, _ log: SchedulerLog
    ) throws(Failure) -> MetricsServer {
        let server = try MetricsServer(
            on: ListenAddress(address),
            .init(metrics: { () throws(Failure) in
                guard let metrics = housekeeping.metrics else {
                    throw Failure(.unreachable, "the first survey is not done yet")
                }
                return metrics
            }), uptime: { Uptime.now })
        log.write(.info, "metrics at http://\(server.address)/metrics")
        return server
    }
}

/// Keeps house on a thread of its own.
final class HousekeepingThread: Sendable {
    private struct State: Sendable {
        var configuration: DaytwoConfiguration
        var isOver = false
    }

    private let state: Monitor<State>
    private let thread: OwnedThread

    init(_ housekeeping: Housekeeping, _ configuration: DaytwoConfiguration, _ session: Session) throws(Failure) {
        let state = Monitor(State(configuration: configuration))
        self.state = state
        let queue = JobQueue(try session.openState(), context: JobSurroundings.context(origin: "scheduler"))
        thread = try OwnedThread { () throws(Failure) in
            repeat {
                housekeeping.run(state.change { $0.configuration }, queue)
            } while state.wait(atMost: .seconds(5), { $0.isOver ? true : nil }) == nil
        }
    }

    /// What is in force.
    var configuration: DaytwoConfiguration {
        get { state.change { $0.configuration } }
        set { state.change { $0.configuration = newValue } }
    }

    /// Ends it, and waits for that.
    func stop() {
        state.change { $0.isOver = true }
        _ = thread.result()
    }
}
