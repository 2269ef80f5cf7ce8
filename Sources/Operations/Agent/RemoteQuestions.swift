import AgentProtocol
import Failures
import JSONValues

/// Has an agent ask a virtual API; one channel is for one round of questions.
struct RemoteQuestions {
    private static let longestAnswers = 128 << 20

    let channel: any AgentChannel
    let context: OperationContext

    init(over channel: any AgentChannel, _ context: OperationContext) {
        self.channel = channel
        self.context = context
    }

    /// The answers, as many as there are questions.
    func ask(_ questions: VirtualQuestions) throws(Failure) -> VirtualAnswers {
        let connection = try AgentConnection(
            over: channel, to: .agent, uptime: context.uptime, checkStop: context.checkStop)
        defer { connection.close() }
        try connection.send(.request(operation: AgentOperation.ask.rawValue, JSONValue(encoding: questions)))
        return try connection.receive(
            answer: VirtualAnswers.self, limit: Self.longestAnswers,
            agree: { answers throws(Failure) in
                guard answers.answers.count == questions.number else {
                    throw Failure(.failed, "the agent did not answer each question")
                }
            })
    }
}
