internal import Failures
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// What answers the requests of an HTTPS server.
protocol APIService: Sendable {
    /// Who asks, by the certificate or the bearer token; nil for nobody that is known.
    func caller(certificate: [UInt8]?, token: String?) async -> Caller?
    func answer(_ request: APIRequest) async -> APIAnswer
    /// What an upgrade to a WebSocket is for.
    func exec(_ request: APIRequest) async throws(APIError) -> ExecSession
    /// Where requests are counted; nil for where nobody asks.
    var traffic: Traffic? { get }
}

extension APIService {
    var traffic: Traffic? { nil }
}

/// An HTTPS server on loopback that asks for, and does not insist on, a client certificate.
final class APIServer: Sendable {
    private let channel: any Channel
    let port: Int

    static func tls(_ serving: KeyedCertificate, authority: KeyedCertificate) throws(Failure) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(serving.certificatePEM.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(serving.keyPEM.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.certificateVerification = .optionalVerification
            configuration.trustRoots = .certificates(
                try NIOSSLCertificate.fromPEMBytes(Array(authority.certificatePEM.utf8)))
            configuration.sendCANameList = true
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(.failed, "cannot prepare TLS", why: "\(error)", cause: error)
        }
    }

    init(
        _ service: some APIService, tls: NIOSSLContext, address: String, port: Int, group: any EventLoopGroup
    ) async throws(Failure) {
        do {
            channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        // The certificate is judged with the request, so that a wrong one is answered with 401.
                        let handler = NIOSSLServerHandler(
                            context: tls,
                            customVerificationCallback: { _, promise in promise.succeed(.certificateVerified) })
                        try channel.pipeline.syncOperations.addHandler(handler)
                        try HTTPConnection.configure(channel, service)
                    }
                }
                .bind(host: address, port: port).get()
        } catch {
            throw Failure(.failed, "cannot listen on \(address):\(port)", why: "\(error)", cause: error)
        }
        self.port = channel.localAddress?.port ?? port
    }

    func stop() async {
        do { try await channel.close() } catch {}
    }
}
