import AgentProtocol
import Failures
import Files
import Foundation
import JSONValues
import Synchronization
import Testing

private let start = ContinuousClock().now

/// Monotonic time.
let uptime: @Sendable () -> Duration = { start.duration(to: ContinuousClock().now) }

/// A channel that says what it was given, in pieces of a size, and then ends or is silent; what is sent to it is kept.
final class ScriptedChannel: AgentChannel {
    enum End { case closed, silent, failing }

    private struct State {
        var position = 0
        var sent: [UInt8] = []
        var isClosed = false
    }

    private let script: [UInt8]
    private let piece: Int
    private let end: End
    private let state = Mutex(State())

    init(_ script: [UInt8], pieces piece: Int = .max, then end: End = .closed) {
        self.script = script
        self.piece = piece
        self.end = end
    }

    var sent: [UInt8] { state.withLock { $0.sent } }

    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try state.withLock { state throws(Failure) in
            if state.isClosed { throw Failure(.unreachable, "gone") }
            state.sent += bytes
        }
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        while true {
            let (count, isClosed) = state.withLock { state in
                let rest = script[state.position...].prefix(min(piece, buffer.count))
                buffer.copyBytes(from: rest)
                state.position += rest.count
                return (rest.count, state.isClosed)
            }
            if count > 0 { return count }
            if isClosed { throw Failure(.failed, "closed") }
            switch end {
            case .closed: return 0
            case .failing: throw Failure(.unreachable, "the other side says nothing")
            case .silent: usleep(1000)
            }
        }
    }

    func close() { state.withLock { $0.isClosed = true } }
}

/// What is kept of a channel's other direction.
final class RecordingChannel: AgentChannel {
    private let base: any AgentChannel
    private let bytes = Mutex<[UInt8]>([])

    init(_ base: any AgentChannel) { self.base = base }

    var received: [UInt8] { bytes.withLock { $0 } }

    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try base.send(bytes) }
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        let count = try base.receive(into: buffer)
        bytes.withLock { $0 += buffer.prefix(count) }
        return count
    }
    func close() { base.close() }
}

/// Two channels that are each other's other side, over pipes.
func channelPair(silence: Duration = .seconds(60)) throws -> (DescriptorChannel, DescriptorChannel) {
    signal(SIGPIPE, SIG_IGN)
    var (there, back): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    try #require(pipe(&there) == 0 && pipe(&back) == 0)
    func end(_ number: Int32) -> FileDescriptor { FileDescriptor(owning: number, path: "(pipe)") }
    let caller = try DescriptorChannel(
        reading: end(back[0]), writing: end(there[1]), silence: silence, uptime: uptime)
    let agent = try DescriptorChannel(
        reading: end(there[0]), writing: end(back[1]), silence: silence, uptime: uptime)
    return (caller, agent)
}

/// Times for tests in which nobody has last words.
func timing(pulse: Duration = .seconds(10), stall: Duration = .seconds(60)) -> ConnectionTiming {
    var timing = ConnectionTiming()
    timing.pulse = pulse
    timing.stall = stall
    timing.lastWords = .milliseconds(20)
    return timing
}

/// All that a side says up to its result.
struct Answer: Equatable {
    var messages: [AgentMessage] = []
    var data: [UInt8] = []
    var sum: DataSum?
}

/// Takes everything up to the result, as a caller does.
func takeAnswer(_ connection: AgentConnection) throws(Failure) -> Answer {
    var answer = Answer()
    while true {
        switch try connection.receive() {
        case .data(let bytes): answer.data += bytes
        case .end(let sum): answer.sum = sum
        case .message(let message):
            answer.messages.append(message)
            if case .result = message, answer.sum != nil { return answer }
        case .acknowledgement: throw Failure(.failed, "an acknowledgement of nothing")
        }
    }
}

func connect(_ channel: any AgentChannel, to peer: Peer = .agent, timing: ConnectionTiming = timing()) throws
    -> AgentConnection
{
    try AgentConnection(over: channel, to: peer, timing: timing, uptime: uptime)
}

/// The failure that a body throws; a body that throws none fails the test.
func failure(
    _ note: String = "", _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> Failure? {
    do {
        try body()
        Issue.record("did not throw: \(note)", sourceLocation: location)
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("threw \(error): \(note)", sourceLocation: location)
    }
    return nil
}

func bytes(_ connection: AgentConnection, _ data: [UInt8]) throws(Failure) {
    try data.withBytes { buffer throws(Failure) in try connection.sendData(buffer) }
}

/// A head as the protocol's page has it, written down a second time.
func head(_ kind: UInt8, _ length: Int) -> [UInt8] {
    let four = [kind, UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
    return four + four.map { $0 ^ 255 }
}

let greeting = Array("daytwo agent protocol 2\n".utf8)
