public import Datastore
import Failures

/// What a person chose of a restore that an agent does.
public struct RemoteRestoreOptions: Codable, Sendable, Equatable {
    /// Keep revisions from going backwards.
    public var bumpsRevision = true
    /// Restore over the data of another cluster.
    public var replacesOtherCluster = false
    /// Accept that k3s makes a new identity.
    public var acceptsNewIdentity = false
    /// Leave `tls/` and `cred/` to k3s, or restore them, whatever the plan would choose.
    public var serverFiles: RestorePlan.ServerFiles?
    /// Remove the set put aside at the end.
    public var discardsOld = false
    /// What becomes of volumes that are newer than the backup; nil where there is nothing that is replaced.
    public var newerVolumes: NewerVolumes? = .carryOver
    /// What of the old host is cleaned from the datastore; nil where it stays on its host.
    public var cleanings: [HostBinding.Kind]?
    /// Claims whose volumes the host has not any more, `NAMESPACE/NAME`: they are bound anew.
    public var emptiedClaims: [String]?
    /// It takes an upgrade back: what it replaces was written by a newer version.
    public var isWayBack: Bool?
    /// Keep k3s from starting before its etcd is rebuilt.
    public var guardsEtcd: Bool?
    /// The id of the run on the host: its beginning ends the name of the run on the volume, so that they are found by each other.
    public var run: String?

    /// The default choices.
    public init() {}
}

/// What a restore that an agent does will do.
public struct RemoteRestorePlan: Codable, Sendable, Equatable {
    /// The plan. That a server runs is not among its refusals; its paths are the agent's.
    public var plan: RestorePlan
    /// What shows that a server runs on the directory, which has to be stopped before the restore.
    public var runningServer: String?

    /// Volume claims and volumes that are live in the replaced datastore and not in the backup, with what becomes of each, and
    /// the namespaces that carried claims need.
    public var newerVolumes: [NewerVolume] { plan.newer?.volumes ?? [] }
    /// Other live objects that the backup does not have, and that will be gone: how many of each resource.
    public var newerObjects: [String: Int] { plan.newer?.others ?? [:] }
    /// The replaced datastore can be compared with the backup. If not, nothing can be carried over, and ``newerVolumes`` is
    /// empty: what is newer has to be kept on the host.
    public var datastoreIsReadable: Bool { plan.newer.map { $0.problem == nil } ?? false }
}

/// How a restore that an agent did stands.
public struct RemoteRestoreOutcome: Codable, Sendable, Equatable {
    /// The run's id.
    public var run: String
    /// How far it is.
    public var state: RestoreJournal.State
    /// Where the old set lies, as the agent sees it; nil when there was none, or it was discarded.
    public var oldSet: String?
    /// What a person should know.
    public var remarks: [String]
    /// What was carried over into the set that is in place; empty after a rollback.
    public var carriedOver: [NewerVolume]
    /// Fingerprints of the authorities' certificates that are in place now, by name (`server-ca`); without those that k3s
    /// makes again from the datastore when it starts.
    public var authorities: [String: String]
    /// The whole record.
    public var journal: RestoreJournal
}

extension RemoteRestoreOutcome {
    /// What a record alone tells, of a run that nobody has followed to its end.
    init(listed journal: RestoreJournal) {
        self.init(
            run: journal.run, state: journal.state, oldSet: nil, remarks: [], carriedOver: journal.carriedOver,
            authorities: [:], journal: journal)
    }
}

extension RestoreJournal {
    /// The volumes that were carried over into the set that is in place; none after a rollback.
    var carriedOver: [NewerVolume] {
        guard state != .rolledBack, state != .rollingBack else { return [] }
        let carried = Set(carried?.map(\.key) ?? [])
        return plan.newer?.volumes.filter { carried.contains($0.key) } ?? []
    }
}

/// A restore as it is recorded beside the data.
public struct RemoteRestoreRun: Codable, Sendable, Equatable {
    /// The run's id.
    public var run: String
    /// The record; nil where it cannot be read.
    public var journal: RestoreJournal?
    /// Why not.
    public var problem: String?
    /// The restored set is in place, seen from the directories themselves.
    public var isInPlace: Bool
    /// To be resumed it needs its archive again.
    public var needsArchive: Bool
}

extension RemoteRestorePlan {
    /// Refuses a plan that does not do what this one said. What the server has written meanwhile may differ, as long as nothing
    /// that this plan does not name is lost.
    func requireSame(as actual: RemoteRestorePlan) throws(Failure) {
        guard let why = difference(from: actual) else { return }
        throw Failure(
            .refused, "the restore would not do any more what its plan says", why: why, next: "make a new plan")
    }

    private func difference(from actual: RemoteRestorePlan) -> String? {
        let (source, other) = (plan.source, actual.plan.source)
        if source.id != other.id { return "the backup is \(other.id), and the plan is of \(source.id)" }
        if source.rowsSHA256 != other.rowsSHA256 { return "the backup has other rows" }
        if plan.hostBindings != actual.plan.hostBindings { return "other objects would be cleaned" }
        if plan.options != actual.plan.options { return "the options are others" }
        if plan.serverFiles != actual.plan.serverFiles { return actual.plan.serverFilesReason }
        if datastoreIsReadable, !actual.datastoreIsReadable {
            return
                "the datastore that is replaced cannot be compared any more: \(actual.plan.newer?.problem ?? "unknown")"
        }
        // An etcd that was written to while it was looked at may not have told.
        if let uid = plan.target.clusterUID, uid != actual.plan.target.clusterUID {
            return "another cluster is there now"
        }
        let named = Set(newerVolumes.map(\.key))
        let unnamed = actual.newerVolumes.first { $0.outcome != .carriedOver && !named.contains($0.key) }
        if let unnamed { return "\(unnamed.kind.rawValue) \(unnamed.name) would be lost, which is newer than the plan" }
        let refusals = Set(plan.refusals)
        return actual.plan.refusals.first { !refusals.contains($0) }
    }
}
