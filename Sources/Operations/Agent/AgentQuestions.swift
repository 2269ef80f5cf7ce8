import Datastore
import Failures
import Files
import Glibc
import JSONValues
import Kubernetes
import Transfer

/// The agent's side of questions to a virtual API: each is asked once, and what came of it is told, whatever it is.
struct AgentQuestions: Sendable {
    private static let limit = Duration.seconds(10)
    private static let connectLimit = Duration.seconds(4)

    private let questions: VirtualQuestions
    private let place: AgentOperation.Place?
    private let context: OperationContext

    init(_ questions: VirtualQuestions, at place: AgentOperation.Place?, _ context: OperationContext) {
        self.questions = questions
        self.place = place
        self.context = context
    }

    /// Asks. Throws `notFound` where there is no identity to ask with.
    func answers() throws(Failure) -> VirtualAnswers {
        try questions.check()
        let identity = if let told = questions.identity { told } else { try ofTheVolume() }
        let client = try client(identity)
        var answers: [VirtualAnswers.Answer] = []
        var silence: VirtualAnswers.Answer?
        func note(_ ask: () throws(Failure) -> VirtualAnswers.Answer) throws(Failure) {
            try context.checkStop()
            // One that does not answer is not waited for again and again.
            let answer = if let silence { silence } else { try ask() }
            if answer.status == nil { silence = answer }
            answers.append(answer)
        }
        for path in questions.paths { try note { () throws(Failure) in try self.answer(path, client) } }
        for path in questions.counted { try note { () throws(Failure) in try count(path, client) } }
        return VirtualAnswers(
            answers: answers, authority: Certificate.all(inPEM: Array(identity.authorities.utf8)).first?.fingerprint)
    }

    private func answer(_ path: String, _ client: KubernetesClient) throws(Failure) -> VirtualAnswers.Answer {
        try told { () throws(Failure) in
            let response = try client.raw(path, limit: questions.longestAnswer)
            return .init(status: response.status, body: String(decoding: response.body, as: UTF8.self))
        }
    }

    /// Page by page: kine says of each page but the last that one more object follows, however many do.
    private func count(_ path: String, _ client: KubernetesClient) throws(Failure) -> VirtualAnswers.Answer {
        try told { () throws(Failure) in .init(status: 200, count: try client.count(path)) }
    }

    private func told(
        _ ask: () throws(Failure) -> VirtualAnswers.Answer
    ) throws(Failure) -> VirtualAnswers.Answer {
        do throws(Failure) { return try ask() } catch {
            try context.checkStop()
            return .init(status: error.apiStatus?.status, problem: error.why ?? error.what)
        }
    }

    private func client(_ identity: VirtualQuestions.Identity) throws(Failure) -> KubernetesClient {
        let context = context
        let surroundings = Surroundings(
            now: context.now, uptime: context.uptime,
            sleep: { duration throws(Failure) in
                try context.checkStop()
                usleep(UInt32(clamping: duration.components.seconds * 1_000_000))
            },
            random: { 0.5 }, checkStop: context.checkStop)
        return try KubernetesClient(
            ClusterConnection(
                name: "virtual cluster", server: "https://\(questions.address)", tlsServerName: questions.serverName,
                authorities: Array(identity.authorities.utf8),
                credentials: Credentials(
                    identity: ClientIdentity(
                        certificate: Array(identity.certificate.utf8), key: Array(identity.key.utf8)))),
            surroundings: surroundings, retry: Retry(attempts: 1), callLimit: Self.limit, attemptLimit: Self.limit,
            connectLimit: Self.connectLimit)
    }

    /// The administrator's certificate that k3s keeps among its files.
    private func ofTheVolume() throws(Failure) -> VirtualQuestions.Identity {
        guard let place else {
            throw Failure(.notFound, "the agent has no data directory with credentials of the virtual API")
        }
        let folder = "\(place.dataDirectory)/server/tls"
        func text(_ name: String) throws(Failure) -> String {
            String(decoding: try readFile("\(folder)/\(name)", limit: 1 << 20), as: UTF8.self)
        }
        return try VirtualQuestions.Identity(
            authorities: text("server-ca.crt"), certificate: text("client-admin.crt"), key: text("client-admin.key"))
    }
}
