public import Failures
internal import Foundation
internal import Transfer

/// A command to run in a container.
public struct ExecRequest: Sendable, Hashable {
    /// The pod.
    public var pod: String
    /// Its namespace.
    public var namespace: String
    /// The container; nil where the pod has but one.
    public var container: String?
    /// The program and its arguments. They stand in the request's address, in the API server's audit log and in the
    /// container's process list: **no secrets**, those go through the input.
    public var command: [String]
    /// Whether it gets input.
    public var hasInput: Bool
    /// How often the server is asked whether it still is there, while we wait for it.
    public var pingInterval: Duration
    /// How long nothing at all may come or go while we wait. A server does not answer pings while the command leaves its
    /// input unread, so this is also how long it may do that.
    public var idleLimit: Duration

    /// Describes a command.
    public init(
        _ command: [String], in pod: String, namespace: String, container: String? = nil, hasInput: Bool = false,
        pingInterval: Duration = .seconds(20), idleLimit: Duration = .seconds(180)
    ) {
        self.pod = pod
        self.namespace = namespace
        self.container = container
        self.command = command
        self.hasInput = hasInput
        self.pingInterval = pingInterval
        self.idleLimit = idleLimit
    }
}

extension KubernetesClient {
    // The newest first; the server takes the first that it knows.
    private static let execProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]

    /// Starts a command. It is tried again only where the server cannot have started it.
    ///
    /// The session is for one thread, and ends the connection when it is let go; that does not end the command, which
    /// notices at the end of its input at the earliest.
    public func exec(_ command: ExecRequest) throws(Failure) -> ExecSession {
        var request = try APIRequest("run a command in", .pods, command.pod, in: command.namespace, subresource: "exec")
        guard !command.command.isEmpty else { throw Failure(.usage, "there is no command to run in \(command.pod)") }
        if let container = command.container { request.query.append(("container", container)) }
        request.query += [("stdout", "true"), ("stderr", "true")]
        if command.hasInput { request.query.append(("stdin", "true")) }
        request.query += command.command.map { ("command", $0) }
        request.isRepeatable = false
        request.accepts = "*/*"
        let sent = request
        return try retrying(isRepeatable: false) { () throws(Failure) in
            try authenticated { ticket throws(Failure) in try upgrade(sent, ticket, command) }
        }
    }

    private func upgrade(
        _ request: APIRequest, _ ticket: Authenticator.Ticket, _ command: ExecRequest
    ) throws(Failure) -> ExecSession {
        let headers = headers(request, ticket)
        try HTTPRequest("GET", address.base, headers: headers).check()
        var stop: Failure?
        do throws(Failure) {
            let connection = try RawConnection(
                to: address.base + "/", by: httpClient(ticket), timeout: connectLimit
            ) { () throws(Failure) in
                do throws(Failure) { try surroundings.checkStop() } catch {
                    stop = error
                    throw error
                }
            }
            let handshake = WebSocketHandshake(protocols: Self.execProtocols)
            let (path, host) = place(request)
            var wire = ExecWire(connection, surroundings)
            let deadline = surroundings.uptime() + attemptLimit
            do throws(Failure) {
                try wire.write(handshake.request(path, host: host, headers: headers), until: deadline)
                let (head, rest) = try wire.head(until: deadline)
                guard head.status == 101 else {
                    let body = try wire.body(of: head, rest, until: deadline)
                    let seconds = head["retry-after"].flatMap { Int64($0) }.map { Duration.seconds($0) }
                    throw failure(
                        request, HTTPResponse(status: head.status, body: body, retryAfter: seconds), ticket)
                }
                let chosen = try handshake.accepted(head)
                return ExecSession(
                    wire, rest: rest, protocol: chosen, command, deed: "\(request.deed) (\(self.connection.name))",
                    redaction: Redaction(secrets: ticket.secrets, limit: 1000))
            } catch {
                if wire.wasStopped { stop = error }
                throw error
            }
        } catch {
            if stop != nil || error.apiStatus != nil { throw error }
            throw error.raised(to: error.code, "cannot \(request.deed) (\(self.connection.name))")
        }
    }

    /// The path with that of the server's address before it, and the `Host` field.
    private func place(_ request: APIRequest) -> (path: String, host: String) {
        let rest = address.base.firstRange(of: "://").map { address.base[$0.upperBound...] } ?? ""
        let authority = rest.prefix { $0 != "/" }
        return (rest.dropFirst(authority.count) + request.target, address.host ?? String(authority))
    }
}
