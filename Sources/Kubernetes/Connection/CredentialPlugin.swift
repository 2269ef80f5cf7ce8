import Failures
internal import FoundationEssentials
internal import Files
public import JSONValues
internal import Processes
internal import Transfer

/// A program that gives credentials (`exec` in a kubeconfig): client.authentication.k8s.io, v1 and v1beta1.
public struct CredentialPlugin: Sendable {
    static let outputLimit = 1 << 20

    /// `client.authentication.k8s.io/v1`
    public var apiVersion: String
    /// The program: an absolute path, one relative to ``directory``, or a name that is looked for in `PATH`.
    public var command: String
    /// Its arguments; they are never shown.
    public var arguments: [String]
    /// All the variables that it gets; those that the kubeconfig adds are never shown.
    public var environment: [String: String]
    /// The names of the variables that the kubeconfig adds.
    public var ownVariables: Set<String>
    /// Where the kubeconfig lies.
    public var directory: String
    /// How the kubeconfig says that the program is installed.
    public var installHint: String?
    /// What it gets to know of the cluster; nil for nothing.
    public var cluster: JSONValue?
    /// How long it may take.
    public var deadline: Duration

    /// Names a plugin.
    public init(
        apiVersion: String, command: String, arguments: [String] = [], environment: [String: String],
        ownVariables: Set<String> = [], directory: String, installHint: String? = nil, cluster: JSONValue? = nil,
        deadline: Duration = .seconds(60)
    ) {
        self.apiVersion = apiVersion
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.ownVariables = ownVariables
        self.directory = directory
        self.installHint = installHint
        self.cluster = cluster
        self.deadline = deadline
    }

    /// What it gave.
    struct Answer: Sendable {
        var token: Secret?
        var identity: ClientIdentity?
        /// When it is to be asked again; nil for not before the server refuses what it gave.
        var expires: Date?
    }

    /// Asks it, without a terminal.
    ///
    /// Throws `denied` when it gives nothing that can be used, `unreachable` when it takes too long, `notFound` when it
    /// is not there.
    func ask(_ surroundings: Surroundings) throws(Failure) -> Answer {
        var environment = environment
        var spec: [JSONMember] = [JSONMember("interactive", .bool(false))]
        if let cluster { spec.insert(JSONMember("cluster", cluster), at: 0) }
        environment["KUBERNETES_EXEC_INFO"] =
            JSONValue.object([
                JSONMember("kind", .string("ExecCredential")), JSONMember("apiVersion", .string(apiVersion)),
                JSONMember("spec", .object(spec)),
            ]).compact
        let process = try CompletedProcess.run(
            ProcessCommand(try path(), arguments, environment: environment), outputLimit: Self.outputLimit,
            separate: true, deadline: deadline, uptime: surroundings.uptime, checkStop: surroundings.checkStop)
        let redaction = Redaction(secrets: ownVariables.compactMap { environment[$0] } + arguments)
        let said = redaction.output(Array(process.errors.prefix(4096)))
        if process.timedOut {
            throw Failure(
                .unreachable, "the credential plugin \(command) took longer than \(deadline)",
                why: said.isEmpty ? nil : said,
                next: "Run it by hand: it may wait for somebody to log in, and here it has no terminal.")
        }
        guard process.end == .exited(0) else {
            throw Failure(
                .denied, "the credential plugin \(command) failed: \(process.end)", why: said.isEmpty ? nil : said,
                next: "Run it by hand, log in where it asks for that, and try again.")
        }
        return try read(process.output)
    }

    private func path() throws(Failure) -> String {
        if command.hasPrefix("/") { return command }
        if command.contains("/") { return directory + "/" + command }
        for folder in (environment["PATH"] ?? "").split(separator: ":") where folder.hasPrefix("/") {
            let path = "\(folder)/\(command)"
            guard let status = try? FileStatus(of: path, following: true) else { continue }
            if status.kind == .regular, status.mode & 0o111 != 0 { return path }
        }
        throw Failure(
            .notFound, "the credential plugin \(command) is not in PATH",
            next: installHint.map { Redaction(limit: 1000).message($0) }
                ?? "Install it, or name its whole path in the kubeconfig.")
    }

    private func read(_ output: [UInt8]) throws(Failure) -> Answer {
        func unusable(_ why: String) -> Failure {
            Failure(
                .denied, "the credential plugin \(command) gave nothing that can be used", why: why,
                next: "Run it by hand and look at what it writes.")
        }
        let json: JSONValue
        do throws(Failure) {
            json = try JSONValue(parsing: output)
        } catch {
            // Not even the place in it: what it wrote is secret.
            throw unusable("it wrote no JSON")
        }
        guard json["kind"]?.stringValue == "ExecCredential" else { throw unusable("it wrote no ExecCredential") }
        guard json["apiVersion"]?.stringValue == apiVersion else {
            throw unusable("it did not write the version \(apiVersion) that the kubeconfig asks for")
        }
        var answer = Answer()
        if let token = json["status", "token"]?.stringValue, !token.isEmpty { answer.token = Secret(token) }
        let certificate = json["status", "clientCertificateData"]?.stringValue ?? ""
        let key = json["status", "clientKeyData"]?.stringValue ?? ""
        guard certificate.isEmpty == key.isEmpty else {
            throw unusable("it wrote a certificate or a key without the other")
        }
        if !key.isEmpty { answer.identity = ClientIdentity(certificate: Array(certificate.utf8), key: Array(key.utf8)) }
        guard answer.token != nil || answer.identity != nil else {
            throw unusable("it wrote neither a token nor a certificate")
        }
        if let text = json["status", "expirationTimestamp"]?.stringValue, !text.isEmpty {
            guard let date = Timestamp.date(text) else { throw unusable("its expirationTimestamp is no time") }
            answer.expires = date
        }
        return answer
    }
}

/// Times as Kubernetes writes them (RFC 3339).
enum Timestamp {
    static func date(_ text: String) -> Date? {
        if let date = try? Date(text, strategy: Date.ISO8601FormatStyle()) { return date }
        return try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
