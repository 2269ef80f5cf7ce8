public import Failures
public import FoundationEssentials
import GRDB
public import Policies

/// Something that happened to a cluster's upgrade, or that somebody said about upgrades.
public struct UpgradeEvent: Sendable, Equatable {
    /// What.
    public enum Kind: String, Sendable, CaseIterable {
        /// A check said no before a step began, or its process died before it came to anything: nothing was changed.
        case gated
        /// A step begins.
        case started
        /// It ended well.
        case succeeded
        /// It failed, and is left as it is.
        case failed
        /// It failed, and the old version is back with its data.
        case rolledBack
        /// Nothing is tried on the cluster until somebody releases it.
        case quarantined
        /// Somebody has.
        case released
        /// Somebody says yes to a policy, or to one wave of it.
        case approved
        /// Somebody stops a policy.
        case paused
        /// Somebody lets it go on.
        case resumed
    }

    /// Its number; 0 before it is written.
    public var id: Int64 = 0
    /// When; as it is written where that is nil.
    public var at: Date?
    /// Who; as it is written where that is empty.
    public var user = ""
    /// What.
    public var kind: Kind
    /// The cluster's path.
    public var cluster: String?
    /// The policy's name.
    public var policy: String?
    /// The wave's name.
    public var wave: String?
    /// The version before.
    public var from: K3sVersion?
    /// The version that was wanted, or that a yes is for.
    public var to: K3sVersion?
    /// Why.
    public var reason: String?
    /// The process of a step.
    public var owner: String?

    /// Creates an event for ``UpgradeRecords/append(_:)``.
    public init(_ kind: Kind, cluster: String? = nil, policy: String? = nil) {
        self.kind = kind
        self.cluster = cluster
        self.policy = policy
    }
}

/// What upgrades did and what people said about them: the memory of all plans. It is only ever added to.
public struct UpgradeRecords: Sendable {
    let database: StateDatabase
    let context: JobContext

    /// The records of a state directory.
    public init(_ database: StateDatabase, context: JobContext) {
        self.database = database
        self.context = context
    }

    /// Adds events, all of them or none.
    public func append(_ events: [UpgradeEvent]) throws(Failure) {
        let now = context.now()
        try database.write { db in
            for event in events {
                try db.execute(
                    cached: """
                        INSERT INTO upgrade_events
                          (at, user, event, cluster, policy, wave, version_before, version, reason, owner)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    [
                        (event.at ?? now).milliseconds, event.user.isEmpty ? context.actor.user : event.user,
                        event.kind.rawValue, event.cluster, event.policy, event.wave, event.from?.description,
                        event.to?.description, event.reason, event.owner,
                    ])
            }
        }
    }

    /// All of them after a number, the oldest first.
    public func events(after id: Int64 = 0) throws(Failure) -> [UpgradeEvent] {
        try database.read { db in try Self.events(db, after: id) }
    }

    static func events(_ db: Database, after id: Int64) throws -> [UpgradeEvent] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM upgrade_events WHERE id > ? ORDER BY id", arguments: [id]
        ).compactMap { row in
            guard let kind = UpgradeEvent.Kind(rawValue: row["event"]) else { return nil }
            var event = UpgradeEvent(kind, cluster: row["cluster"], policy: row["policy"])
            event.id = row["id"]
            event.at = Date(milliseconds: row["at"])
            event.user = row["user"]
            event.wave = row["wave"]
            event.from = (row["version_before"] as String?).flatMap { K3sVersion($0) }
            event.to = (row["version"] as String?).flatMap { K3sVersion($0) }
            event.reason = row["reason"]
            event.owner = row["owner"]
            return event
        }
    }

    /// What a planner needs to know of them.
    public func history() throws(Failure) -> UpgradeHistory {
        var history = UpgradeHistory(try events())
        history.watches = try watches()
        return history
    }
}

extension UpgradeHistory {
    /// Tells a history from its events, the oldest first.
    public init(_ events: [UpgradeEvent]) {
        self.init()
        var running: [String: RunningStep] = [:]
        var quarantines: [String: Quarantine] = [:]
        var pauses: [String: RolloutPause] = [:]
        for event in events {
            let (cluster, policy) = (event.cluster ?? "", event.policy ?? "")
            // Plans are for whole seconds: what was said in the second of a plan has happened by then.
            let at = Date(timeIntervalSince1970: (event.at?.timeIntervalSince1970 ?? 0).rounded(.down))
            switch event.kind {
            case .gated: running[cluster] = nil
            case .started:
                guard let to = event.to else { continue }
                running[cluster] = RunningStep(cluster: cluster, policy: policy, to: to, since: at)
            case .succeeded, .failed, .rolledBack:
                running[cluster] = nil
                guard let from = event.from, let to = event.to, let result = Result(event.kind) else { continue }
                steps.append(
                    Step(cluster: cluster, policy: policy, from: from, to: to, endedAt: at, result: result))
            case .quarantined:
                quarantines[cluster] = Quarantine(cluster: cluster, reason: event.reason ?? "it failed", since: at)
            case .released:
                quarantines[cluster] = nil
                releases.append(Release(cluster: cluster, at: at))
            case .approved:
                approvals.append(Approval(policy: policy, wave: event.wave, version: event.to, by: event.user, at: at))
            case .paused:
                pauses[policy] = RolloutPause(policy: policy, reason: event.reason ?? "somebody asked", since: at)
            case .resumed: pauses[policy] = nil
            }
        }
        self.running = running.values.sorted { $0.cluster < $1.cluster }
        self.quarantines = quarantines.values.sorted { $0.cluster < $1.cluster }
        self.pauses = pauses.values.sorted { $0.policy < $1.policy }
    }
}

extension UpgradeHistory.Result {
    fileprivate init?(_ kind: UpgradeEvent.Kind) {
        switch kind {
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .rolledBack: self = .rolledBack
        case .gated, .started, .quarantined, .released, .approved, .paused, .resumed: return nil
        }
    }
}
