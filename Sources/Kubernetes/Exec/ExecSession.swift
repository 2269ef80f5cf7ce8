public import Failures
internal import Transfer

/// A command that runs in a container, with its input, output and errors; for one thread.
///
/// Nothing is read but in ``receive()`` and ``send(_:received:)``, and nothing is kept: who does not take, makes the
/// command wait. Neither waits for the other: while input cannot go, output is handed over.
///
/// All throw `unreachable` when the connection breaks, ends without the command's status, or is silent too long; what
/// `checkStop` throws; and `failed` or `refused` for a server that does not keep to the protocol.
public final class ExecSession {
    /// `v5.channel.k8s.io` or `v4.channel.k8s.io`
    public let protocolName: String
    /// Whether the end of the input can be told; before v5 it cannot, and the command must know it from what it reads.
    public var canCloseInput: Bool { protocolName.hasPrefix("v5.") }

    /// A descriptor of the caller's: while it can be read, no call waits before it has asked `checkStop` again.
    public var wakeDescriptor: Int32? {
        get { wire.wake }
        set { wire.wake = newValue }
    }

    private static let largestStatus = 64 << 10
    /// What is handed over at once, but for the last piece in it.
    private static let largestOutput = 256 << 10
    /// How long output that is on its way when the status comes is waited for.
    private static let patienceAfterStatus: Duration = .seconds(5)
    private static let outputChannel: UInt8 = 1
    private static let errorChannel: UInt8 = 2
    private static let statusChannel: UInt8 = 3
    private static let closeChannel: UInt8 = 255

    private var wire: ExecWire
    private let command: ExecRequest
    private let deed: String
    private let redaction: Redaction
    private var decoder = WebSocketDecoder()
    private var outbox: [UInt8] = []
    private var outboxPosition = 0
    private var channel: UInt8?
    /// What came after the output that was handed over last.
    private var following: Result<ExecEvent, Failure>?
    private var status: [UInt8] = []
    private var end: ExecEnd?
    private var statusTime: Duration?
    private var isClosed = false
    private var isDeaf = false
    private var inputIsClosed = false
    private var lastSign: Duration = .zero
    private var lastPing: Duration = .zero

    init(
        _ wire: consuming ExecWire, rest: [UInt8], protocol name: String, _ command: ExecRequest, deed: String,
        redaction: Redaction
    ) {
        self.wire = wire
        self.command = command
        self.deed = deed
        self.redaction = redaction
        protocolName = name
        decoder.feed(rest)
    }

    /// Sends input, all of it, and hands over what comes meanwhile. False when the command takes no more: it has ended,
    /// or the connection has, and ``receive()`` tells which.
    public func send(
        _ bytes: some Collection<UInt8>, received: (ExecEvent) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard command.hasInput, !inputIsClosed else {
            throw Failure(.usage, "cannot \(deed): it was started without input, or its input is closed")
        }
        startWaiting()
        let all = Array(bytes)
        var rest = all[...]
        while !rest.isEmpty {
            let piece = rest.prefix(WebSocketFrame.largestPayload)
            guard try deliver(received) else { return false }
            WebSocketFrame.append(.binary, channel: 0, piece, to: &outbox)
            rest = rest.dropFirst(piece.count)
        }
        return try deliver(received)
    }

    /// Tells the command that its input is at its end. Throws `refused` where ``canCloseInput`` is false.
    public func closeInput(received: (ExecEvent) throws(Failure) -> Void) throws(Failure) {
        guard canCloseInput else {
            throw Failure(
                .refused, "cannot close the input of a command: the server speaks only \(protocolName)",
                next: "Let the command know the length of its input.")
        }
        guard command.hasInput, !inputIsClosed else { return }
        inputIsClosed = true
        startWaiting()
        guard try deliver(received) else { return }
        WebSocketFrame.append(.binary, channel: Self.closeChannel, [0], to: &outbox)
        _ = try deliver(received)
    }

    /// Waits for what comes next; after the end always the end.
    public func receive() throws(Failure) -> ExecEvent {
        startWaiting()
        while true {
            try wire.checkStop()
            try flush()
            if let event = try nextEvent() { return event }
            if let end, isOver { return .ended(end) }
            try refuseSilentEnd()
            if try read() { continue }
            try keepAlive()
            try wire.pause(writing: hasOutgoing)
        }
    }

    /// Says goodbye, as far as that goes without waiting. The connection ends with the session.
    public func close() {
        guard !isClosed, !isDeaf, !hasOutgoing else { return }
        WebSocketFrame.append(.close, [0x03, 0xE8], to: &outbox)
        try? flush()
    }

    /// Empties the outbox. False when it cannot be, because the command or the connection is at its end.
    private func deliver(_ received: (ExecEvent) throws(Failure) -> Void) throws(Failure) -> Bool {
        while true {
            try wire.checkStop()
            try flush()
            if end != nil || isClosed || isDeaf { return false }
            guard hasOutgoing else { return true }
            if let event = try nextEvent() {
                try received(event)
                startWaiting()
                continue
            }
            if try read() { continue }
            if wire.hasEnded { return false }
            try refuseSilence()
            try wire.pause(writing: true)
        }
    }

