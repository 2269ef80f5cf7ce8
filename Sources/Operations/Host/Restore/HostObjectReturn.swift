import Failures
import Foundation
import JSONValues
import Kubernetes
import VirtualClusters

/// Puts back what an archive has of host objects that differ, by server-side apply: nothing is deleted or made anew. What was there is
/// kept in a Secret beside them first, under the run, until its way back or until its old set is discarded.
struct HostObjectReturn: Sendable {
    static let fieldManager = "daytwo-restore"
    private static let key = "objects"
    /// A Secret takes 1 MiB.
    private static let largest = 700 << 10

    let host: HostCluster
    let cluster: VirtualCluster
    let run: String
    let context: OperationContext

    /// An object as it was.
    private struct Kept: Codable {
        var kind: String
        var name: String
        var uid: String
        /// As JSON.
        var object: String
    }

    private var namespace: String { cluster.namespace }

    /// The Secret in which what was there is kept; the journal's name tells only the beginning of a run.
    private var secret: String { "daytwo-replaced-\(run.prefix(8))" }

    // MARK: What is put back

    /// Why an object stays as it is, whoever wants it back; nil where nothing speaks against it.
    static func reasonToStay(_ manifest: HostManifest) -> String? {
        let (type, object) = (manifest.type, manifest.object)
        if !type.isNamespaced { return "it holds for the whole host: put it back yourself" }
        if type == .persistentVolumeClaims { return "a claim keeps the volume that it has" }
        if object.labels["owner"] == "helm" { return "it is Helm's record" }
        if type == .secrets, object["type"]?.stringValue == "kubernetes.io/service-account-token" {
            return "the host makes it"
        }
        return nil
    }

    /// What is applied: not the replicas, with which it would start, not the server's image, which is an upgrade's, nor whether
    /// it is paused.
    static func wanted(_ object: KubernetesObject, _ type: ResourceType, server: ServerImage) -> HostManifest? {
        var json = object.json
        let annotations = (json["metadata", "annotations"]?.members ?? []).filter { member in
            !member.name.hasPrefix(HostManifest.annotationPrefix) && !member.name.hasPrefix("loft.sh/")
        }
        json = json.setting(["metadata", "annotations"], to: annotations.isEmpty ? nil : .object(annotations))
        if MovePlanner.isWorkload(type) {
            json = json.removing("spec", "replicas")
            let list = ["spec", "template", "spec", server.isInitContainer ? "initContainers" : "containers"]
            json = json.changing(list) { containers in
                .array(
                    (containers.arrayValue ?? []).map { container in
                        container["name"]?.stringValue == server.container ? container.removing("image") : container
                    })
            }
        }
        do throws(Failure) {
            return try HostManifest(cleaning: KubernetesObject(json), of: type)
        } catch { return nil }
    }

    /// What the host says against it, asked without changing anything; empty where it takes it all.
    func problems(_ manifests: [HostManifest]) throws(Failure) -> [String] {
        var problems: [String] = []
        var size = 0
        for manifest in manifests {
            guard let there = try host.client.find(manifest.type, manifest.object.name, in: namespace) else { continue }
            size += there.json.compact.utf8.count
            do throws(Failure) {
                try apply(manifest, onto: there.uid, isDryRun: true)
            } catch {
                guard error.code == .refused || error.code == .denied else { throw error }
                problems.append(
                    "\(manifest.type.kind) \(manifest.object.name) cannot be put back: \(error.apiStatus?.message ?? error.what)"
                )
            }
        }
        if size > Self.largest {
            problems.append(
                "what is put back is too large to be kept beside it (\(size >> 10) KiB): name less with --apply KIND/NAME"
            )
        }
        return problems
    }

    /// Keeps what is there of them. What an earlier attempt of the run has kept stays: by now it may be what was put back.
    func keep(_ manifests: [HostManifest]) throws(Failure) {
        guard !manifests.isEmpty else { return }
        let there = try host.client.find(.secrets, secret, in: namespace)
        var kept = try there.map { there throws(Failure) in try read(there) } ?? []
        for manifest in manifests where !kept.contains(where: { isSame($0, manifest) }) {
            guard let object = try host.client.find(manifest.type, manifest.object.name, in: namespace) else {
                continue
            }
            guard let before = Self.wanted(object, manifest.type, server: cluster.server) else { continue }
            kept.append(
                Kept(
                    kind: manifest.type.kind, name: object.name, uid: object.uid,
                    object: Self.withoutMarks(before).compact))
        }
        guard !kept.isEmpty else { return }
        context.report(.step("keeping what is there of \(kept.count) host objects in Secret \(secret)"))
        let text = Data(try JSONValue(encoding: kept).compact.utf8).base64EncodedString()
        let data = JSONValue.object([JSONMember(Self.key, .string(text))])
        if let there {
            let version = JSONValue.object([JSONMember("resourceVersion", .string(there.resourceVersion))])
            let patch = JSONValue.object([JSONMember("metadata", version), JSONMember("data", data)])
            _ = try host.client.patch(.secrets, secret, in: namespace, .merge, patch, fieldManager: Self.fieldManager)
            return
        }
        let metadata = JSONValue.object([
            JSONMember("name", .string(secret)), JSONMember("namespace", .string(namespace)),
            JSONMember("labels", .object([JSONMember(AgentPod.managedBy, .string("daytwo"))])),
            JSONMember(
                "annotations", .object([JSONMember(HostManifest.annotationPrefix + "restore-replaced", .string(run))])),
        ])
        let object = JSONValue.object([
            JSONMember("apiVersion", .string("v1")), JSONMember("kind", .string("Secret")),
            JSONMember("metadata", metadata), JSONMember("type", .string("daytwo.dev/replaced-objects")),
            JSONMember("data", data),
        ])
        do throws(Failure) {
            _ = try host.client.create(.secrets, KubernetesObject(object), in: namespace)
        } catch {
            // The answer may have been lost.
            guard error.code == .unreachable, try host.client.find(.secrets, secret, in: namespace) != nil else {
                throw error
            }
        }
    }

