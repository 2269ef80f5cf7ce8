import Datastore
import Failures
import Foundation
import Kubernetes
import Policies
import Stores
import VirtualClusters

/// Decides what a restore does, from what was found; nothing is asked and nothing changed here.
struct HostRestorePlanner {
    /// What an agent saw on the volume, or why none could look.
    enum Look {
        case seen(RemoteRestorePlan)
        case notPossible(String)
    }

    let archive: HostRestoreArchive
    let cluster: VirtualCluster
    let objects: HostObjects
    let look: Look
    let options: HostRestoreOptions
    /// Where the safety backup would go.
    let store: String?
    /// The run that has the cluster already.
    let mark: RunMark?
    let commands: HostRestoreCommands

    func plan() -> HostRestorePlan {
        var plan = HostRestorePlan(
            source: archive.facts, target: Self.target(cluster),
            managers: cluster.managers.compactMap { ManagerAdvice($0, of: cluster) }, agent: nil,
            agentIsMissing: nil, detached: detached, objects: isOwnPlace ? comparison.changes : [],
            safetyBackup: safetyBackup,
            downtime: downtime, warnings: [], refusals: [], options: options)
        switch look {
        case .seen(let seen): plan.agent = seen
        case .notPossible(let why): plan.agentIsMissing = why
        }
        plan.warnings = warnings(plan)
        plan.refusals = Self.refusals(of: cluster) + refusals(plan)
        return plan
    }

    /// The backup is of the cluster with this name in this namespace: its host objects are this cluster's.
    var isOwnPlace: Bool {
        archive.document.identity.namespace == cluster.namespace && archive.document.identity.name == cluster.name
    }

    /// By what lies on the volume, where anybody could look: k3s keeps an etcd that it was once started with.
    private var isOnEtcd: Bool {
        if case .seen(let seen) = look, let driver = seen.plan.target.driver {
            return driver == DatastoreDriver.etcd.rawValue
        }
        if case .embeddedEtcd = cluster.datastore { return true }
        return false
    }

    /// An etcd knows its member by the address of the pod, which is another one each time: k3k's start resets that, no other does.
    private var isEtcdRebuilt: Bool { cluster.layout.generation == .k3k }

    private var isOfKubernetes: Bool { cluster.layout.distribution == .k8s }

    var comparison: HostObjectComparison {
        HostObjectComparison(
            cluster: cluster, archived: isOwnPlace ? archive.manifests : [], objects: objects,
            allowed: Set(options.allowedKinds), wanted: HostObjectSelection(options.appliedObjects ?? []))
    }

    /// Why this cluster cannot be restored in its place, whatever the archive.
    static func refusals(of cluster: VirtualCluster) -> [String] {
        var refusals = cluster.obstacles.filter { $0.prevents.contains(.restore) }.map(\.sentence)
        if cluster.workload.replicas > 1, refusals.isEmpty {
            refusals.append("It has \(cluster.workload.replicas) replicas: a restore in its place is for one.")
        }
        switch cluster.state {
        case .restoring: refusals.append("A restore by vcluster's own command is at work, or was cut.")
        case .beingDeleted: refusals.append("It is being deleted.")
        case .running, .paused, .runningThoughPaused, .scaledToZero: break
        }
        if cluster.volume.claims.count != 1, refusals.isEmpty {
            refusals.append("Its data is on no single persistent volume claim.")
        }
        return refusals
    }

    private static func target(_ cluster: VirtualCluster) -> HostRestorePlan.Target {
        let claim = cluster.volume.claims.first
        return HostRestorePlan.Target(
            host: cluster.host, namespace: cluster.namespace, name: cluster.name,
            workload: "\(cluster.workload.type.kind) \(cluster.workload.name)", workloadUID: cluster.workload.uid,
            replicas: cluster.workload.replicas, image: cluster.server.image.text, version: cluster.server.version,
            claim: claim?.name, createsClaim: claim?.isThere == false)
    }

    private var safetyBackup: HostRestorePlan.SafetyBackup {
        func none(_ why: String) -> HostRestorePlan.SafetyBackup {
            .init(isTaken: false, reason: "\(why); the set that is moved aside is the safety copy")
        }
        if !options.takesSafetyBackup { return none("as told by --no-safety-backup") }
        guard let store else { return none("no store is named") }
        if isOnEtcd {
            return none("a backup of an embedded etcd would hold its newest snapshot, not what is there now")
        }
        switch look {
        case .notPossible(let why): return none(why)
        case .seen(let seen):
            guard seen.plan.target.database == "readable" else {
                return none("the database that is there is \(seen.plan.target.database)")
            }
            return .init(isTaken: true, reason: "into \(store)")
        }
    }

    private var detached: [String] {
        if case .seen(let seen) = look, seen.datastoreIsReadable { return [] }
        guard !options.dropsNewerVolumes, mark == nil else { return [] }
        let claims = objects.objects(of: .persistentVolumeClaims)
        return VolumeDetachment.newer(than: archive.claims, of: cluster, among: claims).map(\.name)
    }

    private var downtime: String {
        guard cluster.workload.replicas > 0 else { return "none: it does not run now, and is not started" }
        return "from its stop until it is ready again: the time that these take, and that of copying the database. "
            + "Workload pods go on running; what needs the virtual API waits."
    }

