internal import JSONValues
internal import Kubernetes

/// The virtual clusters on a host, and what only looks like one. Pure: the same objects in any order give the same.
public struct Discovery: Sendable, Hashable {
    /// What was found, by namespace and name.
    public let clusters: [VirtualCluster]
    /// What looks like a virtual cluster and is none, by namespace, kind and name, each with the reason.
    public let setAside: [SetAside]

    /// Looks through what a host lists.
    public init(of objects: HostObjects) {
        var clusters: [VirtualCluster] = []
        var setAside: [SetAside] = []
        let candidates = Candidates(in: objects)
        for candidate in candidates.found {
            do throws(Rejection) {
                clusters.append(try candidate.cluster(in: objects))
            } catch {
                setAside.append(SetAside(candidate.workload, on: objects.host, error.reason))
            }
        }
        setAside += candidates.rejected.map { SetAside($0.workload, on: objects.host, $0.reason) }
        self.clusters = clusters.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
        self.setAside = setAside.sorted {
            ($0.namespace, $0.kind, $0.name, $0.reason.sentence) < ($1.namespace, $1.kind, $1.name, $1.reason.sentence)
        }
    }

    /// Puts what was found on several hosts together.
    public init(_ parts: [Discovery]) {
        clusters = parts.flatMap(\.clusters).sorted {
            ($0.host, $0.namespace, $0.name) < ($1.host, $1.namespace, $1.name)
        }
        setAside = parts.flatMap(\.setAside)
    }
}

extension SetAside {
    init(_ workload: ListedObject, on host: String, _ reason: Reason) {
        self.init(
            host: host, namespace: workload.namespace, kind: workload.type.kind, name: workload.name, reason: reason)
    }
}

/// The workloads that may be control planes: by vcluster's labels, or by k3k's names.
struct Candidates {
    private(set) var found: [Candidate] = []
    private(set) var rejected: [(workload: ListedObject, reason: SetAside.Reason)] = []

    init(in objects: HostObjects) {
        var labelled: [Key: [ListedObject]] = [:]
        for type in [ResourceType.statefulSets, .deployments] {
            for workload in objects.all(type) where !workload.isSynced {
                switch Self.kind(of: workload) {
                case .vcluster(let release):
                    labelled[Key(namespace: workload.namespace, release: release), default: []].append(workload)
                case .k3k(let name): found.append(Candidate(workload: workload, name: name, isK3k: true))
                case .no(let reason): rejected.append((workload, reason))
                case .unrelated: break
                }
            }
        }
        for (key, workloads) in labelled {
            if workloads.count == 1 {
                found += workloads.map { Candidate(workload: $0, name: key.release, isK3k: false) }
            } else {
                rejected += workloads.map { ($0, .severalWorkloads(release: key.release)) }
            }
        }
    }

    private struct Key: Hashable {
        let namespace: String
        let release: String
    }

    private enum Kind {
        case vcluster(release: String)
        case k3k(name: String)
        case no(SetAside.Reason)
        case unrelated
    }

    private static func kind(of workload: ListedObject) -> Kind {
        if let fault = fault(of: workload) { return .no(.malformed(fault)) }
        let app = workload.labels["app"] ?? ""
        if ["vcluster-api", "vcluster-controller", "vcluster-etcd", "vcluster-scheduler", "vcluster-snapshot"].contains(
            app)
        {
            let part = app.dropFirst("vcluster-".count)
            return .no(.part(workload.labels["release"].map { "\(part) of \($0)" } ?? String(part)))
        }
        if app == "vcluster" {
            guard let release = workload.labels["release"], !release.isEmpty else { return .no(.noRelease) }
            guard ObjectName.isSubdomain(release) else {
                return .no(.malformed("its label release is no name of a release"))
            }
            return .vcluster(release: release)
        }
        if let rest = between("k3k-", workload.name, "-server"), workload.type == .statefulSets {
            return .k3k(name: workload.labels["cluster"].flatMap { ObjectName.isSubdomain($0) ? $0 : nil } ?? rest)
        }
        if let rest = between("k3k-", workload.name, "-agent") ?? between("k3k-", workload.name, "-kubelet") {
            return .no(.part("agent of \(rest)"))
        }
        return looksLikeServer(workload)
            ? .no(.unknownLayout("it runs k3s, without the labels of vcluster or the name of k3k")) : .unrelated
    }

    private static func fault(of workload: ListedObject) -> String? {
        guard workload.object.json.members != nil else { return "it is no object" }
        guard workload.object["metadata"]?.members != nil else { return "metadata is no object" }
        guard ObjectName.isSubdomain(workload.name) else { return "metadata.name is no name" }
        guard ObjectName.isLabel(workload.namespace) else { return "metadata.namespace is no name of a namespace" }
        return nil
    }

    private static func looksLikeServer(_ workload: ListedObject) -> Bool {
        guard let template = try? PodTemplate(of: workload) else { return false }
        return (template.initContainers + template.containers).contains { container in
            ServerArguments.afterServer(ServerArguments.spokenWords(container.words)) != nil
                || ["k3s", "vcluster", "vcluster-pro", "vcluster-oss"].contains(
                    ImageReference(container.image)?.baseName)
        }
    }

    private static func between(_ start: String, _ name: String, _ end: String) -> String? {
        guard name.hasPrefix(start), name.hasSuffix(end), name.utf8.count > start.utf8.count + end.utf8.count else {
            return nil
        }
        return String(name.dropFirst(start.count).dropLast(end.count))
    }
}
