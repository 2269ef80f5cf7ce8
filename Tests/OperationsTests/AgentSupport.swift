import AgentProtocol
import Failures
import Files
import Foundation
import Operations
import Processes
import Stores
import Synchronization
import Testing

private let start = ContinuousClock().now

/// What an operation needs from outside.
func testContext(
    checkStop: @escaping @Sendable () throws(Failure) -> Void = {},
    report: @escaping @Sendable (OperationContext.Progress) -> Void = { _ in }
) -> OperationContext {
    OperationContext(
        now: { Date() }, uptime: { start.duration(to: ContinuousClock().now) },
        newID: { UUID().uuidString.lowercased().filter { $0 != "-" } }, workers: 2, report: report, checkStop: checkStop
    )
}

/// `daytwo agent VERB` as a process, with nothing of its surroundings: no home, no state directory, no configuration.
func startAgent(
    _ verb: String, _ more: [String] = [], errors: String? = nil, under: [String] = []
) throws -> ChildAgent {
    signal(SIGPIPE, SIG_IGN)
    let words = under + [Tools.daytwo, "agent", verb] + more
    return try ChildAgent(
        ProcessCommand(words[0], Array(words.dropFirst()), environment: [:], directory: "/"),
        errors: errors.map { .appended($0) } ?? .discarded, silence: .seconds(60), uptime: testContext().uptime)
}

/// How an agent ended; one that does not end fails.
func end(of agent: ChildAgent) throws -> ProcessEnd? {
    let end = try agent.process.wait(atMost: .seconds(60), uptime: testContext().uptime)
    if end == nil { try agent.process.stop(grace: .zero, uptime: testContext().uptime) }
    return end
}

/// A channel to which something happens once so many bytes have come.
final class TroubledChannel: AgentChannel {
    enum Trouble {
        case endsQuietly
        case breaks
        case action(@Sendable () -> Void)
        case flips
    }

    private let base: any AgentChannel
    private let limit: Int
    private let trouble: Trouble
    private let count = Mutex(0)

    init(_ base: any AgentChannel, after limit: Int, _ trouble: Trouble) {
        self.base = base
        self.limit = limit
        self.trouble = trouble
    }

    var received: Int { count.withLock { $0 } }

    func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try base.send(bytes) }

    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        let before = received
        var buffer = buffer
        if before < limit { buffer = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(limit - before)) }
        if before == limit {
            switch trouble {
            case .endsQuietly: return 0
            case .breaks: throw Failure(.unreachable, "the wire broke")
            case .action(let body): body()
            case .flips: break
            }
        }
        let read = try base.receive(into: buffer)
        if case .flips = trouble, before == limit, read > 0 { buffer[0] ^= 4 }
        count.withLock { $0 += read }
        return read
    }

    func close() { base.close() }
}

/// Every file below a directory.
func files(below path: String) throws -> [String] {
    try walkTree(path).filter { $0.status.kind == .regular }.map(\.path)
}
