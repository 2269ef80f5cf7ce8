import Files
import Foundation
import Operations
import Policies
import Stores

/// The clusters, their backups in the store, and what was done to them, told line by line for the plain model.
final class Fleet {
    /// What the test itself knows of a backup.
    struct Fact {
        var entry: CatalogEntry
        var uid: String
        var isComplete: Bool
        var isVerified = false
        var isPinned = false
        var age: (Date, String) { (entry.createdAt, entry.id ?? "") }
    }

    private struct Cluster {
        var path: ClusterPath
        var uid: String
        var keys: Int64
        var rules: [PruneRules]
        var facts: [Fact] = []
        var backups = 0
    }

    let store: MemoryStore
    private var clusters: [String: Cluster] = [:]
    private var numbers: SeededNumbers
    /// What happened, and what came of each pruning and each look into the store.
    private(set) var story = Data()
    private(set) var answers: [[String]] = []
    /// What must never be.
    private(set) var violations: [String] = []
    private(set) var frozenPrunings = 0
    /// Clusters that lost most of their keys, before the first complete backup that shows it.
    private var losing: Set<String> = []
    /// From that backup on, until a person has acknowledged it.
    private var lossIsOpen: Set<String> = []

    init(_ configuration: DaytwoConfiguration, seed: UInt64) throws {
        numbers = SeededNumbers(state: seed)
        store = MemoryStore(configuration.stores.first?.path ?? "")
        var told: [String: [[String: Any]]] = [:]
        for cluster in configuration.clusters {
            guard let path = ClusterPath(cluster.path) else { continue }
            let schedules = configuration.schedules.filter { !$0.entries(for: [cluster]).isEmpty }
            clusters[cluster.path] = Cluster(
                path: path, uid: "\(cluster.name)-1", keys: 1000,
                rules: schedules.map { PruneRules(name: $0.name, rules: $0.retention, zone: $0.zone) })
            told[cluster.path] = schedules.map { ["zone": $0.zone.name, "rules": Self.told($0.retention)] }
        }
        try tell(["rules": told])
    }

    private static func told(_ rules: RetentionRules) -> [String: Int] {
        let all = [
            "last": rules.keepLast, "hourly": rules.keepHourly, "daily": rules.keepDaily, "weekly": rules.keepWeekly,
            "monthly": rules.keepMonthly, "yearly": rules.keepYearly, "maxCount": rules.maxCount,
        ]
        return all.compactMapValues { $0 }
    }

    private func tell(_ line: [String: Any]) throws {
        story += try JSONSerialization.data(withJSONObject: line, options: .sortedKeys) + [UInt8(ascii: "\n")]
    }

    /// What a backup job leaves behind, and what follows it.
    func backUp(_ name: String, isComplete: Bool, at now: Date) throws {
        guard var cluster = clusters[name] else { return }
        cluster.keys += Int64.random(in: -3...4, using: &numbers)
        cluster.backups += 1
        let id = (0..<4).map { _ in String(format: "%08x", UInt32.random(in: 0 ... .max, using: &numbers)) }.joined()
        let archive = try ArchiveName(name: cluster.path.name, createdAt: now, id: id)
        let bytes = Array("\(id) \(cluster.keys)".utf8)
        var record = StoredRecord(
            id: id, name: archive, identity: .init(cluster: cluster.path, clusterUID: cluster.uid),
            size: UInt64(bytes.count), sha256: try digest(of: MemorySource(bytes)),
            daytwoVersion: OperationContext.version, result: isComplete ? .complete : .partial,
            reasons: isComplete ? [] : ["a file could not be read"])
        record.window = .init(revision: Int64(cluster.backups), liveKeys: cluster.keys)
        let pending = try store.begin(cluster.path, archive)
        let sink = pending.sink
        try bytes.withUnsafeBytes { try sink.write($0) }
        let entry = try pending.commit(record)
        cluster.facts.append(Fact(entry: entry, uid: cluster.uid, isComplete: isComplete))
        clusters[name] = cluster
        try tell([
            "cluster": name,
            "add": [
                "id": id, "time": Int(now.timeIntervalSince1970), "identity": "\(name) (\(cluster.uid))",
                "complete": isComplete, "level": 0, "keys": Int(cluster.keys),
            ],
        ])
        if isComplete, losing.remove(name) != nil { lossIsOpen.insert(name) }
        if numbers.isOne(in: 3) { try verify(name, numbers.isOne(in: 6) ? .opened : .stored, at: now) }
        try prune(name, at: now)
    }

