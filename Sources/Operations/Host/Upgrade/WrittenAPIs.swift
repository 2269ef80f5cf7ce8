import Archive
import Failures
import Foundation
import JSONValues
import Policies

/// Removed APIs in what people have written: manifests of Helm releases, which Helm can neither upgrade nor uninstall once an
/// API in them is gone, and what `kubectl apply` remembers. The objects themselves are always served in a version that there is.
struct WrittenAPIs {
    private static let largestManifest = 32 << 20
    private static let annotation = "kubectl.kubernetes.io/last-applied-configuration"

    let conversation: VirtualAPI.Conversation
    /// Only what is removed after this minor; nil for all.
    let after: KubernetesMinor?
    let target: KubernetesMinor

    /// What is written in them, and why there may be more.
    func found() throws(Failure) -> (uses: [String], problem: String?) {
        // A release may have a megabyte.
        let releases = "/api/v1/secrets?labelSelector=owner%3Dhelm%2Cstatus%3Ddeployed&limit=10"
        let places = RemovedAPIs.places.filter { $0.changes(after: after, to: target) }.map { "\($0.path)?limit=200" }
        let lists = VirtualLists(paths: [releases] + places)
        var uses: Set<String> = []
        var unread: String?
        let troubles = try lists.read(conversation) { number, object in
            if number > 0 { return noteApplied(object, &uses) }
            do throws(Failure) { try noteRelease(object, &uses) } catch {
                unread = unread ?? "the Helm release \(Self.path(of: object)) cannot be read: \(error.description)"
            }
        }
        // A kind that the API does not have is written in nothing.
        let problem = lists.problem(troubles.filter { $0.key == 0 || $0.value != .missing })
        return (uses.sorted(), problem ?? unread)
    }

    private static func path(of object: JSONValue) -> String {
        "\(object["metadata", "namespace"]?.stringValue ?? "")/\(object["metadata", "name"]?.stringValue ?? "")"
    }

    private func noteRelease(_ secret: JSONValue, _ uses: inout Set<String>) throws(Failure) {
        guard let release = secret["data", "release"]?.stringValue else { return }
        let title = Self.title(Self.path(of: secret))
        for (apiVersion, kind) in Self.kinds(in: try Self.manifest(release)) where isRemoved(apiVersion, kind) {
            uses.insert("\(apiVersion) \(kind) (Helm release \(title))")
        }
    }

    private func noteApplied(_ object: JSONValue, _ uses: inout Set<String>) {
        guard let text = object["metadata", "annotations", Self.annotation]?.stringValue,
            let written = try? JSONValue(parsing: Array(text.utf8)),  // somebody else's annotation
            let apiVersion = written["apiVersion"]?.stringValue, let kind = written["kind"]?.stringValue,
            isRemoved(apiVersion, kind)
        else { return }
        let names = ["namespace", "name"].compactMap { object["metadata", $0]?.stringValue }
        uses.insert("\(apiVersion) \(kind) (applied: \(names.joined(separator: "/")))")
    }

    private func isRemoved(_ apiVersion: String, _ kind: String) -> Bool {
        RemovedAPIs.removal(apiVersion, kind, after: after, to: target) != nil
    }

    /// `shop/web` of `shop/sh.helm.release.v1.web.v7`
    private static func title(_ path: String) -> String {
        let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[1].hasPrefix("sh.helm.release.v1.") else { return path }
        let name = parts[1].dropFirst("sh.helm.release.v1.".count)
        return "\(parts[0])/\(name.split(separator: ".").dropLast().joined(separator: "."))"
    }

    /// The manifest of a release: base64 of the API around base64 of Helm around gzip around JSON.
    static func manifest(_ release: String) throws(Failure) -> String {
        guard let outer = Data(base64Encoded: release), let inner = Data(base64Encoded: outer) else {
            throw Failure(.verificationFailed, "a Helm release is not in base64")
        }
        let json = try JSONValue(parsing: Gzip.expand(Array(inner), limit: largestManifest))
        return json["manifest"]?.stringValue ?? ""
    }

    /// The version and kind of each document of a manifest.
    static func kinds(in manifest: String) -> [(apiVersion: String, kind: String)] {
        var kinds: [(String, String)] = []
        var (apiVersion, kind) = ("", "")
        func end() {
            if !apiVersion.isEmpty, !kind.isEmpty { kinds.append((apiVersion, kind)) }
            (apiVersion, kind) = ("", "")
        }
        for line in manifest.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("---") { end() }
            if line.hasPrefix("apiVersion:") { apiVersion = value(line) }
            if line.hasPrefix("kind:") { kind = value(line) }
        }
        end()
        return kinds
    }

    private static func value(_ line: Substring) -> String {
        let text = line.drop { $0 != ":" }.dropFirst().prefix { $0 != "#" }
        return text.filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    }
}
