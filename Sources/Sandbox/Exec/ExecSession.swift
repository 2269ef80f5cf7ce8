internal import Failures
internal import JSONValues
internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// What an exec runs.
enum ExecPlan: Sendable {
    case process(String, [String], environment: [String: String], directory: String)
    case shell([String], MiniShell)
}

/// How an exec goes wrong on purpose.
enum ExecFault: Sendable, Equatable {
    /// The connection breaks after this many bytes of output.
    case cut(after: Int)
    /// The last bytes of output are lost, and the status says success.
    case losesTail(Int)
    /// Nothing more comes after this many bytes of output, and the connection stays.
    case stalls(after: Int)
    /// What runs in the container ends in this way after this many bytes of output.
    case kills(ContainerDeath, after: Int)
}

/// Why a node ends a container.
enum ContainerDeath: Sendable, Equatable {
    case evicted
    case outOfMemory
}

/// The program of an exec was ended with its container.
struct ContainerDied: Error {}

/// One exec over a WebSocket: channel 0 is input, 1 output, 2 errors, 3 the status; 255 closes one (version 5).
struct ExecSession: Sendable {
    static let largestPart = 24 << 10

    let plan: ExecPlan
    let command: [String]
    let subprotocol: String
    let hasInput: Bool
    let hasOutput: Bool
    let hasErrors: Bool
    let fault: ExecFault?
    /// Ends the container.
    let kill: @Sendable (ContainerDeath) async -> Void

    func run(over socket: WebSocket) async {
        do {
            try await socket.executeThenClose { inbound, outbound in
                let wire = ExecWire(outbound: outbound, channel: socket.channel, session: self)
                try await wire.open()
                let input = ExecInput(inbound, outbound, isVersion5: subprotocol.hasPrefix("v5"))
                let status = try await execute(input, wire)
                try await wire.finish(status)
            }
        } catch {
            // The other side is gone, or a fault cut the connection.
            socket.channel.close(promise: nil)
        }
    }

    private func execute(_ input: ExecInput, _ wire: ExecWire) async throws -> JSONValue {
        switch plan {
        case .process(let program, let arguments, let environment, let directory):
            let code = try await ExecProcess.run(
                program, arguments, environment: environment, directory: directory, input, wire)
            return status(code)
        case .shell(let command, let shell): return try await run(command, in: shell, input, wire)
        }
    }

    private func run(
        _ command: [String], in shell: MiniShell, _ input: ExecInput, _ wire: ExecWire
    ) async throws -> JSONValue {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let reader = Task {
            while let bytes = try await input.next() { continuation.yield(Array(bytes.readableBytesView)) }
            continuation.finish()
        }
        if !hasInput { continuation.finish() }
        defer { reader.cancel() }
        let pending = Pending(stream)
        let streams = MiniShell.Streams(
            read: { await pending.next() }, output: { await wire.send(1, $0) }, errors: { await wire.send(2, $0) })
        do throws(MiniShell.NotFound) {
            return status(try await shell.run(command, streams))
        } catch {
            let why =
                "error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec "
                + "failed: exec failed: unable to start container process: exec: \"\(error.program)\": executable file not "
                + "found in $PATH: unknown"
            return APIError(code: 500, reason: "InternalError", message: why).json
        }
    }

    private actor Pending {
        private let stream: AsyncStream<[UInt8]>
        init(_ stream: AsyncStream<[UInt8]>) { self.stream = stream }
        func next() async -> [UInt8]? {
            for await bytes in stream { return bytes }
            return nil
        }
    }

    private func status(_ code: Int32) -> JSONValue {
        if code == 0 { return .members(["metadata": .object([]), "status": .string("Success")]) }
        return .members([
            "metadata": .object([]), "status": .string("Failure"),
            "message": .string(
                "command terminated with non-zero exit code: error executing command [\(command.joined(separator: " "))], "
                    + "exit code \(code)"),
            "reason": .string("NonZeroExitCode"),
            "details": .members([
                "causes": .array([
                    .members(["reason": .string("ExitCode"), "message": .string(String(code))])
                ])
            ]),
        ])
    }
}

