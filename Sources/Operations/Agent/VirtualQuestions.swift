import Failures
import JSONValues

/// Questions to the API of a virtual cluster, for an agent to ask from a pod of its host: the host's own proxy strips what
/// tells a virtual API who asks.
struct VirtualQuestions: Codable, Sendable {
    static let mostPaths = 64
    static let longestPath = 2000

    /// How an API knows us. It travels in the agent's stream, never in an argument.
    struct Identity: Codable, Sendable {
        /// The authorities of its certificate, PEM.
        var authorities: String
        /// Our certificate, PEM.
        var certificate: String
        /// Its key, PEM.
        var key: String
    }

    /// `10.42.0.7:8443`
    var address: String

    /// An address and a port as they stand in a URL.
    static func address(_ host: String, _ port: Int64) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The name that its certificate has; it names no pod's address.
    var serverName: String
    /// nil: the administrator's certificate in the data directory that the agent mounts.
    var identity: Identity?
    /// What is asked with GET, one after the other.
    var paths: [String]
    /// Lists whose objects are counted where the agent is, asked after the others: `/api/v1/secrets`.
    var counted: [String] = []
    /// The most bytes of one answer.
    var longestAnswer = 1 << 20

    /// How many answers there are to be.
    var number: Int { paths.count + counted.count }

    func check() throws(Failure) {
        guard (1...Self.mostPaths).contains(number), (1...(16 << 20)).contains(longestAnswer),
            (paths + counted).allSatisfy({ $0.hasPrefix("/") && $0.utf8.count <= Self.longestPath })
        else {
            throw Failure(
                .usage, "the questions to the virtual API make no sense",
                next: "use an image of the agent with the same version of daytwo as here")
        }
    }
}

/// What a virtual API answered.
struct VirtualAnswers: Codable, Sendable {
    /// The answer to one question.
    struct Answer: Codable, Sendable, Equatable {
        /// 200, 401, 500; nil where nothing answered.
        var status: Int?
        /// The body of a good answer.
        var body: String?
        /// The number of objects of a counted list.
        var count: Int?
        /// What is wrong with another.
        var problem: String?

        /// The body of a good answer, where it is JSON.
        var json: JSONValue? { body.flatMap { try? JSONValue(parsing: Array($0.utf8)) } }
        /// The version in an answer to `/version`.
        var version: String? { json?["gitVersion"]?.stringValue }
    }

    /// In the order of the questions, those of the counted lists last.
    var answers: [Answer]
    /// The SHA-256 fingerprint of the first authority by which the API was known, in hex.
    var authority: String?
}
