internal import JSONValues
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOWebSocket

/// One connection to an API server: requests one after the other, until one turns it into a WebSocket.
final class HTTPConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    // The real server refuses bodies of more than 3 MB.
    private static let largestBody = 3 << 20

    private let service: any APIService
    fileprivate let upgrade: WebSocketUpgrade
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var isTooLarge = false
    private var work: Task<Void, Never>?

    private init(_ service: any APIService, _ upgrade: WebSocketUpgrade) {
        self.service = service
        self.upgrade = upgrade
    }

    static func configure(_ channel: any Channel, _ service: some APIService) throws {
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
        let pipelining = HTTPServerPipelineHandler()
        let connection = HTTPConnection(
            service, WebSocketUpgrade(encoder: encoder, decoder: decoder, pipelining: pipelining))
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, pipelining, connection])
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
            isTooLarge = false
        case .body(let part):
            if body.count + part.readableBytes > Self.largestBody {
                isTooLarge = true
            } else {
                body += part.readableBytesView
            }
        case .end:
            guard let head else { return }
            self.head = nil
            serve(head, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        work?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func serve(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let certificate: [UInt8]?
        do {
            certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()?.toDERBytes()
        } catch {
            certificate = nil
        }
        var headers: [String: String] = [:]
        for (name, value) in head.headers { headers[name.lowercased()] = value }
        let token = headers["authorization"].flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
        let job = Job(
            head: head, headers: headers, body: body, isTooLarge: isTooLarge, certificate: certificate, token: token,
            service: service, channel: context.channel, connection: NIOLoopBound(self, eventLoop: context.eventLoop))
        work = Task { await job.run() }
    }
}

/// One request and what is needed to answer it, away from the connection's event loop.
private struct Job: Sendable {
    let head: HTTPRequestHead
    let headers: [String: String]
    let body: [UInt8]
    let isTooLarge: Bool
    let certificate: [UInt8]?
    let token: String?
    let service: any APIService
    let channel: any Channel
    let connection: NIOLoopBound<HTTPConnection>

    func run() async {
        let caller = await service.caller(certificate: certificate, token: token)
        let request = APIRequest(
            method: head.method.rawValue, target: head.uri, headers: headers, body: body, caller: caller)
        service.traffic?.asked()
        let writer = ResponseWriter(channel: channel, head: head, traffic: service.traffic)
        if isTooLarge {
            let error = APIError(
                code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 3145728")
            return await writer.write(.json(error.code, error.json))
        }
        guard headers["upgrade"]?.lowercased() == "websocket", request.path.last == "exec" else {
            return await writer.write(await service.answer(request))
        }
        let session: ExecSession
        do throws(APIError) {
            session = try await service.exec(request)
        } catch {
            return await writer.write(.json(error.code, error.json))
        }
        await turn(session)
    }

    private func turn(_ session: ExecSession) async {
        do {
            let socket = try await channel.eventLoop.flatSubmit {
                connection.value.upgrade.perform(on: channel, head, session.subprotocol, removing: connection.value)
            }.get()
            await session.run(over: socket)
        } catch {
            channel.close(promise: nil)
        }
    }
}

/// Writes one answer.
struct ResponseWriter: Sendable {
    let channel: any Channel
    let head: HTTPRequestHead
    let traffic: Traffic?

    func write(_ answer: APIAnswer) async {
        do {
            switch answer {
            case .json(let code, let json):
                try await write(code, json.serialized() + [UInt8(ascii: "\n")], "application/json")
            case .bytes(let code, let bytes, let type): try await write(code, bytes, type)
            case .stream(let stream): try await write(stream)
            case .silence:
                // The other side has to give up; this task is cancelled when it does.
                try await Task.sleep(for: .seconds(86_400))
            }
        } catch {
            channel.close(promise: nil)
        }
    }

    private func write(_ code: Int, _ bytes: [UInt8], _ type: String) async throws {
        var headers = HTTPHeaders([("Content-Type", type), ("Content-Length", String(bytes.count))])
        if code == 429 || code == 503 { headers.add(name: "Retry-After", value: "1") }
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let response = HTTPResponseHead(
            version: head.version, status: HTTPResponseStatus(statusCode: code), headers: headers)
        channel.write(HTTPServerResponsePart.head(response), promise: nil)
        if head.method != .HEAD {
            traffic?.sent(bytes.count)
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        if !head.isKeepAlive { try await channel.close() }
    }

    private func write(_ stream: AsyncStream<[UInt8]>) async throws {
        let response = HTTPResponseHead(
            version: head.version, status: .ok, headers: HTTPHeaders([("Content-Type", "application/json")]))
        try await channel.writeAndFlush(HTTPServerResponsePart.head(response))
        for await bytes in stream {
            traffic?.sent(bytes.count)
            try await channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))))
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        if !head.isKeepAlive { try await channel.close() }
    }
}
