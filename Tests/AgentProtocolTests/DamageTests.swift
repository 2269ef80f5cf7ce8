import AgentProtocol
import Failures
import Foundation
import JSONValues
import Testing

/// A small answer as it really goes over the wire, cut and damaged everywhere.
@Suite("A damaged connection", .timeLimit(.minutes(2)))
struct DamageTests {
    private let wire: [UInt8]
    private let whole: Answer

    init() throws {
        let (near, far) = try channelPair()
        let recording = RecordingChannel(near)
        let agent = try connect(far, to: .caller)
        let caller = try connect(recording)
        try agent.send(.step("reading"))
        try bytes(agent, Array("some data".utf8))
        try bytes(agent, Array(" and more".utf8))
        _ = try agent.endData()
        try agent.send(.result(.object([JSONMember("rows", .integer(7))])))
        whole = try takeAnswer(caller)
        wire = recording.received
        try #require(whole.data == Array("some data and more".utf8))
    }

    private func replay(_ wire: [UInt8], pieces: Int = .max, then end: ScriptedChannel.End = .closed) throws -> Answer {
        try takeAnswer(connect(ScriptedChannel(wire, pieces: pieces, then: end)))
    }

    @Test("that is whole and only slow gives what was sent", arguments: [1, 2, 7, 4096])
    func slow(_ pieces: Int) throws { #expect(try replay(wire, pieces: pieces) == whole) }

    @Test("that is cut at any byte is cut, whether the other side ends or falls silent")
    func cuts() throws {
        for end in [ScriptedChannel.End.closed, .failing] {
            for length in 0..<wire.count {
                let failure = failure("\(length)") { _ = try replay(Array(wire.prefix(length)), then: end) }
                #expect(failure?.code == .unreachable, "cut at \(length): \(String(describing: failure))")
            }
        }
    }

    @Test("in which any bit is another is noticed")
    func flips() throws {
        for position in wire.indices {
            for bit in 0..<8 {
                var damaged = wire
                damaged[position] ^= 1 << bit
                let failure = failure("\(position) \(bit)") { _ = try replay(damaged) }
                let codes: [Failure.Code] =
                    position < greeting.count ? [.failed, .refused, .unreachable] : [.verificationFailed]
                #expect(
                    failure.map { codes.contains($0.code) } == true,
                    "\(position).\(bit): \(String(describing: failure))")
            }
        }
    }

    @Test("from which any byte is missing, or has come twice, is noticed")
    func missing() throws {
        for position in greeting.count..<wire.count {
            var lost = wire
            lost.remove(at: position)
            var doubled = wire
            doubled.insert(wire[position], at: position)
            // After the last byte all has been said.
            for damaged in position == wire.count - 1 ? [lost] : [lost, doubled] {
                let failure = failure("\(position)") { _ = try replay(damaged) }
                #expect(failure.map { [.verificationFailed, .unreachable].contains($0.code) } == true, "\(position)")
            }
        }
    }

    @Test("on which something else came first shows what that was")
    func garbage() throws {
        for text in [
            "sh: 1: daytwo: not found\n", "OCI runtime exec failed", "daytwo agent protocol one\n", "\u{0}\u{1}",
        ] {
            let failure = failure(text) { _ = try replay(Array(text.utf8) + wire) }
            #expect(failure?.code == .failed)
            let first = text.split(separator: "\n").first.map(String.init) ?? ""
            #expect(
                failure?.why?.contains(first.debugDescription.dropFirst().dropLast()) == true, "\(failure?.why ?? "")")
        }
    }

    @Test("of another version is refused by its number, and nothing is said to it")
    func version() throws {
        let channel = ScriptedChannel(Array("daytwo agent protocol 27\n".utf8))
        let connection = try connect(channel)
        let failure = failure { try connection.send(.request(operation: "backup", .string("secret"))) }
        #expect(failure?.code == .refused)
        #expect(failure?.what.contains("version 27") == true)
        #expect(!String(decoding: channel.sent, as: UTF8.self).contains("secret"))
    }

    @Test(
        "with a frame that there cannot be is damaged",
        arguments: [
            head(1, 1 << 20 | 1), head(2, 256 << 10 | 1), head(2, 0), head(3, 39), head(5, 5), head(6, 1), head(9, 4),
            head(0, 0), head(1, 0xFFFFFF),
        ])
    func frames(_ head: [UInt8]) throws {
        let failure = failure { _ = try replay(greeting + head, then: .failing) }
        #expect(failure?.code == .verificationFailed)
    }

    @Test("over which more comes than may lie unread is ended")
    func tooMuch() throws {
        let frame = head(2, 256 << 10) + [UInt8](repeating: 1, count: 256 << 10)
        let connection = try connect(
            ScriptedChannel(greeting + Array(repeatElement(frame, count: 17).joined()), then: .silent))
        var ended: Failure?
        for _ in 0..<20_000 where ended == nil {
            do throws(Failure) { try connection.check() } catch { ended = error }
            usleep(1000)
        }
        #expect(ended?.code == .verificationFailed)
        #expect(ended?.why?.contains("more than it may") == true)
    }

    @Test("on which no data is acknowledged as other data is noticed")
    func acknowledgement() throws {
        let (near, far) = try channelPair()
        let (caller, agent) = (try connect(near), try connect(far, to: .caller))
        try bytes(agent, [1, 2, 3])
        let sum = try agent.endData()
        for _ in 0..<2 { _ = try caller.receive() }
        try bytes(caller, [1, 2, 3, 4])
        try caller.acknowledge(caller.endData())
        for _ in 0..<2 { _ = try agent.receive() }
        let failure = failure { try agent.awaitAcknowledgement(of: sum) }
        #expect(failure?.code == .verificationFailed)
    }
}