    private func verify(_ name: String, _ level: StoredEvent.Level, at now: Date) throws {
        guard let last = clusters[name]?.facts.indices.last, let fact = clusters[name]?.facts[last] else { return }
        try store.checkStored(fact.entry)
        try note(StoredEvent.verified, level, fact.entry, at: now)
        clusters[name]?.facts[last].isVerified = level >= .opened
        try tell(["verify": fact.entry.id ?? "", "level": level >= .opened ? 2 : 1])
    }

    /// Somebody keeps the newest backup of a cluster.
    func pinNewest(_ name: String, at now: Date) throws {
        guard let last = clusters[name]?.facts.indices.last, let fact = clusters[name]?.facts[last] else { return }
        try note(StoredEvent.pinned, nil, fact.entry, at: now)
        clusters[name]?.facts[last].isPinned = true
        try tell(["pin": fact.entry.id ?? ""])
    }

    /// Most of what the cluster holds is gone.
    func lose(_ name: String) {
        clusters[name]?.keys /= 4
        losing.insert(name)
    }

    /// Somebody has looked at the loss, as `backup prune --acknowledge` notes it.
    func acknowledge(_ name: String, at now: Date) throws {
        guard let cluster = clusters[name] else { return }
        let plan = try PrunePlan(cluster.path, in: store, cluster.rules, now: now)
        if plan.frozen.isEmpty { violations.append("\(name) is not frozen, though it lost most of its keys") }
        for freeze in plan.frozen {
            guard let row = plan.rows.first(where: { $0.entry.record?.id == freeze.backupID }) else { continue }
            try note(PrunePlan.acknowledged, nil, row.entry, at: now)
            try tell(["acknowledge": freeze.backupID])
        }
        lossIsOpen.remove(name)
    }

    /// The cluster is made anew under its old name.
    func recreate(_ name: String) {
        clusters[name]?.uid += "-anew"
        clusters[name]?.keys = 40
    }

    private func note(_ what: String, _ level: StoredEvent.Level?, _ entry: CatalogEntry, at now: Date) throws {
        try store.appendEvent(
            StoredEvent(at: now, what: what, level: level, by: OperationContext.version), to: entry)
    }

    private func prune(_ name: String, at now: Date) throws {
        guard let cluster = clusters[name] else { return }
        let plan = try PrunePlan(cluster.path, in: store, cluster.rules, now: now)
        let drops = Set(plan.drops.compactMap(\.id))
        check(drops, of: cluster, at: now)
        if !plan.frozen.isEmpty {
            frozenPrunings += 1
            if !lossIsOpen.contains(name) { violations.append("\(name) is frozen without reason at \(now)") }
        }
        for entry in plan.drops { try store.delete(entry, at: now, by: OperationContext.version) }
        clusters[name]?.facts.removeAll { drops.contains($0.entry.id ?? "") }
        try tell(["prune": name, "now": Int(now.timeIntervalSince1970)])
        answers.append(drops.sorted())
    }

    /// What no rule may break, from what the test knows by itself.
    private func check(_ drops: Set<String>, of cluster: Cluster, at now: Date) {
        func isDropped(_ fact: Fact) -> Bool { drops.contains(fact.entry.id ?? "") }
        func expect(_ holds: Bool, _ what: String) {
            if !holds { violations.append("\(cluster.path) at \(now): \(what)") }
        }
        for (uid, facts) in Dictionary(grouping: cluster.facts, by: \.uid) {
            let lost = facts.filter(isDropped)
            expect(lost.count <= max(1, facts.count / 2), "more than half went at once")
            expect(!lost.contains { $0.isPinned }, "a pinned one went")
            expect(uid == cluster.uid || lost.isEmpty, "one of the cluster before went because of the new one")
            expect(lost.isEmpty || !lossIsOpen.contains(cluster.path.description), "one went of a frozen cluster")
            let good = facts.filter { $0.isComplete && $0.entry.createdAt <= now.addingTimeInterval(300) }
            for (what, some) in [("good", good), ("verified good", good.filter(\.isVerified))] {
                let newest = some.max { $0.age < $1.age }
                expect(newest.map { !isDropped($0) } ?? true, "the newest \(what) one went")
            }
        }
    }

    /// Looks at what lies in the store of each cluster.
    func look() throws {
        for name in clusters.keys.sorted() {
            guard let path = clusters[name]?.path else { continue }
            try tell(["list": name])
            answers.append(try store.list(path).entries.compactMap(\.id).sorted())
        }
    }
}
