public import AgentProtocol
public import Failures
import JSONValues
import Synchronization

/// The agent's side: one request, answered over the connection that it came by.
public struct AgentService: Sendable {
    private let channel: any AgentChannel
    private let context: OperationContext
    private let timing: ConnectionTiming
    private let place: AgentOperation.Place?

    /// Serves a caller. What the context reports goes to the caller as well as to its own listener. With a place, the
    /// caller is served there whatever it says.
    public init(
        over channel: any AgentChannel, at place: AgentOperation.Place? = nil, _ context: OperationContext,
        timing: ConnectionTiming = ConnectionTiming()
    ) {
        self.place = place
        self.channel = channel
        self.context = context
        self.timing = timing
    }

    /// Does one operation and no other, and gives why what came of it is only partial. What it throws was told to the
    /// caller, unless it came from there.
    public func serve(_ operation: AgentOperation) throws(Failure) -> [String] {
        let connection = try AgentConnection(
            over: channel, to: .caller, timing: timing, uptime: context.uptime, checkStop: context.checkStop)
        do throws(Failure) {
            let reasons = try answer(operation, connection)
            connection.close()
            return reasons
        } catch {
            connection.fail(error)
            throw error
        }
    }

    private func answer(_ operation: AgentOperation, _ connection: AgentConnection) throws(Failure) -> [String] {
        guard case .message(.request(let name, let parameters)) = try connection.receive() else {
            throw Failure(.failed, "the caller asked for nothing")
        }
        guard name == operation.rawValue else {
            throw Failure(
                .failed, "this agent is for \(operation.rawValue)",
                why: "it was asked for \(String(name.prefix(40)).debugDescription)")
        }
        switch operation {
        case .backup: return try AgentBackup(connection, at: place, connected(connection)).run(parameters)
        case .check:
            let asked = try parameters.understood(AgentOperation.Place.self, "the request")
            let report = AgentReport(place ?? asked)
            let sum = try connection.endData()
            try connection.send(.result(JSONValue(encoding: report)))
            try connection.awaitAcknowledgement(of: sum)
            return []
        case .ask:
            let questions = try parameters.understood(VirtualQuestions.self, "the request")
            try connection.send(answer: AgentQuestions(questions, at: place, connected(connection)).answers())
            return []
        case .setAside, .dropAside:
            let aside = try AgentAside(required(place), connected(connection))
            let asked = try parameters.understood(AgentAsideParameters.self, "the request")
            let answer = try operation == .setAside ? aside.set(asked) : aside.drop(asked)
            try connection.send(answer: answer)
            return []
        case .restorePlan, .restoreRun, .restoreResume, .restoreRollback, .restoreList:
            try AgentRestore(connection, at: required(place), connected(connection)).answer(operation, parameters)
            return []
        }
    }

    private func required(_ place: AgentOperation.Place?) throws(Failure) -> AgentOperation.Place {
        guard let place else {
            throw Failure(
                .usage, "an agent that changes data must be told where that is",
                next: "give --data-dir and --scratch")
        }
        return place
    }

    /// The context of an operation that ends with its connection, and tells the caller how far it is.
    private func connected(_ connection: AgentConnection) -> OperationContext {
        var context = context
        let (outer, relay) = (context, ProgressRelay(to: connection, uptime: context.uptime))
        context.report = { event in
            outer.report(event)
            relay.report(event)
        }
        context.checkStop = { () throws(Failure) in
            try outer.checkStop()
            try connection.check()
        }
        return context
    }
}

/// Tells the caller what is being done: each step, and how far it is from time to time.
private final class ProgressRelay: Sendable {
    private static let interval = Duration.milliseconds(500)

    private let connection: AgentConnection
    private let uptime: @Sendable () -> Duration
    private let last = Mutex<Duration?>(nil)

    init(to connection: AgentConnection, uptime: @escaping @Sendable () -> Duration) {
        self.connection = connection
        self.uptime = uptime
    }

    func report(_ event: OperationContext.Progress) {
        do throws(Failure) {
            switch event {
            case .step(let text): try connection.send(.step(text))
            case .bytes(let done, let total):
                guard isDue() else { return }
                try connection.send(.progress(done, of: total))
            }
        } catch {
            // The operation itself asks whether its connection still stands.
        }
    }

    private func isDue() -> Bool {
        let now = uptime()
        return last.withLock { last in
            if let last, now - last < Self.interval { return false }
            last = now
            return true
        }
    }
}
