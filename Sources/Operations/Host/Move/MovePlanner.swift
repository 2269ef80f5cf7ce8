import Datastore
import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
import VirtualClusters

/// Decides what a backup becomes on another host, or under another name, from what was found; nothing is asked and nothing changed
/// here.
struct MovePlanner {
    /// The marks of objects that a run has made already are not in its way.
    let run: String?
    let archive: HostRestoreArchive
    /// What the target host has.
    let objects: HostObjects
    let original: MoveOriginal
    let options: HostMoveOptions
    private let move: ManifestMove?
    private let archived: VirtualCluster?

    init(
        _ archive: HostRestoreArchive, onto objects: HostObjects, original: MoveOriginal, _ options: HostMoveOptions,
        run: String? = nil
    ) {
        self.archive = archive
        self.objects = objects
        self.original = original
        self.options = options
        self.run = run
        archived = Self.cluster(in: archive)
        move = Self.place(archive, options).map { places in
            ManifestMove(
                names: MoveNames(from: places.old, to: places.new, archive.manifests), mapping: options.mapping)
        }
    }

    /// Where it was, and where it goes; nil for a backup that is of no host.
    static func place(
        _ archive: HostRestoreArchive, _ options: HostMoveOptions
    ) -> (old: MoveNames.Place, new: MoveNames.Place)? {
        let identity = archive.document.identity
        guard let namespace = identity.namespace else { return nil }
        return (
            MoveNames.Place(namespace: namespace, name: identity.name),
            MoveNames.Place(namespace: options.namespace ?? namespace, name: options.name ?? identity.name)
        )
    }

    // MARK: What is created

    /// A manifest as it is on the new host, with why it is not created.
    struct Moved {
        let manifest: HostManifest
        let object: KubernetesObject
        var reason: String?
    }

    /// All of them, in the order in which they are created: the workload first, since its mark tells of the run.
    func moved() -> [Moved] {
        guard let move else { return [] }
        let all = archive.manifests.map { Moved(manifest: $0, object: move.moved($0)) }
        return all.map { one in
            var one = one
            one.reason = reason(one, move.names)
            return one
        }.sorted { (Self.order($0), $0.object.name) < (Self.order($1), $1.object.name) }
    }

    private static func order(_ moved: Moved) -> Int {
        if isWorkload(moved.manifest.type) { return 0 }
        return 1 + (HostManifest.kinds.firstIndex(of: moved.manifest.type) ?? 0)
    }

    static func isWorkload(_ type: ResourceType) -> Bool { type == .statefulSets || type == .deployments }

    private func reason(_ moved: Moved, _ names: MoveNames) -> String? {
        let (manifest, type) = (moved.manifest, moved.manifest.type)
        if type.isNamespaced, manifest.object.namespace != names.old.namespace { return "it lies in another namespace" }
        if manifest.object.labels["owner"] == "helm", [.secrets, .configMaps].contains(type), names.old != names.new {
            return "Helm's record is of the release \(names.old.name) in \(names.old.namespace), and of no other"
        }
        if type == .secrets, manifest.object.name == "vc-\(names.old.name)" {
            return "its syncer makes it when it starts"
        }
        if [.clusterRoles, .clusterRoleBindings].contains(type), !options.allows(type.kind) {
            return "it holds for the whole host: say --allow \(type.kind) to create it"
        }
        if [.resourceQuotas, .limitRanges].contains(type), let there = present(type, moved.object.name), !isOurs(there)
        {
            return "the namespace has its own"
        }
        if isForWholeNamespace(manifest, names), !isNamespaceOurs, !options.allows(type.kind) {
            return "it holds for all of the namespace, and others may be in it: say --allow \(type.kind) to create it"
        }
        return nil
    }

    /// Nobody else is in a namespace that is made for the move, or was by the run that is gone on with.
    private var isNamespaceOurs: Bool {
        isNamespaceMissing == true || present(.namespaces, move?.names.new.namespace ?? "").map(isOurs) ?? false
    }

    /// Somebody gave it to the namespace, and not to the cluster alone.
    private func isForWholeNamespace(_ manifest: HostManifest, _ names: MoveNames) -> Bool {
        let (labels, object) = (manifest.object.labels, manifest.object)
        let release = [
            labels["release"], labels["app.kubernetes.io/instance"],
            object.annotations["meta.helm.sh/release-name"],
        ]
        guard !release.contains(names.old.name) else { return false }
        switch manifest.type {
        case .resourceQuotas, .limitRanges: return true
        case .networkPolicies: return (object["spec", "podSelector"]?.members ?? []).isEmpty
        default: return false
        }
    }

    func present(_ type: ResourceType, _ name: String) -> KubernetesObject? {
        objects.objects(of: type).first {
            $0.name == name && (!type.isNamespaced || $0.namespace == move?.names.new.namespace)
        }
    }

    func isOurs(_ object: KubernetesObject) -> Bool {
        run != nil && object.annotations[HostObjectCreation.mark] == run
    }

    /// The virtual cluster that the objects make up, as discovery will see it.
    func cluster() -> VirtualCluster? {
        guard let names = move?.names else { return nil }
        var host = HostObjects(host: objects.host)
        for (type, moved) in Dictionary(grouping: moved().filter { $0.reason == nil }, by: \.manifest.type) {
            host.add(moved.map(\.object), of: type)
        }
        for type in HostCluster.discoveryKinds + HostManifest.kinds { host.add([], of: type) }
        do throws(Failure) {
            return try Discovery(of: host).cluster(named: "\(names.new.namespace)/\(names.new.name)")
        } catch { return nil }
    }

