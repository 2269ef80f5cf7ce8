import Failures
import JSONValues

/// What an agent can be asked for.
public enum AgentOperation: String, Sendable, CaseIterable {
    /// A backup of the data directory that it mounts.
    case backup
    /// What it sees of that directory.
    case check
}

extension AgentOperation {
    /// Where an agent's data lies on its own machine, as parameters of a request have it.
    struct Place: Codable, Sendable {
        var dataDirectory: String
        var scratchDirectory: String
    }
}

extension JSONValue {
    /// Parameters or results of the other side's; what it sent is not shown, since there may be a secret in it.
    func understood<Value: Decodable>(_ type: Value.Type, _ what: String) throws(Failure) -> Value {
        do throws(Failure) {
            return try decode(type)
        } catch {
            throw Failure(
                .failed, "\(what) is not understood", why: error.why,
                next: "use an image of the agent with the same version of daytwo as here", cause: error)
        }
    }
}
