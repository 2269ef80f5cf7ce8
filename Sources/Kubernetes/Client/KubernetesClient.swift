public import Failures
internal import JSONValues
public import Transfer

/// A client of one cluster's API. It may be shared between threads, and its copies share credentials and connections.
///
/// Each call waits for its answer, is tried again where that is safe, and throws: `denied` for credentials and rights,
/// `notFound`, `refused` for what the API does not accept (conflicts and objects that exist already with it, which
/// `failure.apiStatus` tells apart), `unreachable` for what may pass. What must not happen twice (a creation, a change
/// that names a resource version) is tried again only where the server cannot have seen it.
public struct KubernetesClient: Sendable {
    /// The most bytes of one answer; a page of five hundred objects is far below it.
    static let answerLimit = 64 << 20

    /// The cluster.
    public let connection: ClusterConnection
    /// Time, chance, and who may say stop; another value lets others stop the calls of this copy.
    public var surroundings: Surroundings
    /// How often and when a call is tried again.
    public var retry: Retry
    /// How long a call may take with all its attempts.
    public var callLimit: Duration
    /// How long one attempt may take.
    public var attemptLimit: Duration
    /// How long a connection may take, TLS included.
    public var connectLimit: Duration

    let address: ServerAddress
    let authenticator: Authenticator
    private let pool = ConnectionPool()

    /// Creates a client; nothing is connected yet. Throws `usage` for an address that cannot be used.
    public init(
        _ connection: ClusterConnection, surroundings: Surroundings,
        retry: Retry = Retry(attempts: 5, firstDelay: .milliseconds(500), longestDelay: .seconds(15)),
        callLimit: Duration = .seconds(120), attemptLimit: Duration = .seconds(30),
        connectLimit: Duration = .seconds(10)
    ) throws(Failure) {
        self.connection = connection
        self.surroundings = surroundings
        self.retry = retry
        self.callLimit = callLimit
        self.attemptLimit = attemptLimit
        self.connectLimit = connectLimit
        address = try ServerAddress(connection)
        authenticator = Authenticator(connection.credentials)
    }

    /// Carries a request out, with further attempts where they are safe.
    func perform(_ request: APIRequest) throws(Failure) -> HTTPResponse {
        try retrying(isRepeatable: request.isRepeatable) { () throws(Failure) in
            try authenticated { ticket throws(Failure) in try attempt(request, ticket) }
        }
    }

    /// The answer of a request as JSON.
    func json(_ request: APIRequest) throws(Failure) -> JSONValue {
        try parse(try perform(request).body, request)
    }

    /// Tries again what failed for a reason that passes, where that is safe.
    func retrying<Result>(
        isRepeatable: Bool, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try retry.run(
            within: callLimit, uptime: surroundings.uptime, random: surroundings.random, sleep: surroundings.sleep,
            isWorthIt: { isRepeatable || $0.hasNotArrived }, body)
    }

    /// Once more with new credentials when a plugin's are refused; a server that refuses them has done nothing.
    func authenticated<Result>(
        _ body: (Authenticator.Ticket) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let ticket = try authenticator.ticket(surroundings)
        do throws(Failure) {
            return try body(ticket)
        } catch {
            guard error.apiStatus?.status == 401, authenticator.refused(ticket) else { throw error }
            return try body(try authenticator.ticket(surroundings))
        }
    }

    /// One attempt; `receive` gets a good answer as it comes, instead of the whole at the end.
    func attempt(
        _ request: APIRequest, _ ticket: Authenticator.Ticket, limit: Duration? = nil,
        receive: (([UInt8]) throws(Failure) -> Bool)? = nil
    ) throws(Failure) -> HTTPResponse {
        var http = HTTPRequest(
            request.method, address.base + request.target, headers: headers(request, ticket),
            body: request.body?.serialized() ?? [], connectTimeout: connectLimit, timeout: limit ?? attemptLimit,
            responseLimit: request.responseLimit)
        http.mayBeRepeated = request.isRepeatable
        let client = httpClient(ticket)
        // What others throw is theirs, and is passed on as it is.
        var foreign: Failure?
        let response: HTTPResponse
        do throws(Failure) {
            let checkStop = { () throws(Failure) in
                do throws(Failure) { try surroundings.checkStop() } catch {
                    foreign = error
                    throw error
                }
            }
            if let receive {
                response = try client.stream(http, checkStop: checkStop) { piece throws(Failure) in
                    do throws(Failure) { return try receive(piece) } catch {
                        foreign = error
                        throw error
                    }
                }
            } else {
                response = try client.exchange(http, checkStop: checkStop)
            }
        } catch {
            if let foreign { throw foreign }
            throw failure(request, error)
        }
        guard (200..<300).contains(response.status) else { throw failure(request, response, ticket) }
        return response
    }

    func httpClient(_ ticket: Authenticator.Ticket) -> HTTPClient {
        var client = HTTPClient(proxy: connection.proxy, withoutProxy: connection.withoutProxy)
        client.authorities = connection.authorities
        client.verifiesServer = connection.verifiesServer
        client.identity = ticket.identity
        client.connectsTo = address.connectsTo
        // A request at a time has nothing of HTTP/2, and exec cannot use it.
        client.usesOnlyHTTP1 = true
        client.connections = pool
        return client
    }

    func headers(_ request: APIRequest, _ ticket: Authenticator.Ticket) -> [HTTPHeader] {
        var headers = ticket.headers + [HTTPHeader("Accept", request.accepts)]
        if let host = address.host { headers.append(HTTPHeader("Host", host)) }
        if request.body != nil { headers.append(HTTPHeader("Content-Type", request.contentType)) }
        return headers + (connection.impersonation?.headers ?? [])
    }

    /// The failure of a request that got no answer.
    private func failure(_ request: APIRequest, _ error: Failure) -> Failure {
        guard error.code == .unreachable, !request.isRepeatable, !error.hasNotArrived else {
            return error.raised(
                to: error.code, "cannot \(request.deed) (\(connection.name))",
                next: error.next ?? (error.code == .unreachable ? Failure.whenItAnswers : nil))
        }
        return error.raised(
            to: error.code, "cannot tell whether it worked: \(request.deed) (\(connection.name))",
            next: "Look whether it was done before you try again.")
    }

    /// The failure of a request that the server did not carry out.
    func failure(_ request: APIRequest, _ response: HTTPResponse, _ ticket: Authenticator.Ticket) -> Failure {
        let json = try? JSONValue(parsing: response.body)
        let status = APIStatusError(
            status: response.status, json: json, retryAfter: response.retryAfter,
            redaction: Redaction(secrets: ticket.secrets, limit: 1000), hidesValues: request.isSecret)
        return failure(request, status)
    }

    func failure(_ request: APIRequest, _ status: APIStatusError) -> Failure {
        Failure(
            status.code, "cannot \(request.deed) (\(connection.name))",
            why: status.message + (status.reason == .unknown ? "" : " (\(status.reason.rawValue))"),
            next: status.next, cause: status)
    }

    func parse(_ bytes: [UInt8], _ request: APIRequest) throws(Failure) -> JSONValue {
        do throws(Failure) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw Failure(
                .failed, "cannot \(request.deed) (\(connection.name))",
                why: "the answer is not that of a Kubernetes API",
                next: "Check the address of the server: something in between may have answered.")
        }
    }
}