    private func warnings(_ plan: HostRestorePlan) -> [String] {
        var warnings = plan.agent?.plan.warnings ?? plan.source.reasons.map { "the backup is partial: \($0)" }
        if let newer = plan.agent?.plan.newer, newer.problem != nil, !options.dropsNewerVolumes {
            // On a host there is a way to keep them.
            warnings.removeAll { newer.warnings.contains($0) }
        }
        if archive.driver == .etcd {
            // Here k3s rebuilds it before the control plane is started.
            warnings.removeAll { $0 == RestorePlanner.rebuildWarning }
        }
        if cluster.isStoppedByBarrier {
            warnings.append(
                "no other pod without a deadline can be made in the namespace \(cluster.namespace) while it is stopped: a "
                    + "ResourceQuota keeps its pods away, since k3k sets the replicas back")
            warnings.append(
                "in k3k's mode virtual what runs on the server itself stops with it; claims on the host that are newer than the "
                    + "backup stay there, and are not known inside any more")
        }
        if !isOwnPlace {
            warnings.append("the backup is of \(archive.cluster): its host objects are not looked at")
        }
        warnings += archive.foreign.map { "passed over in the archive: \($0)" }
        if let version = cluster.server.version, plan.source.version != "unknown", plan.source.version != version {
            warnings.append(otherVersion(plan.source.version, version))
        }
        if !plan.detached.isEmpty {
            warnings.append(
                "volumes that the backup does not know cannot be carried over: they are kept on the host, and are not known inside any more"
            )
        }
        if options.dropsNewerVolumes, plan.agent?.datastoreIsReadable != true {
            warnings.append("volumes that the backup does not know are lost, with their data: which, cannot be told")
        }
        for text in options.appliedObjects ?? [] where !plan.objects.contains(where: { isMeant($0, by: text) }) {
            warnings.append("nothing that differs is a \(text): --apply \(text) puts nothing back")
        }
        for manager in plan.managers where manager.undoesChanges && options.allowsManaged {
            warnings.append("\(manager.manager): \(manager.advice)")
        }
        return warnings
    }

    private func otherVersion(_ backup: String, _ now: String) -> String {
        let text = "the backup is of \(backup), and \(now) will start on it"
        guard let old = K3sVersion(now), let new = K3sVersion(backup), old < new else { return text }
        return text + ", which is older: it may not be able to, and what newer versions wrote it may not know"
    }

    private func isMeant(_ object: HostObjectChange, by text: String) -> Bool {
        object.change == .putBack && HostObjectSelection([text]).has(kind: object.kind, object.name)
    }

    private func refusals(_ plan: HostRestorePlan) -> [String] {
        var refusals: [String] = []
        if let other = PodBarrier.ofAnother(than: cluster, in: objects) {
            refusals.append(
                "a restore of \(other.cluster) in the same namespace is under way, or was cut, and keeps all pods away (ResourceQuota \(other.quota)): finish it first"
            )
        }
        if cluster.isStoppedByBarrier, cluster.workload.replicas == 0 {
            refusals.append("its StatefulSet has no replicas, which k3k never asks for: start k3k's controller")
        }
        if let mark {
            refusals.append(mark.locked(cluster.path, commands).description)
        }
        if isOfKubernetes != (archive.document.distribution == .kubernetes) {
            refusals.append(
                "the backup is of \((archive.document.distribution ?? .k3s).rawValue), and \(cluster.path) runs"
                    + " \(isOfKubernetes ? "Kubernetes" : "k3s") now")
        }
        if archive.driver == .etcd, !isEtcdRebuilt {
            refusals.append(
                "the backup is of embedded etcd, which only k3s itself can rebuild (k3s server --cluster-reset): restore it as a data directory"
            )
        } else if !isOfKubernetes, isOnEtcd != (archive.driver == .etcd) {
            func words(_ isEtcd: Bool) -> String { isEtcd ? "an embedded etcd" : "SQLite" }
            refusals.append(
                "the backup is of \(words(archive.driver == .etcd)), and \(cluster.path) keeps its objects in \(words(isOnEtcd))"
            )
        }
        if let other = otherToken { refusals.append(other) }
        for manager in plan.managers where manager.undoesChanges && !options.allowsManaged {
            refusals.append("\(manager.manager), and would undo the restore: \(manager.advice); or say --allow-managed")
        }
        if plan.target.createsClaim,
            !plan.objects.contains(where: {
                $0.kind == ResourceType.persistentVolumeClaims.kind && $0.name == plan.target.claim
                    && $0.change == .create
            })
        {
            refusals.append(
                "the claim \(plan.target.claim ?? "with the data") is missing, and the backup does not have it")
        }
        return refusals + comparison.refusals + (plan.agent?.plan.refusals ?? [])
    }

    /// k3s takes the token of the Secret, and ends where that does not open what the datastore has of its identity.
    private var otherToken: String? {
        guard !options.acceptsNewIdentity, let token = archive.token, let here = HostToken(of: cluster, in: objects),
            !here.isSame(as: token)
        else { return nil }
        let what = "the token in Secret \(here.secret) is not the backup's, and does not open its datastore: "
        if cluster.isStoppedByBarrier {
            return what + "set the one of the backup (server/token in it) there and in its configuration"
        }
        let isPutBack = HostObjectSelection(options.appliedObjects ?? []).has(.secrets, here.secret) && isOwnPlace
        return isPutBack ? nil : what + "put that back as well, with --apply Secret/\(here.secret)"
    }
}
