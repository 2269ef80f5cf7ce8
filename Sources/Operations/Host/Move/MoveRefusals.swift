import Datastore
import Failures
import Foundation
import JSONValues
import Kubernetes
import Policies
import VirtualClusters

/// Why a move would be refused.
struct MoveRefusals {
    let planner: MovePlanner
    /// The virtual cluster as the archive has it; nil where it has none.
    let archived: VirtualCluster?
    /// As it will be.
    let cluster: VirtualCluster?
    let names: MoveNames?

    private static let largestMapping = 32 << 10

    func refusals(_ plan: HostMovePlan, _ moved: [MovePlanner.Moved]) -> [String] {
        guard let names, let archived else {
            return [
                "the backup has no host objects of a virtual cluster: restore it onto one that is there, or as a data directory"
            ]
        }
        if archived.layout.generation == .k3k {
            return [
                "it belongs to k3k, whose controller makes its objects: make a Cluster there, and restore into it by hand"
            ]
        }
        var refusals = namespace(plan, names)
        refusals += lengths(moved)
        guard let cluster else { return refusals + ["what the backup holds would be no virtual cluster there"] }
        refusals += kind(cluster, plan)
        refusals += copies(plan) + presence(moved, names) + storage(moved) + nodePorts(moved)
        for consent in plan.consents where !consent.isGiven {
            refusals.append("\(consent.what): say --allow \(consent.kind) if that is right")
        }
        for binding in plan.cleanings {
            guard let problem = binding.problem else { continue }
            refusals.append(
                "the claim \(binding.namespace ?? "")/\(binding.name) cannot be cleaned, \(problem): say --no-clean claims to leave it"
            )
        }
        if !plan.options.acceptsNewIdentity, !hasIdentity(moved, names) {
            refusals.append("it would get a new identity, which voids every kubeconfig and token: say --new-identity")
        }
        return refusals
    }

    /// k3s has its identity in its files or its datastore, Kubernetes in a Secret of its host.
    private func hasIdentity(_ moved: [MovePlanner.Moved], _ names: MoveNames) -> Bool {
        let document = planner.archive.document
        guard document.distribution == .kubernetes else {
            return document.identityFilesState == "complete" || document.token.isProven
        }
        return moved.contains {
            $0.manifest.type == .secrets && $0.object.name == KubernetesFiles.secretName(of: names.new.name)
                && $0.reason == nil
        }
    }

    private func kind(_ cluster: VirtualCluster, _ plan: HostMovePlan) -> [String] {
        var refusals = HostRestorePlanner.refusals(of: cluster)
        if planner.archive.driver == .etcd {
            refusals.append("the backup is of embedded etcd, which only k3s itself can rebuild")
        }
        if refusals.isEmpty,
            !plan.objects.contains(where: {
                $0.kind == "PersistentVolumeClaim" && $0.reason == nil && $0.name == plan.target.claim
            })
        {
            refusals.append("the backup does not have the claim \(plan.target.claim ?? "of its data")")
        }
        let count =
            plan.options.mapping == .init() ? 0 : (try? JSONValue(encoding: plan.options).compact.utf8.count) ?? 0
        if count > Self.largestMapping {
            refusals.append(
                "the mapping is larger than \(Self.largestMapping >> 10) KiB, which is kept at the workload")
        }
        return refusals
    }

    private func namespace(_ plan: HostMovePlan, _ names: MoveNames) -> [String] {
        var refusals: [String] = []
        for text in [names.new.namespace, names.new.name] where !Self.isLabel(text) {
            refusals.append("\(text.debugDescription) is no name that a host takes: use a-z, 0-9 and -")
        }
        if planner.isNamespaceMissing == true, !plan.options.createsNamespace {
            refusals.append("\(planner.objects.host) has no namespace \(names.new.namespace): say --create-namespace")
        }
        return refusals
    }

    /// A StatefulSet names its pods and their revision in labels, of which 63 characters are the most; a Service is one.
    private func lengths(_ moved: [MovePlanner.Moved]) -> [String] {
        let limits: [ResourceType: Int] = [.statefulSets: 52, .services: 63]
        return moved.filter { $0.reason == nil }.compactMap { one in
            guard let most = limits[one.manifest.type], one.object.name.utf8.count > most else { return nil }
            return
                "\(one.manifest.type.kind) \(one.object.name) would have \(one.object.name.utf8.count) characters, and"
                + " \(most) are the most: choose a shorter --name"
        }
    }