    private static func cluster(in archive: HostRestoreArchive) -> VirtualCluster? {
        var host = HostObjects(host: "")
        for type in HostCluster.discoveryKinds + HostManifest.kinds {
            host.add(archive.manifests.filter { $0.type == type }.map(\.object), of: type)
        }
        let identity = archive.document.identity
        do throws(Failure) {
            return try Discovery(of: host).cluster(named: "\(identity.namespace ?? "")/\(identity.name)")
        } catch { return nil }
    }

    // MARK: The plan

    func plan() -> HostMovePlan {
        let moved = moved()
        let cluster = cluster()
        let place = move?.names.new
        let target = HostMovePlan.Target(
            host: objects.host, namespace: place?.namespace ?? "", name: place?.name ?? "",
            createsNamespace: isNamespaceMissing == true && options.createsNamespace,
            workload: cluster.map { "\($0.workload.type.kind) \($0.workload.name)" },
            replicas: cluster?.workload.replicas ?? 0, image: cluster?.server.image.text,
            claim: cluster?.volume.claims.first?.name)
        let bindings = archive.hostBindings
        var plan = HostMovePlan(
            source: archive.facts, target: target,
            emptyVolumes: archive.claims.map { "\($0.namespace)/\($0.name)" }.sorted(),
            cleanings: bindings.filter { options.cleanings.contains($0.kind) },
            keptBindings: bindings.filter { !options.cleanings.contains($0.kind) },
            objects: moved.map(entry), consents: consents(moved), warnings: [], refusals: [], options: options)
        plan.warnings = warnings(plan, moved, cluster)
        plan.refusals = MoveRefusals(planner: self, archived: archived, cluster: cluster, names: move?.names)
            .refusals(plan, moved)
        return plan
    }

    /// nil where nobody could look.
    var isNamespaceMissing: Bool? {
        guard let namespace = move?.names.new.namespace, objects.whyUnlisted(.namespaces, in: "") == nil else {
            return nil
        }
        return !objects.objects(of: .namespaces).contains { $0.name == namespace && !$0.isBeingDeleted }
    }

    private func entry(_ moved: Moved) -> HostMovePlan.Object {
        HostMovePlan.Object(
            kind: moved.manifest.type.kind, archivedName: moved.manifest.object.name, name: moved.object.name,
            reason: moved.reason,
            fields: moved.reason == nil
                ? FieldDifference.between(
                    archived: Self.withoutRecord(moved.manifest.object.json), present: moved.object.json,
                    hidesValues: moved.manifest.type == .secrets) : [])
    }

    private static func withoutRecord(_ json: JSONValue) -> JSONValue {
        let annotations = (json["metadata", "annotations"]?.members ?? []).filter {
            !$0.name.hasPrefix(HostManifest.annotationPrefix)
        }
        return json.setting(["metadata", "annotations"], to: annotations.isEmpty ? nil : .object(annotations))
    }

    private func consents(_ moved: [Moved]) -> [HostMovePlan.Consent] {
        let accounts = moved.filter { $0.manifest.type == .serviceAccounts && $0.reason == nil }.map(\.object.name)
        let trust = ArchiveTrust(
            images: imagePlaces, accounts: Set(accounts), namespace: move?.names.new.namespace ?? "")
        let isAllowedKind: (String) -> Bool = { $0 == "ClusterRole" || $0 == "ClusterRoleBinding" }
        return moved.flatMap { one in
            trust.findings(one.manifest.type, one.object).compactMap { finding in
                // What is not created without consent stands among the objects.
                if isAllowedKind(finding.kind), one.reason != nil { return nil }
                return HostMovePlan.Consent(
                    kind: finding.kind, what: finding.what, isGiven: options.allows(finding.kind))
            }
        }
    }

    private var imagePlaces: Set<String> {
        let there = Discovery(of: objects).clusters.flatMap { cluster in
            objects.objects(of: cluster.workload.type).filter {
                $0.name == cluster.workload.name && $0.namespace == cluster.namespace
            }
        }.flatMap { workload in
            ["initContainers", "containers"].flatMap { workload["spec", "template", "spec"]?[$0]?.arrayValue ?? [] }
        }.compactMap { $0["image"]?.stringValue }.compactMap(ArchiveTrust.place(ofImage:))
        let mapped =
            options.mapping.images.values.compactMap { ArchiveTrust.place(ofImage: "\($0)/image") }
            + options.mapping.images.values.compactMap(ArchiveTrust.place(ofImage:))
        return ArchiveTrust.knownImages.union(there).union(mapped)
    }

    private func warnings(_ plan: HostMovePlan, _ moved: [Moved], _ cluster: VirtualCluster?) -> [String] {
        var warnings = plan.source.reasons.map { "the backup is partial: \($0)" }
        warnings += archive.foreign.map { "passed over in the archive: \($0)" }
        warnings += MoveWarnings(planner: self, names: move?.names).all(plan, moved, cluster)
        let unused = move?.uses.unused(of: options.mapping) ?? []
        warnings += unused.map { "nothing in the backup has what the mapping says of \($0)" }
        return warnings
    }
}
