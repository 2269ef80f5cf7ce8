import AgentProtocol
import Failures
import Files
import Foundation
import JSONValues
import Synchronization
import Testing

@Suite("A connection", .timeLimit(.minutes(2)))
struct ConnectionTests {
    @Test("carries every part of a failure, and of those beneath it")
    func failures() throws {
        for code in Failure.Code.allCases {
            let (near, far) = try channelPair()
            let (caller, agent) = (try connect(near), try connect(far, to: .caller))
            try agent.send(.step("x"))
            _ = try caller.receive()
            try caller.send(.step("heard"))
            _ = try agent.receive()
            let beneath = Failure(.denied, "cannot open \"a\"\n\u{7}", why: "no rights", cause: SystemError(13))
            agent.fail(Failure(code, "what", why: "why é", next: "next", cause: beneath))
            let told = failure { _ = try caller.receive() }
            #expect(told?.code == code && told?.what == "what" && told?.why == "why é" && told?.next == "next")
            let cause = try #require(told?.cause as? Failure)
            #expect(cause.code == .denied && cause.what == beneath.what && cause.why == "no rights")
            #expect((cause.cause as? Failure)?.what.contains("13") == true)
            #expect(failure { try caller.check() }?.code == code)
            // What cannot be said any more fails with the reason of the other side.
            #expect(failure { try caller.send(.step("more")) }?.code == code)
        }
    }

    @Test("carries messages as they are")
    func messages() throws {
        let (near, far) = try channelPair()
        let (caller, agent) = (try connect(near), try connect(far, to: .caller))
        let messages: [AgentMessage] = [
            .request(operation: "backup", .object([JSONMember("a", .array([.null, .bool(true)]))])), .step("é\u{0}"),
            .progress(5, of: nil), .progress(Int64.max, of: 9), .warning("w"), .result(.number("1e400")),
        ]
        for message in messages { try agent.send(message) }
        for message in messages {
            guard case .message(let heard) = try caller.receive() else {
                Issue.record("no message")
                return
            }
            #expect(heard == message)
        }
        #expect(failure { try agent.send(.step(String(repeating: "x", count: 1 << 20))) }?.code == .failed)
    }

    @Test("carries much data both ways at once")
    func bothWays() async throws {
        let (near, far) = try channelPair()
        let (caller, agent) = (try connect(near), try connect(far, to: .caller))
        let (here, there) = (try sides(caller, seed: 1), try sides(agent, seed: 2))
        let results = try await withThrowingTaskGroup(of: (String, DataSum).self) { group in
            for (name, side) in [("caller", here), ("agent", there)] {
                group.addTask { ("\(name) sent", try await onThread(side.send)) }
                group.addTask { ("\(name) received", try await onThread(side.receive)) }
            }
            return try await group.reduce(into: [String: DataSum]()) { $0[$1.0] = $1.1 }
        }
        #expect(results["caller sent"] == results["agent received"])
        #expect(results["agent sent"] == results["caller received"])
        #expect(results["agent sent"]?.size == 48 << 20)
        #expect(results["agent sent"] != results["caller sent"])
    }

    private struct Side: Sendable {
        let send: @Sendable () throws -> DataSum
        let receive: @Sendable () throws -> DataSum
    }

    private func sides(_ connection: AgentConnection, seed: UInt8) throws -> Side {
        Side(
            send: {
                for number in 0..<48 {
                    try bytes(connection, [UInt8](repeating: seed &+ UInt8(number), count: 1 << 20))
                    try connection.send(.progress(Int64(number), of: 48))
                }
                return try connection.endData()
            },
            receive: {
                while true {
                    if case .end(let sum) = try connection.receive() { return sum }
                }
            })
    }

    @Test("lets no more be sent than may lie unread, and goes on once it is read")
    func backPressure() throws {
        let (near, far) = try channelPair()
        let waits = Atomic<Int>(0)
        let caller = try connect(near)
        let agent = try AgentConnection(
            over: far, to: .caller, timing: timing(), uptime: uptime,
            checkStop: { () throws(Failure) in
                waits.add(1, ordering: .relaxed)
                throw Failure(.refused, "waited")
            })
        // Both have greeted before anything is waited for.
        try caller.send(.step("x"))
        while true {
            do throws(Failure) {
                _ = try agent.receive()
                break
            } catch { #expect(error.code == .refused) }
        }
        var sent = 0
        let piece = [UInt8](repeating: 7, count: 100 << 10)
        let failure = failure {
            while sent < 64 << 20 {
                try bytes(agent, piece)
                sent += piece.count
            }
        }
        #expect(failure?.code == .refused)
        #expect(sent > 3 << 20 && sent <= 4 << 20, "\(sent)")
        var taken = 0
        while taken < sent {
            guard case .data(let bytes) = try caller.receive() else { break }
            taken += bytes.count
        }
        #expect(taken == sent)
    }

    @Test("to a silent side ends by the channel's deadline")
    func silence() throws {
        let (near, far) = try channelPair(silence: .milliseconds(50))
        defer { far.close() }
        let connection = try connect(near)
        let silent = failure { _ = try connection.receive() }
        #expect(silent?.code == .unreachable && silent?.what.contains("says nothing") == true)
        #expect(failure { try connection.send(.step("x")) }?.code == .unreachable)
    }

    @Test("to a side that takes nothing ends by the channel's deadline")
    func deaf() throws {
        let (near, far) = try channelPair(silence: .milliseconds(50))
        defer { far.close() }
        let failure = failure {
            try [UInt8](repeating: 0, count: 1 << 20).withBytes { bytes throws(Failure) in try near.send(bytes) }
        }
        #expect(failure?.code == .unreachable)
        #expect(failure?.what.contains("takes nothing") == true)
    }

    @Test("to a side that lives and does nothing ends, and one that works slowly does not")
    func stall() throws {
        let (near, far) = try channelPair(silence: .milliseconds(500))
        let agent = try connect(far, to: .caller, timing: timing(pulse: .milliseconds(20)))
        let caller = try connect(near, timing: timing(pulse: .milliseconds(20), stall: .seconds(2)))
        // Longer than the silence that is allowed: signs of life are what the channel hears.
        usleep(800_000)
        try agent.send(.step("late"))
        guard case .message(.step("late")) = try caller.receive() else {
            Issue.record("something else")
            return
        }
        let failure = failure { _ = try caller.receive() }
        #expect(failure?.code == .unreachable)
        #expect(failure?.what.contains("does not get on") == true)
        try agent.check()
    }

    @Test("that somebody stops ends at once")
    func stopped() throws {
        let (near, far) = try channelPair()
        let other = try connect(far, to: .caller)
        let connection = try AgentConnection(
            over: near, to: .agent, timing: timing(), uptime: uptime,
            checkStop: { () throws(Failure) in throw Failure(.failed, "stopped") })
        #expect(failure { _ = try connection.receive() }?.what == "stopped")
        try other.check()
    }

    @Test("whose other side goes ends with it, and a closed one lets go what waits")
    func gone() throws {
        let (near, far) = try channelPair()
        let caller = try connect(near)
        do {
            let agent = try connect(far, to: .caller)
            try bytes(agent, [1, 2, 3])
            agent.close()
        }
        guard case .data([1, 2, 3]) = try caller.receive() else {
            Issue.record("what was sent before is lost")
            return
        }
        let failure = failure { _ = try caller.receive() }
        #expect(failure?.code == .unreachable)
        #expect(failure?.what.contains("the agent ended") == true)
    }
}

/// Runs what blocks on a thread of its own.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