    /// Puts them back, what is kept of them alone, and says which.
    func put(_ manifests: [HostManifest]) throws(Failure) -> [String] {
        guard !manifests.isEmpty else { return [] }
        let kept = try host.client.find(.secrets, secret, in: namespace).map { there throws(Failure) in try read(there)
        }
        var done: [String] = []
        for manifest in manifests {
            guard let before = kept?.first(where: { isSame($0, manifest) }) else { continue }
            context.report(.step("putting back \(manifest.type.kind) \(manifest.object.name)"))
            try apply(manifest, onto: before.uid, isDryRun: false)
            done.append("\(manifest.type.kind) \(manifest.object.name)")
        }
        return done
    }

    // MARK: The way back

    /// Gives the objects what they had before the run, and says of which that cannot be done: the cluster is not left without its
    /// control plane for those.
    func undo() throws(Failure) -> [String] {
        let there: KubernetesObject?
        do throws(Failure) {
            there = try host.client.find(.secrets, secret, in: namespace)
        } catch {
            // Whoever may read no Secret has put nothing back, and is not kept from the way back of the data.
            guard error.code == .denied else { throw error }
            return ["whether host objects were put back is not known, since Secret \(secret) may not be read"]
        }
        guard let there else { return [] }
        var remarks: [String] = []
        for kept in try read(there).reversed() {
            let subject = "\(kept.kind) \(kept.name)"
            guard let type = HostManifest.kinds.first(where: { $0.kind == kept.kind }) else { continue }
            guard let now = try host.client.find(type, kept.name, in: namespace), now.uid == kept.uid else {
                remarks.append("\(subject) is gone, or another one: what it was is in Secret \(secret)")
                continue
            }
            context.report(.step("giving \(subject) what it had"))
            do throws(Failure) {
                let object = KubernetesObject(try JSONValue(parsing: Array(kept.object.utf8)))
                try apply(HostManifest(cleaning: object, of: type), onto: kept.uid, isDryRun: false)
            } catch {
                guard error.code == .refused else { throw error }
                remarks.append(
                    "\(subject) did not get back what it had (\(error.apiStatus?.message ?? error.what)): it is in Secret \(secret)"
                )
            }
        }
        if remarks.isEmpty { try forget() }
        return remarks
    }

    /// Removes what is kept, where there is anything that may be seen.
    func forget() throws(Failure) {
        do throws(Failure) {
            guard let there = try host.client.find(.secrets, secret, in: namespace) else { return }
            try host.client.delete(.secrets, secret, in: namespace, Deletion(uid: there.uid))
        } catch {
            guard error.code == .notFound || error.code == .denied else { throw error }
            guard error.code == .denied else { return }
            context.report(.step("leaving Secret \(secret), which may not be read or removed"))
        }
    }

    // MARK: Objects

    /// Names the UID, so that one that is gone is not made anew.
    private func apply(_ manifest: HostManifest, onto uid: String, isDryRun: Bool) throws(Failure) {
        let object = KubernetesObject(Self.withoutMarks(manifest).setting(["metadata", "uid"], to: .string(uid)))
        _ = try host.client.apply(
            manifest.type, object, in: namespace, fieldManager: Self.fieldManager, force: true, dryRun: isDryRun)
    }

    private func read(_ secret: KubernetesObject) throws(Failure) -> [Kept] {
        guard let text = secret["data", Self.key]?.stringValue, let bytes = Data(base64Encoded: text) else {
            throw Failure(
                .halfWay, "what host objects were before cannot be read",
                why: "Secret \(namespace)/\(secret.name) was changed",
                next: "Take it away where the objects are as they should be, and go on.")
        }
        return try JSONValue(parsing: Array(bytes)).decode([Kept].self)
    }

    private func isSame(_ kept: Kept, _ manifest: HostManifest) -> Bool {
        kept.kind == manifest.type.kind && kept.name == manifest.object.name
    }

    private static func withoutMarks(_ manifest: HostManifest) -> JSONValue {
        let json = manifest.object.json
        let annotations = (json["metadata", "annotations"]?.members ?? []).filter {
            !$0.name.hasPrefix(HostManifest.annotationPrefix)
        }
        return json.setting(["metadata", "annotations"], to: annotations.isEmpty ? nil : .object(annotations))
    }
}
