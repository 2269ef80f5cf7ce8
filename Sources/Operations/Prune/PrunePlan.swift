public import Failures
public import Foundation
public import Policies
public import Stores

/// The rules of one schedule, for a cluster that it backs up.
public struct PruneRules: Sendable {
    /// Who says so: the schedule's name, or `--keep-…`.
    public var name: String
    /// The rules.
    public var rules: RetentionRules
    /// The zone that days and weeks are of.
    public var zone: TimeZoneRules

    /// Creates them.
    public init(name: String, rules: RetentionRules, zone: TimeZoneRules) {
        self.name = name
        self.rules = rules
        self.zone = zone
    }
}

/// What becomes of each backup of one cluster in one store, and why: from the records and events beside the archives
/// alone, so also on a machine without keys.
public struct PrunePlan: Sendable {
    /// One backup.
    public struct Row: Sendable {
        /// The backup.
        public let entry: CatalogEntry
        /// Whether it stays.
        public let keeps: Bool
        /// Why; with several schedules each reason names its own.
        public let reasons: [String]
    }

    /// The cluster.
    public let cluster: ClusterPath
    /// All its backups, from new to old.
    public let rows: [Row]
    /// What is removed, in this order.
    public let drops: [CatalogEntry]
    /// Why nothing of an identity is removed until somebody looks.
    public let frozen: [RetentionFreeze]

    /// The word of the event by which a person says that a freeze was looked at.
    public static let acknowledged = "acknowledged"

    /// Plans. A backup is removed only if the rules of every schedule say so; without any rules nothing is.
    public init(
        _ cluster: ClusterPath, in store: any ArchiveStore, _ rules: [PruneRules], now: Date, largestShare: Double = 0.5
    ) throws(Failure) {
        self.cluster = cluster
        let catalog = try store.list(cluster)
        guard catalog.problems.isEmpty else {
            // What cannot be read may be what everything else needs.
            throw Failure(
                .refused, "nothing of \(cluster) is pruned", why: catalog.problems.joined(separator: "; "),
                next: "mend the store first: daytwo backup list")
        }
        var candidates: [RetentionCandidate] = []
        var entries: [String: CatalogEntry] = [:]
        var options = RetentionOptions(largestShare: largestShare)
        for entry in catalog.entries {
            let log = try store.events(of: entry)
            let id = entry.record?.id
            // A copy under another name is still one more file, whose name tells it apart.
            let isNew = id.map { entries[$0] == nil } ?? false
            let candidate = Self.candidate(entry, log, cluster, id: isNew ? id ?? "" : entry.location)
            candidates.append(candidate)
            entries[candidate.id] = entry
            if log.events.contains(where: { $0.what == Self.acknowledged }) {
                options.acknowledgements.append(
                    RetentionAcknowledgement(
                        identity: candidate.identity, backupID: candidate.id, backupCreatedAt: candidate.createdAt))
            }
        }
        let plans = rules.map { rule in
            (
                rule.name,
                RetentionPlanner.plan(
                    candidates: candidates, rules: rule.rules, zone: rule.zone, now: now, options: options)
            )
        }
        frozen = plans.first?.1.frozen ?? []
        let decisions = plans.map { name, plan in
            (name, Dictionary(plan.decisions.map { ($0.candidate.id, $0) }, uniquingKeysWith: { first, _ in first }))
        }
        let naming = rules.count > 1
        rows = candidates.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }.compactMap { candidate in
            guard let entry = entries[candidate.id] else { return nil }
            let found = decisions.compactMap { name, byID in byID[candidate.id].map { (name, $0) } }
            let keeping = found.filter { $0.1.keep }
            let keeps = found.isEmpty || !keeping.isEmpty
            let reasons = (keeps ? keeping : found).flatMap { name, decision in
                decision.reasons.map { naming ? "\($0) (\(name))" : "\($0)" }
            }
            return Row(entry: entry, keeps: keeps, reasons: reasons.isEmpty ? ["no retention rules"] : reasons)
        }
        let dropped = Set(rows.filter { !$0.keeps }.map(\.entry.location))
        drops = (plans.first?.1.drops ?? []).compactMap { entries[$0.id] }.filter { dropped.contains($0.location) }
    }

    private static func candidate(
        _ entry: CatalogEntry, _ log: EventLog, _ cluster: ClusterPath, id: String
    ) -> RetentionCandidate {
        let record = entry.record
        var problems = entry.problems + log.problems + (log.fault.map { ["failed verification: \($0.result)"] } ?? [])
        if record == nil { problems.append("it has no record") }
        let isDrilled = log.events.contains { $0.what == Drill.event && $0.result == StoredEvent.ok }
        let doubt = log.mayBePinned ? "perhaps: what lies beside it cannot be read" : nil
        return RetentionCandidate(
            id: id, createdAt: entry.createdAt,
            identity: RetentionIdentity(clusterPath: cluster.description, uid: record?.identity.clusterUID),
            isComplete: record?.result == .complete, isSafetyCopy: record?.purpose == .safety,
            verifiedLevel: level(log.proof, isDrilled: isDrilled),
            problems: problems, pinned: log.pin.map { "pinned on \(UTCTime.string($0.at))" } ?? doubt,
            parent: record?.parent,
            liveKeys: record?.window?.liveKeys)
    }

    private static func level(_ proof: StoredEvent?, isDrilled: Bool) -> RetentionCandidate.VerifiedLevel {
        guard let proof else { return .none }
        switch proof.level ?? .stored {
        case .stored: return .stored
        case .opened: return isDrilled ? .drilled : .opened
        case .drilled: return .drilled
        }
    }
}
