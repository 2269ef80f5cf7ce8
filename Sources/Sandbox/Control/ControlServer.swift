internal import Failures
internal import FoundationEssentials
internal import JSONValues
internal import NIOCore
internal import NIOPosix

/// Answers `status`, `fault` and `down` on a socket in the sandbox's directory: one line of JSON each way.
final class ControlServer: Sendable {
    private let channel: any Channel
    private let path: String

    init(_ sandbox: Sandbox, directory: String) async throws(Failure) {
        path = ControlClient.path(directory)
        do {
            channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ControlConnection(sandbox))
                    }
                }
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        } catch {
            throw Failure(
                .failed, "cannot listen on \(path)", why: "\(error)", next: "Give a shorter directory with --state.",
                cause: error)
        }
    }

    func stop() async {
        do {
            try await channel.close()
            try FileManager.default.removeItem(atPath: path)
        } catch {}
    }
}

/// One question and its answer.
private final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let sandbox: Sandbox
    private var line: [UInt8] = []

    init(_ sandbox: Sandbox) { self.sandbox = sandbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        line += unwrapInboundIn(data).readableBytesView
        guard line.count < 1 << 16 else { return context.close(promise: nil) }
        guard line.last == UInt8(ascii: "\n") else { return }
        let (question, sandbox, channel) = (line, self.sandbox, context.channel)
        line = []
        Task {
            let answer = await ControlConnection.answer(question, sandbox)
            do {
                try await channel.writeAndFlush(ByteBuffer(bytes: answer.serialized() + [UInt8(ascii: "\n")]))
                try await channel.close()
            } catch {}
            // Only once the answer is out: the process may end with this.
            if answer.text("stopping") != nil { await sandbox.stop() }
        }
    }

    private static func answer(_ line: [UInt8], _ sandbox: Sandbox) async -> JSONValue {
        var failure: Failure?
        do throws(Failure) {
            return try await carryOut(line, sandbox)
        } catch {
            failure = error
        }
        return .members([
            "error": failure.map { .string($0.description) }, "code": failure.map { .string($0.code.rawValue) },
            "next": (failure?.next).map(JSONValue.string),
        ])
    }

    private static func carryOut(_ line: [UInt8], _ sandbox: Sandbox) async throws(Failure) -> JSONValue {
        let question = try JSONValue(parsing: line)
        let host = question.text("host") ?? ""
        switch question.text("command") {
        case "status": return .members(["text": .string(await sandbox.status())])
        case "down": return .members(["text": .string("stopping\n"), "stopping": .string("yes")])
        case "fault":
            guard let kind = HostFault.Kind(rawValue: question.text("fault") ?? "") else {
                throw Failure(.usage, "there is no fault \(question.text("fault") ?? "")")
            }
            try await sandbox.inject(
                HostFault(kind, on: question.text("on"), value: question.text("value")), host: host)
            return .members(["text": .string("\(host): \(kind.rawValue)\n")])
        case "clear":
            try await sandbox.clearFaults(
                question.text("fault").flatMap(HostFault.Kind.init(rawValue:)), on: question.text("on"), host: host)
            return .members(["text": .string("\(host): cleared\n")])
        case "user":
            let path = try await sandbox.kubeconfig(
                host: host, user: question.text("user") ?? "nobody",
                groups: question.list("groups").compactMap(\.stringValue),
                lifetimeSeconds: question["expired"]?.boolValue == true ? -60 : 86_400)
            return .members(["text": .string("\(path)\n")])
        default: throw Failure(.usage, "the sandbox does not know this command")
        }
    }
}
