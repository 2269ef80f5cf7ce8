internal import Crypto
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import NIOWebSocket

/// Turns an HTTP connection into a WebSocket, at any request.
struct WebSocketUpgrade {
    // More than any client sends at once.
    private static let largestFrame = 16 << 20

    let encoder: HTTPResponseEncoder
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    let pipelining: HTTPServerPipelineHandler

    func perform(
        on channel: any Channel, _ head: HTTPRequestHead, _ subprotocol: String, removing connection: HTTPConnection
    ) -> EventLoopFuture<WebSocket> {
        let key = head.headers.first(name: "Sec-WebSocket-Key") ?? ""
        let digest = Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        let headers = HTTPHeaders([
            ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", Data(digest).base64EncodedString()), ("Sec-WebSocket-Protocol", subprotocol),
        ])
        let response = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        let operations = channel.pipeline.syncOperations
        // Closed by hand: the encoder would wait for an end that never comes.
        channel.writeAndFlush(HTTPServerResponsePart.head(response), promise: nil)
        do {
            let frames = WebSocketFrameEncoder()
            try operations.addHandler(frames, position: .before(encoder))
            let reader = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.largestFrame))
            try operations.addHandler(reader, position: .after(connection))
            let socket = try WebSocket(wrappingChannelSynchronously: channel)
            let connection = operations.removeHandler(connection)
            let pipelining = operations.removeHandler(pipelining)
            let encoder = operations.removeHandler(encoder)
            let decoder = operations.removeHandler(decoder)
            return EventLoopFuture.andAllSucceed([connection, pipelining, encoder, decoder], on: channel.eventLoop)
                .map { socket }
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }
}

/// Frames both ways.
typealias WebSocket = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>
