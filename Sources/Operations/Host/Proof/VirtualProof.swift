import Datastore
import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// Proves that a started control plane is what it should be, by what its own API says: ready, of the right version, known by
/// the right authority, with what it should hold.
struct VirtualProof {
    /// What it should be; nil for what nobody knows.
    struct Expectation {
        /// The k3s version.
        var version: String?
        /// The fingerprint of the server's authority.
        var serverCA: String?
        /// Live keys by resource, as a backup has them.
        var resources: [DatastoreContents.Resource] = []
    }

    /// How long one way of asking may be of no use before the next is tried.
    private static let patience = Duration.seconds(20)
    /// What is well in the moment of its start may break right after it: it has to be well so long after its pod was ready.
    private static let steadiness = Duration.milliseconds(500)

    let api: VirtualAPI
    let expectation: Expectation
    /// How long the API may take to become what it should be.
    let limit: Duration
    /// What else is asked once it is proven.
    var afterwards: (VirtualAPI.Conversation) throws(Failure) -> Void = { _ in }

    /// Asks until it is proven; called once its pod is ready. Throws `unreachable` where the API does not become ready,
    /// `verificationFailed` where it is another one or another version; gives `.notAsked` where nobody could ask it.
    func prove() throws(Failure) -> VirtualProofResult {
        api.context.report(.step("asking the API of the virtual cluster"))
        var reasons: [String] = []
        let steadyAt = api.context.uptime() + Self.steadiness
        for identity in try identities() {
            do throws(Failure) {
                if let facts = try api.use(
                    identity, { conversation throws(Failure) in try prove(conversation, steadyAt, &reasons) }
                ) {
                    return .proven(facts)
                }
            } catch {
                try api.context.checkStop()
                guard !(error.cause is Disproved), !(error.cause is WorkloadHold.Interference), !error.isNotOurs else {
                    throw error
                }
                // That no agent could ask says nothing about the control plane.
                reasons.append(error.description)
            }
        }
        return .notAsked(reasons.isEmpty ? "there are no credentials for it" : reasons.joined(separator: "; "))
    }

    private struct Disproved: Error {}

    private func identities() throws(Failure) -> [VirtualAPI.Identity] {
        var identities: [VirtualAPI.Identity] = try api.hasSecret() ? [.secret] : []
        // The volume of Kubernetes holds nothing that an administrator is known by.
        if api.cluster.layout.distribution == .k3s, let claim = api.cluster.volume.claims.first,
            claim.accessModes != ["ReadWriteOncePod"]
        {
            identities.append(.volume)
        }
        return identities
    }

    /// nil where this way of asking is of no use.
    private func prove(
        _ conversation: VirtualAPI.Conversation, _ steadyAt: Duration, _ reasons: inout [String]
    ) throws(Failure) -> VirtualFacts? {
        let uptime = api.context.uptime
        let end = uptime() + limit
        var useless = uptime() + Self.patience
        var pause = GrowingPause()
        var wait = WaitReport("asking the API of the virtual cluster", atMost: limit, api.context)
        while true {
            let state = try look(conversation)
            let failure: Failure
            switch state {
            case .good where uptime() < steadyAt:
                try api.host.client.surroundings.sleep(steadyAt - uptime())
                continue
            case .good(let version, let authority):
                let counts = ObjectCounts(expectation.resources)
                let found =
                    try counts.paths.isEmpty ? [] : counts.read(conversation.get([], counting: counts.paths).answers)
                let facts = VirtualFacts(version: version, serverCA: authority, counts: found)
                try afterwards(conversation)
                return facts
            case .noUse(let why):
                guard uptime() < useless else {
                    reasons.append(why)
                    return nil
                }
                failure = Failure(.unreachable, "the API of \(api.cluster.path) cannot be asked", why: why)
            case .wrong(let wrong):
                failure = wrong
                // It answers: waiting for it is of use.
                useless = uptime() + Self.patience
            }
            guard uptime() < end else { throw failure }
            wait.tell(failure.why ?? failure.what)
            try api.context.checkStop()
            try api.host.client.surroundings.sleep(pause.grow())
        }
    }

    private enum State {
        case good(version: String, authority: String?)
        case wrong(Failure)
        case noUse(String)
    }

    private func look(_ conversation: VirtualAPI.Conversation) throws(Failure) -> State {
        let answers: VirtualAnswers
        do throws(Failure) {
            answers = try conversation.get(["/readyz", "/version"])
        } catch {
            guard error.code == .unreachable || error.code == .notFound else { throw error }
            return .noUse(error.description)
        }
        let (ready, version) = (answers.answers[0], answers.answers[1])
        switch ready.status {
        case nil: return .noUse(ready.problem ?? "it does not answer")
        case 401, 403: return .noUse("it refuses our credentials (\(ready.status ?? 0))")
        case 200: break
        default:
            return .wrong(
                Failure(
                    .unreachable, "the API of \(api.cluster.path) is not ready",
                    why: ready.problem ?? "/readyz answers \(ready.status ?? 0)", cause: Disproved()))
        }
        guard let found = version.version else { return .noUse("it does not tell its version") }
        if let expected = expectation.version, expected != found {
            return .wrong(
                Failure(
                    .verificationFailed, "the API of \(api.cluster.path) answers with the version \(found)",
                    why: "\(expected) was started", cause: Disproved()))
        }
        if let expected = expectation.serverCA, let there = answers.authority, there != expected {
            return .wrong(
                Failure(
                    .verificationFailed,
                    "the API of \(api.cluster.path) is known by another authority than the backup's",
                    why: "its fingerprint is \(there.prefix(16))…, not \(expected.prefix(16))…", cause: Disproved()))
        }
        return .good(version: found, authority: answers.authority)
    }
}

/// What a virtual API says of itself.
public struct VirtualFacts: Codable, Sendable, Equatable {
    /// Objects of one resource.
    public struct Count: Codable, Sendable, Equatable {
        /// `secrets`
        public var resource: String
        /// In the backup.
        public var backup: Int
        /// Now.
        public var live: Int
    }

    /// Its version: `v1.21.2+k3s1`.
    public var version: String
    /// The fingerprint of the authority by which it is known.
    public var serverCA: String?
    /// What it holds, against the backup.
    public var counts: [Count]

    /// What the backup has and it has not.
    public var remarks: [String] {
        counts.filter { $0.live < $0.backup }.map {
            "the virtual API has \($0.live) \($0.resource), the backup \($0.backup)"
        }
    }
}

/// Whether a control plane was proven to be what it should be.
public enum VirtualProofResult: Sendable, Equatable {
    /// Its API says so.
    case proven(VirtualFacts)
    /// Nobody could ask, and why: only its pod is known to be ready.
    case notAsked(String)
}
