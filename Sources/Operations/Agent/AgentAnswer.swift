import AgentProtocol
import Failures
import Files
import JSONValues

extension AgentConnection {
    /// Sends an answer as data, since there is no limit to how long one is, and waits until it is taken.
    func send(answer: some Encodable) throws(Failure) {
        let bytes = try JSONValue(encoding: answer).serialized()
        try bytes.withBytes { bytes throws(Failure) in
            try sendData(bytes)
        }
        try awaitAcknowledgement(of: endData())
    }

    /// One answer of at most `limit` bytes, acknowledged once `agree` has not thrown.
    func receive<Answer: Decodable>(
        answer type: Answer.Type, limit: Int, hearing hear: (AgentMessage) -> Void = { _ in },
        agree: (Answer) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> Answer {
        var bytes: [UInt8] = []
        while true {
            switch try receive() {
            case .data(let piece):
                guard bytes.count + piece.count <= limit else { throw Failure.otherAnswer }
                bytes += piece
            case .end(let sum):
                let answer = try JSONValue(parsing: bytes).understood(type, "the agent's answer")
                try agree(answer)
                try acknowledge(sum)
                return answer
            case .message(let message): hear(message)
            case .acknowledgement: throw Failure.otherAnswer
            }
        }
    }
}

extension Failure {
    fileprivate static var otherAnswer: Failure {
        Failure(.failed, "the agent answered something else than it was asked for", next: "check the agent's image")
    }
}
