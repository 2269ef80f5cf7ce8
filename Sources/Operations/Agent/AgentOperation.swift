import Failures
import JSONValues

/// What an agent can be asked for.
public enum AgentOperation: String, Sendable, CaseIterable {
    /// A backup of the data directory that it mounts.
    case backup
    /// What it sees of that directory.
    case check
    /// Questions to the API of the virtual cluster.
    case ask
    /// What a restore would do to that directory.
    case restorePlan = "restore-plan"
    /// A restore of that directory.
    case restoreRun = "restore-run"
    /// The end of one that was interrupted.
    case restoreResume = "restore-resume"
    /// The way back.
    case restoreRollback = "restore-rollback"
    /// The restores of that directory.
    case restoreList = "restore-list"
    /// A copy of a stopped server, kept on its own volume.
    case setAside = "set-aside"
    /// The end of such copies.
    case dropAside = "drop-aside"
}

extension AgentOperation {
    /// Where an agent's data lies on its own machine. What its own command line says of it comes before what a request says.
    public struct Place: Codable, Sendable {
        /// The k3s data directory.
        public var dataDirectory: String
        /// Where scratch files go.
        public var scratchDirectory: String

        /// Names a place.
        public init(dataDirectory: String, scratchDirectory: String) {
            self.dataDirectory = dataDirectory
            self.scratchDirectory = scratchDirectory
        }
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
