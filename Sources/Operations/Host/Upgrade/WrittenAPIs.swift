import Archive
import Failures
import Foundation
import JSONValues
import Policies

/// Removed APIs in what people have written: manifests of Helm releases, which Helm can neither upgrade nor uninstall once an
/// API in them is gone, and what `kubectl apply` remembers. The objects themselves are always served in a version that there is.
struct WrittenAPIs {
    private static let largestManifest = 32 << 20
    private static let pages = 200
    private static let annotation = "kubectl.kubernetes.io/last-applied-configuration"

    let conversation: VirtualAPI.Conversation
    /// Only what is removed after this minor; nil for all.
    let after: KubernetesMinor?
    let target: KubernetesMinor

    /// What is written in them, and why there may be more.
    func found() throws(Failure) -> (uses: [String], problem: String?) {
        var uses: Set<String> = []
        var problem: String?
        var unread: String?
        // A release may have a megabyte.
        try each("/api/v1/secrets", "labelSelector=owner%3Dhelm%2Cstatus%3Ddeployed&limit=10", &problem) { secret in
            let name =
                "\(secret["metadata", "namespace"]?.stringValue ?? "")/\(secret["metadata", "name"]?.stringValue ?? "")"
            guard let release = secret["data", "release"]?.stringValue else { return }
            do throws(Failure) {
                let manifest = try Self.manifest(release)
                let title = Self.title(name)
                for (apiVersion, kind) in Self.kinds(in: manifest) where isRemoved(apiVersion, kind) {
                    uses.insert("\(apiVersion) \(kind) (Helm release \(title))")
                }
            } catch {
                unread = unread ?? "the Helm release \(name) cannot be read: \(error.description)"
            }
        }
        for place in RemovedAPIs.places where place.changes(after: after, to: target) {
            try each(place.path, "limit=200", &problem, mayBeMissing: true) { object in
                guard let text = object["metadata", "annotations", Self.annotation]?.stringValue,
                    let written = try? JSONValue(parsing: Array(text.utf8)),  // somebody else's annotation
                    let apiVersion = written["apiVersion"]?.stringValue, let kind = written["kind"]?.stringValue,
                    isRemoved(apiVersion, kind)
                else { return }
                let names = ["namespace", "name"].compactMap { object["metadata", $0]?.stringValue }
                uses.insert("\(apiVersion) \(kind) (applied: \(names.joined(separator: "/")))")
            }
        }
        return (uses.sorted(), problem ?? unread)
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

    private func each(
        _ path: String, _ query: String, _ problem: inout String?, mayBeMissing: Bool = false,
        _ take: (JSONValue) -> Void
    ) throws(Failure) {
        var next = ""
        for _ in 0..<Self.pages {
            let page = "\(path)?\(query)" + (next.isEmpty ? "" : "&continue=\(next)")
            let answer = try conversation.get([page], longestAnswer: 16 << 20).answers[0]
            if answer.status == 404, mayBeMissing { return }
            guard answer.status == 200, let json = answer.json else {
                problem = problem ?? "\(path): \(answer.problem ?? "status \(answer.status ?? 0)")"
                return
            }
            for item in json["items"]?.arrayValue ?? [] { take(item) }
            let following = json["metadata", "continue"]?.stringValue ?? ""
            guard !following.isEmpty, following != next else { return }
            next = following
        }
        problem = problem ?? "\(path) has too much to look at"
    }
}