    private var hasOutgoing: Bool { outboxPosition < outbox.count }

    private func flush() throws(Failure) {
        guard hasOutgoing else { return }
        do throws(Failure) {
            while hasOutgoing {
                let count = try wire.send(outbox[outboxPosition...])
                if count == 0 { return }
                outboxPosition += count
                lastSign = wire.surroundings.uptime()
            }
            outbox.removeAll(keepingCapacity: true)
        } catch {
            // What the server sent before may still be there to read, the status with it.
            isDeaf = true
            outbox = []
        }
        outboxPosition = 0
    }

    /// Whether something came.
    private func read() throws(Failure) -> Bool {
        do throws(Failure) {
            let piece = try wire.receive()
            guard !piece.isEmpty else { return false }
            lastSign = wire.surroundings.uptime()
            decoder.feed(piece)
            return true
        } catch {
            if end != nil {
                isClosed = true
                return true
            }
            throw error.raised(to: error.code, "cannot \(deed): the connection broke before the command ended")
        }
    }

    /// The next event in what was read; output that came in many pieces is one.
    private func nextEvent() throws(Failure) -> ExecEvent? {
        if let next = following {
            following = nil
            return try next.get()
        }
        var output: [UInt8] = []
        while output.count < Self.largestOutput {
            let next: Result<ExecEvent?, Failure>
            do throws(Failure) { next = .success(try nextPart()) } catch { next = .failure(error) }
            if case .success(.output(let more)) = next {
                if output.isEmpty { output = more } else { output += more }
                continue
            }
            guard !output.isEmpty else { return try next.get() }
            switch next {
            case .success(let event): following = event.map { .success($0) }
            case .failure(let failure): following = .failure(failure)
            }
            break
        }
        return .output(output)
    }

    private func nextPart() throws(Failure) -> ExecEvent? {
        while !isClosed, let piece = try decoder.next() {
            switch piece {
            case .data(let bytes, let begins, let ends):
                if let event = try take(bytes, begins, ends) { return event }
            case .ping(let payload):
                // An answer that waits is answer enough, and pings cannot fill our memory.
                if !hasOutgoing, !isDeaf { WebSocketFrame.append(.pong, payload[...], to: &outbox) }
                try flush()
            case .pong: break
            case .close:
                isClosed = true
                if !hasOutgoing, !isDeaf { WebSocketFrame.append(.close, [0x03, 0xE8], to: &outbox) }
                try flush()
            }
        }
        return nil
    }

    private func take(_ bytes: [UInt8], _ begins: Bool, _ ends: Bool) throws(Failure) -> ExecEvent? {
        var content = bytes[...]
        if begins { channel = nil }
        if channel == nil { channel = content.popFirst() }
        switch channel {
        case Self.outputChannel where !content.isEmpty: return .output(Array(content))
        case Self.errorChannel where !content.isEmpty: return .error(Array(content))
        case Self.statusChannel where end == nil:
            status += content
            guard status.count <= Self.largestStatus else {
                throw Failure(.refused, "cannot \(deed)", why: "the command's status has no end")
            }
            if ends, !status.isEmpty {
                end = try ExecEnd.read(status, deed: deed, redaction: redaction)
                statusTime = wire.surroundings.uptime()
            }
            return nil
        default: return nil
        }
    }

    /// Whether nothing more can come, once the status is there.
    private var isOver: Bool {
        guard !isClosed, !wire.hasEnded, let statusTime else { return true }
        return wire.surroundings.uptime() - statusTime > Self.patienceAfterStatus
    }

    private func refuseSilentEnd() throws(Failure) {
        guard end == nil, isClosed || wire.hasEnded else { return }
        throw Failure(
            .unreachable, "cannot \(deed)", why: "the connection ended without the command's status",
            next: "Run it again.", cause: NoAnswerError(mayHaveArrived: true))
    }

    /// What others do between two calls is no silence of the server.
    private func startWaiting() {
        lastSign = max(lastSign, wire.surroundings.uptime())
        lastPing = max(lastPing, lastSign)
    }

    private func keepAlive() throws(Failure) {
        try refuseSilence()
        let now = wire.surroundings.uptime()
        guard now - lastPing >= command.pingInterval, !hasOutgoing, !isDeaf else { return }
        lastPing = now
        let sign = lastSign
        WebSocketFrame.append(.ping, [], to: &outbox)
        try flush()
        // Our own question is no sign of the server.
        lastSign = sign
    }

    private func refuseSilence() throws(Failure) {
        guard wire.surroundings.uptime() - lastSign > command.idleLimit else { return }
        throw Failure(
            .unreachable, "cannot \(deed)", why: "nothing came from the server for \(command.idleLimit)",
            next: "Run it again.", cause: NoAnswerError(mayHaveArrived: true))
    }
}
