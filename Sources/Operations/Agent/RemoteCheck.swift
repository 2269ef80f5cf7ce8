public import AgentProtocol
public import Failures
import JSONValues

/// Asks an agent what it is and what it sees.
public struct RemoteCheck: Sendable {
    private let channel: any AgentChannel
    private let context: OperationContext

    /// Prepares it; nothing is sent yet.
    public init(over channel: any AgentChannel, _ context: OperationContext) {
        self.channel = channel
        self.context = context
    }

    /// Asks about a data directory and a scratch directory, as the agent sees them.
    public func run(dataDirectory: String, scratchDirectory: String) throws(Failure) -> AgentReport {
        let connection = try AgentConnection(
            over: channel, to: .agent, uptime: context.uptime, checkStop: context.checkStop)
        defer { connection.close() }
        let place = AgentOperation.Place(dataDirectory: dataDirectory, scratchDirectory: scratchDirectory)
        try connection.send(.request(operation: AgentOperation.check.rawValue, JSONValue(encoding: place)))
        guard case .end(let sum) = try connection.receive(),
            case .message(.result(let result)) = try connection.receive()
        else { throw Failure(.failed, "the agent answered something else than what it sees") }
        try connection.acknowledge(sum)
        return try result.understood(AgentReport.self, "the agent's report")
    }
}