/// The way to the client, with the faults that are asked for.
final class ExecWire: Sendable {
    private struct State {
        var sent = 0
        var held: [UInt8] = []
        var isBroken = false
    }

    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    private let channel: any Channel
    private let session: ExecSession
    private let state = Mutex(State())

    init(outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, channel: any Channel, session: ExecSession) {
        self.outbound = outbound
        self.channel = channel
        self.session = session
    }

    /// The real server begins with an empty frame of output.
    func open() async throws { if session.hasOutput { try await frame(1, []) } }

    /// Sends bytes of a channel; errors end the connection, and are seen at its end.
    func send(_ channel: UInt8, _ bytes: [UInt8]) async {
        do { try await write(channel, bytes) } catch { state.withLock { $0.isBroken = true } }
    }

    func write(_ number: UInt8, _ bytes: [UInt8]) async throws {
        guard number == 1 ? session.hasOutput : session.hasErrors else { return }
        let ready = number == 1 ? try await withFaults(bytes) : bytes
        var rest = ready[...]
        while !rest.isEmpty {
            try await frame(number, rest.prefix(ExecSession.largestPart))
            rest = rest.dropFirst(ExecSession.largestPart)
        }
    }

    private func withFaults(_ bytes: [UInt8]) async throws -> [UInt8] {
        switch session.fault {
        case nil: return bytes
        case .cut(let limit):
            guard try await isBeyond(limit, bytes) else { return bytes }
            // No close frame, no end of TLS: as when a cable is pulled.
            try await channel.close()
            throw ChannelError.ioOnClosedChannel
        case .stalls(let limit):
            guard try await isBeyond(limit, bytes) else { return bytes }
            try await channel.closeFuture.get()
            throw ChannelError.ioOnClosedChannel
        case .kills(let death, let limit):
            guard try await isBeyond(limit, bytes) else { return bytes }
            await session.kill(death)
            throw ContainerDied()
        case .losesTail(let size):
            return state.withLock { state in
                let all = state.held + bytes
                state.held = Array(all.suffix(size))
                return Array(all.dropLast(size))
            }
        }
    }

    /// Whether these bytes go beyond what a fault lets through; what it does is sent.
    private func isBeyond(_ limit: Int, _ bytes: [UInt8]) async throws -> Bool {
        let before = state.withLock { state in
            defer { state.sent += bytes.count }
            return state.sent
        }
        guard before + bytes.count > limit else { return false }
        if limit > before { try await frame(1, bytes.prefix(limit - before)) }
        return true
    }

    private func frame(_ number: UInt8, _ bytes: some Collection<UInt8>) async throws {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(bytes.count + 1)
        buffer.writeInteger(number)
        buffer.writeBytes(bytes)
        try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: buffer))
    }

    func finish(_ status: JSONValue) async throws {
        guard !state.withLock({ $0.isBroken }) else { throw ChannelError.ioOnClosedChannel }
        try await frame(3, status.serialized())
        var code = ByteBuffer()
        code.write(webSocketErrorCode: .normalClosure)
        try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: code))
    }
}

/// What the client sends: one reader at a time.
final class ExecInput: @unchecked Sendable {
    // Only ever used by one task: see `next`.
    private var iterator: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    private let isVersion5: Bool
    private var isClosed = false

    init(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, isVersion5: Bool
    ) {
        iterator = inbound.makeAsyncIterator()
        self.outbound = outbound
        self.isVersion5 = isVersion5
    }

    /// The next bytes of input; nil at its end, whoever ended it. Must not be called by two tasks.
    func next() async throws -> ByteBuffer? {
        while !isClosed, let frame = try await iterator.next() {
            var data = frame.unmaskedData
            switch frame.opcode {
            case .ping: try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: data))
            case .connectionClose: isClosed = true
            case .binary, .text, .continuation:
                guard let channel = data.readInteger(as: UInt8.self) else { continue }
                if channel == 255, isVersion5 { return nil }
                if channel == 0, data.readableBytes > 0 { return data }
            default: break
            }
        }
        isClosed = true
        return nil
    }

    /// Whether the connection itself is over.
    var hasEnded: Bool { isClosed }
}
