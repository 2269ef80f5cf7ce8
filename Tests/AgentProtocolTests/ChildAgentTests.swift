import AgentProtocol
import Failures
import Foundation
import JSONValues
import Processes
import Testing

/// Against an agent that was written after the protocol's page, in another language.
@Suite("An agent at the other end of two pipes", .timeLimit(.minutes(2)))
struct ChildAgentTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Support/agent_peer.py").path

    private func start(_ mode: String, silence: Duration = .seconds(60)) throws -> ChildAgent {
        signal(SIGPIPE, SIG_IGN)
        return try ChildAgent(
            ProcessCommand("/usr/bin/env", ["python3", "-B", Self.script, mode]), errors: .inherited, silence: silence,
            uptime: uptime)
    }

    /// Sends so much that it has to wait for room, and takes the answer, of twice the length.
    private func talk(_ agent: ChildAgent) throws -> Answer {
        let connection = try connect(agent.channel)
        defer { connection.close() }
        try connection.send(.request(operation: "double", .null))
        for number in 0..<9 { try bytes(connection, [UInt8](repeating: UInt8(number), count: 1 << 20)) }
        try connection.awaitAcknowledgement(of: connection.endData())
        let answer = try takeAnswer(connection)
        if let sum = answer.sum { try connection.acknowledge(sum) }
        return answer
    }

    @Test("understands what is sent, and is understood")
    func agrees() throws {
        let agent = try start("good")
        let answer = try talk(agent)
        #expect(answer.data.count == 18 << 20 && answer.data[9 << 20] == 0 && answer.data.last == 8)
        #expect(answer.messages.first == .step("doubling"))
        #expect(answer.messages.last == .result(.object([JSONMember("operation", .string("double"))])))
        #expect(try agent.process.wait(atMost: .seconds(60), uptime: uptime) == .exited(0))
    }

    @Test(
        "that goes wrong is known by what it did",
        arguments: [
            ("shell", Failure.Code.failed), ("none", .unreachable), ("killed", .unreachable), ("silent", .unreachable),
            ("failing", .locked), ("cut", .unreachable), ("liar", .verificationFailed),
        ])
    func goesWrong(_ mode: String, _ code: Failure.Code) throws {
        let agent = try start(mode, silence: mode == "silent" ? .seconds(2) : .seconds(60))
        let failure = failure(mode) { _ = try talk(agent) }
        #expect(failure?.code == code, "\(String(describing: failure))")
        if mode == "shell" { #expect(failure?.why?.contains("daytwo: not found") == true) }
        if mode == "failing" { #expect(failure?.next == "wait" && failure?.why == "since noon") }
        try agent.process.stop(grace: .zero, uptime: uptime)
    }
}
