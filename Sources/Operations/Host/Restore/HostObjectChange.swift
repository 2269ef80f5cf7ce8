import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// What becomes of a host object that an archive has.
public struct HostObjectChange: Codable, Sendable, Equatable {
    /// What becomes of it.
    public enum Change: String, Codable, Sendable {
        /// It is missing on the host, and is created.
        case create
        /// It is missing on the host, and stays so: `reason` says why.
        case notCreated
        /// It is there and differs; it stays as it is, for `reason` where somebody wanted otherwise.
        case kept
        /// It is there and differs; what the archive has is put back.
        case putBack
        /// Nobody could look whether it is there.
        case unknown
    }

    /// `StatefulSet`
    public var kind: String
    /// Its name.
    public var name: String
    /// What becomes of it.
    public var change: Change
    /// Why it is not created, not put back, or not known.
    public var reason: String?
    /// What differs, where it is there.
    public var fields: [FieldDifference]

    /// `Secret vc-blue`
    public var subject: String { "\(kind) \(name)" }
}

/// Compares the manifests of an archive with what a host has. Of a cluster in its place nothing is changed but what is missing, and
/// what somebody wants to have back.
struct HostObjectComparison {
    let cluster: VirtualCluster
    let archived: [HostManifest]
    let objects: HostObjects
    /// Kinds that a person has allowed to be created.
    let allowed: Set<String>
    /// What a person wants to have back where it differs.
    var wanted = HostObjectSelection()

    /// What differs, by kind and name; what is the same is not told.
    var changes: [HostObjectChange] { archived.compactMap { change(of: $0) } }

    /// The manifests that are created.
    var created: [HostManifest] { archived.filter { change(of: $0)?.change == .create } }

    /// What is put back, each without what stays as it is.
    var putBack: [HostManifest] {
        archived.compactMap { manifest in
            guard change(of: manifest)?.change == .putBack else { return nil }
            return HostObjectReturn.wanted(manifest.object, manifest.type, server: cluster.server)
        }
    }

    /// What of that needs somebody's consent, and has none.
    var refusals: [String] {
        putBack.flatMap { manifest -> [String] in
            guard
                let present = present(manifest.type, manifest.object.name).flatMap({ Self.cleaned($0, manifest.type) })
            else { return [] }
            return HostObjectConsent(archived: manifest.object, present: present.object, type: manifest.type).kinds
                .filter { !allowed.contains($0.kind) }
                .map { "\($0.what): say --allow \($0.kind) if that is right" }
        }
    }

    private func change(of manifest: HostManifest) -> HostObjectChange? {
        let type = manifest.type
        let name = manifest.object.name
        func change(_ change: HostObjectChange.Change, _ reason: String? = nil) -> HostObjectChange {
            HostObjectChange(kind: type.kind, name: name, change: change, reason: reason, fields: [])
        }
        if type.isNamespaced, manifest.object.namespace != cluster.namespace {
            return change(.notCreated, "it lies in another namespace")
        }
        guard let present = present(type, name) else {
            if let why = objects.whyUnlisted(type, in: type.isNamespaced ? cluster.namespace : "") {
                return change(.unknown, why)
            }
            if !type.isNamespaced { return change(.notCreated, "it holds for the whole host: create it yourself") }
            if isHelmRecord(manifest), hasHelmRecord {
                return change(.notCreated, "it is Helm's record of an earlier revision")
            }
            let refused = HostObjectConsent.ofCreation(manifest.object, type).filter { !allowed.contains($0.kind) }
            guard refused.isEmpty else {
                let kinds = Set(refused.map(\.kind)).sorted().map { "--allow \($0)" }.joined(separator: " ")
                let what = refused.map(\.what).joined(separator: "; ")
                return change(.notCreated, "\(what): say \(kinds) to create it")
            }
            return change(.create)
        }
        let fields = Self.differences(manifest, present)
        guard !fields.isEmpty else { return nil }
        var change = change(.kept)
        change.fields = fields
        guard wanted.has(type, name) else { return change }
        change.reason = HostObjectReturn.reasonToStay(manifest)
        guard change.reason == nil else { return change }
        if let wanted = HostObjectReturn.wanted(manifest.object, type, server: cluster.server) {
            change.fields = Self.differences(wanted, present).filter { $0.archived != nil }
        }
        if change.fields.isEmpty {
            // What somebody added since is not taken away, nor is the server's image set.
            change.fields = fields
            change.reason = "what the backup has is there"
            return change
        }
        change.change = .putBack
        return change
    }

    private func present(_ type: ResourceType, _ name: String) -> KubernetesObject? {
        objects.objects(of: type).first {
            $0.name == name && (!type.isNamespaced || $0.namespace == cluster.namespace)
        }
    }

    private func isHelmRecord(_ manifest: HostManifest) -> Bool {
        [.secrets, .configMaps].contains(manifest.type) && manifest.object.labels["owner"] == "helm"
    }

    private var hasHelmRecord: Bool {
        [ResourceType.secrets, .configMaps].contains { type in
            objects.objects(of: type).contains {
                $0.namespace == cluster.namespace && $0.labels["owner"] == "helm"
                    && $0.labels["name"] == cluster.name
            }
        }
    }

    private static func differences(_ manifest: HostManifest, _ present: KubernetesObject) -> [FieldDifference] {
        guard let now = cleaned(present, manifest.type) else {
            return [FieldDifference(path: "", archived: nil, present: "it cannot be compared")]
        }
        return FieldDifference.between(
            archived: withoutRecord(manifest.object.json), present: withoutRecord(now.object.json),
            hidesValues: manifest.type == .secrets)
    }

    private static func cleaned(_ object: KubernetesObject, _ type: ResourceType) -> HostManifest? {
        do throws(Failure) { return try HostManifest(cleaning: object, of: type) } catch { return nil }
    }

    /// What the host assigned is noted in annotations of ours, and is another after each creation.
    private static func withoutRecord(_ json: JSONValue) -> JSONValue {
        let annotations = (json["metadata", "annotations"]?.members ?? []).filter {
            !$0.name.hasPrefix(HostManifest.annotationPrefix)
        }
        return json.setting(
            ["metadata", "annotations"], to: annotations.isEmpty ? nil : .object(annotations))
    }
}