    static func isLabel(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isWord(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
        guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last else { return false }
        return isWord(first) && isWord(last) && bytes.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
    }

    // MARK: What is there

    private func presence(_ moved: [MovePlanner.Moved], _ names: MoveNames) -> [String] {
        let path = "\(names.new.namespace)/\(names.new.name)"
        let there = moved.filter { $0.reason == nil }.compactMap { one -> String? in
            guard let present = planner.present(one.manifest.type, one.object.name), !planner.isOurs(present) else {
                return nil
            }
            return "\(one.manifest.type.kind) \(one.object.name)"
        }
        if !there.isEmpty {
            let isIt = Discovery(of: planner.objects).clusters.contains { $0.path == path }
            return [
                "\(planner.objects.host) has \(there.prefix(5).joined(separator: ", "))\(there.count > 5 ? ", …" : "") in"
                    + " \(names.new.namespace) already: "
                    + (isIt
                        ? "restore onto it (daytwo restore plan \(path) BACKUP), or choose another name"
                        : "choose another name or namespace")
            ]
        }
        let synced = [ResourceType.persistentVolumeClaims, .pods, .services].flatMap { planner.objects.objects(of: $0) }
            .first { $0.namespace == names.new.namespace && $0.labels[SyncerNames.markerLabel] == names.new.name }
        guard let synced, planner.run == nil else { return [] }
        return [
            "\(names.new.namespace) still has objects of a syncer called \(names.new.name) (\(synced.name)), which a new one would take"
                + " for its own: choose another name"
        ]
    }

    private func copies(_ plan: HostMovePlan) -> [String] {
        guard !plan.options.allowsSecondCopy else { return [] }
        func hint(_ path: String, on host: String) -> String {
            "stop it first (daytwo clusters pause \(path) --host \(host)), or say --allow-second-copy"
        }
        let identity = planner.archive.document.identity
        if planner.original == .runs {
            let path = [identity.namespace, identity.name].compactMap(\.self).joined(separator: "/")
            return ["the original \(plan.source.cluster) runs: \(hint(path, on: identity.host ?? "HOST"))"]
        }
        guard let fingerprint = plan.source.serverCA else { return [] }
        let other = IdentityCopies(fingerprint: fingerprint).running(among: planner.objects) {
            $0.path != plan.target.path
        }
        return other.map {
            let host = planner.objects.host
            return ["\($0.path) on \(host) runs with the same identity: \(hint($0.path, on: host))"]
        } ?? []
    }

    private func nodePorts(_ moved: [MovePlanner.Moved]) -> [String] {
        func ports(_ service: KubernetesObject) -> [Int64] {
            (service["spec", "ports"]?.arrayValue ?? []).compactMap { $0["nodePort"]?.integerValue }
        }
        let taken = planner.objects.objects(of: .services).filter { !planner.isOurs($0) }
        return moved.filter { $0.manifest.type == .services && $0.reason == nil }.flatMap { one in
            ports(one.object).compactMap { port in
                taken.first { ports($0).contains(port) }.map {
                    "the node port \(port) is taken by Service \($0.namespace ?? "")/\($0.name) (mapping: nodePorts)"
                }
            }
        }
    }

    /// A volume that somebody made by hand for a class that there need not be.
    private func hasVolume(ofClass name: String) -> Bool {
        planner.objects.objects(of: .persistentVolumes).contains {
            $0["spec", "storageClassName"]?.stringValue == name && $0["status", "phase"]?.stringValue == "Available"
        }
    }

    private func storage(_ moved: [MovePlanner.Moved]) -> [String] {
        guard planner.objects.whyUnlisted(.storageClasses, in: "") == nil else { return [] }
        let classes = planner.objects.objects(of: .storageClasses)
        let claims = moved.filter { $0.manifest.type == .persistentVolumeClaims && $0.reason == nil }.map(\.object.json)
        let templates = moved.filter { $0.manifest.type == .statefulSets }.flatMap {
            $0.object["spec", "volumeClaimTemplates"]?.arrayValue ?? []
        }
        var refusals: [String] = []
        let wanted = Set((claims + templates).compactMap { $0["spec", "storageClassName"]?.stringValue })
        let there = classes.isEmpty ? "it has none" : "it has \(classes.map(\.name).joined(separator: ", "))"
        for name in wanted.sorted() where !name.isEmpty && !classes.contains(where: { $0.name == name }) {
            if hasVolume(ofClass: name) { continue }
            refusals.append(
                "\(planner.objects.host) has no storage class \(name): \(there); map it to one of these (mapping: storageClasses)"
            )
        }
        let hasDefault = classes.contains {
            $0.annotations["storageclass.kubernetes.io/is-default-class"] == "true"
        }
        if claims.contains(where: { $0["spec", "storageClassName"] == nil }), !hasDefault {
            refusals.append(
                "the claim names no storage class, and \(planner.objects.host) has no default one: \(there)")
        }
        return refusals
    }
}
