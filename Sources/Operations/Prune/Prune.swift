public import Failures
import Files
public import Stores

/// Removes what retention no longer keeps of one cluster.
public struct Prune: Sendable {
    private let store: DirectoryStore
    private let rules: [PruneRules]
    private let context: OperationContext

    /// Prepares a run.
    public init(_ rules: [PruneRules], in store: DirectoryStore, _ context: OperationContext) {
        self.rules = rules
        self.store = store
        self.context = context
    }

    /// Plans under the lock of the cluster's folder and does it; gives the plan. Killed or stopped in between, it has
    /// removed some of what the plan removes, each one whole.
    public func run(_ cluster: ClusterPath) throws(Failure) -> PrunePlan {
        let folder = "\(store.location)/\(cluster.folders.joined(separator: "/"))"
        guard try FileStatus.ifPresent(folder)?.kind == .directory else {
            return try PrunePlan(cluster, in: store, rules, now: context.now())
        }
        // Two at once would each take their share of the same catalog.
        let lock = try FileLock.lock(
            "\(folder)/.prune.lock", exclusive: true,
            holder: "prune, since \(UTCTime.string(context.now()))")
        defer { withExtendedLifetime(lock) {} }
        let plan = try PrunePlan(cluster, in: store, rules, now: context.now())
        for entry in plan.drops {
            try context.checkStop()
            context.report(.step("removing \(entry.fileName)"))
            try store.delete(entry, at: context.now(), by: OperationContext.version)
        }
        return plan
    }
}
