internal import FoundationEssentials
internal import JSONValues
internal import Kubernetes

/// What stands around a control plane in its namespace, and what its containers refer to there.
struct Surroundings {
    let objects: HostObjects
    let namespace: String

    /// A value that a container is given, and where from.
    struct Given {
        /// nil where it cannot be read.
        let text: String?
        let secret: String?
        let key: String?
    }

    /// The value of a variable in a container's environment; nil where it is not set.
    func variable(_ name: String, of container: PodTemplate.Container) -> Given? {
        let entry = container.json["env"]?.arrayValue?.last { $0["name"]?.stringValue == name }
        guard let entry else { return imported(name, by: container) }
        if let reference = entry["valueFrom", "secretKeyRef"] { return referred(reference, .secrets) }
        if let reference = entry["valueFrom", "configMapKeyRef"] { return referred(reference, .configMaps) }
        if entry["valueFrom"] != nil { return Given(text: nil, secret: nil, key: nil) }
        return Given(text: entry["value"]?.stringValue ?? "", secret: nil, key: nil)
    }

    /// A Secret or ConfigMap whose keys a container has in its environment, and which cannot be read.
    func unreadableImport(of container: PodTemplate.Container) -> String? {
        for source in container.json["envFrom"]?.arrayValue ?? [] {
            for (type, reference) in [
                (ResourceType.secrets, source["secretRef"]), (.configMaps, source["configMapRef"]),
            ] {
                guard let name = reference?["name"]?.stringValue else { continue }
                let isThere = objects.isThere(name, type, in: namespace)
                let isMissed = isThere == false && !(reference?["optional"]?.boolValue ?? false)
                if isThere == nil || isMissed { return "\(type.kind) \(name)" }
            }
        }
        return nil
    }

    /// A word of a command, with a variable that it consists of, or begins with, put in.
    func expanded(_ word: String, of container: PodTemplate.Container) -> Given {
        guard let name = Self.leadingVariable(word) else { return Given(text: word, secret: nil, key: nil) }
        return variable(name, of: container) ?? Given(text: nil, secret: nil, key: nil)
    }

    /// The text under a key of a Secret or ConfigMap; nil where it is not there or could not be listed.
    func text(_ key: String, in name: String, _ type: ResourceType) -> String? {
        guard let data = objects.named(name, type, in: namespace)?.object["data"]?[key]?.stringValue else { return nil }
        guard type == .secrets else { return data }
        return Data(base64Encoded: data).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The content of a file that a container has from a Secret or ConfigMap. Nil: no such file; a text of nil: it cannot be read.
    func file(_ path: String, of container: PodTemplate.Container, in template: PodTemplate) -> Given? {
        let mounts = container.mounts.filter { FilePath.rest(of: path, below: $0.path) != nil }
        guard let mount = mounts.max(by: { $0.path.utf8.count < $1.path.utf8.count }),
            let volume = template.volume(mount.volume), let rest = FilePath.rest(of: path, below: mount.path)
        else { return nil }
        let path = FilePath.joined(mount.subPath, rest)
        if let name = volume["secret", "secretName"]?.stringValue {
            return content(Self.key(of: path, in: volume["secret"]), in: name, .secrets)
        }
        if let name = volume["configMap", "name"]?.stringValue {
            return content(Self.key(of: path, in: volume["configMap"]), in: name, .configMaps)
        }
        return nil
    }

    private func content(_ key: String, in name: String, _ type: ResourceType) -> Given? {
        let text = text(key, in: name, type)
        let isMissing = text == nil && objects.named(name, type, in: namespace)?.object["data", key] == nil
        // An object that is there and has no such key makes no such file.
        if isMissing, objects.isThere(name, type, in: namespace) ?? false { return nil }
        return Given(text: text, secret: type == .secrets ? name : nil, key: key)
    }

    private static func key(of path: String, in source: JSONValue?) -> String {
        let item = source?["items"]?.arrayValue?.first { $0["path"]?.stringValue == path }
        return item?["key"]?.stringValue ?? path
    }

    private func imported(_ name: String, by container: PodTemplate.Container) -> Given? {
        for source in (container.json["envFrom"]?.arrayValue ?? []).reversed() {
            let prefix = source["prefix"]?.stringValue ?? ""
            guard name.hasPrefix(prefix) else { continue }
            let key = String(name.dropFirst(prefix.count))
            if let from = source["secretRef", "name"]?.stringValue, let text = text(key, in: from, .secrets) {
                return Given(text: text, secret: from, key: key)
            }
            if let from = source["configMapRef", "name"]?.stringValue, let text = text(key, in: from, .configMaps) {
                return Given(text: text, secret: nil, key: nil)
            }
        }
        return nil
    }

    private func referred(_ reference: JSONValue, _ type: ResourceType) -> Given {
        guard let name = reference["name"]?.stringValue, let key = reference["key"]?.stringValue else {
            return Given(text: nil, secret: nil, key: nil)
        }
        let isSecret = type == .secrets
        return Given(text: text(key, in: name, type), secret: isSecret ? name : nil, key: isSecret ? key : nil)
    }

    /// `NAME` of `$(NAME)…`, `${NAME}…` and `$NAME`.
    private static func leadingVariable(_ word: String) -> String? {
        guard word.hasPrefix("$") else { return nil }
        let rest = word.dropFirst()
        for (open, close) in [("(", ")"), ("{", "}")] where rest.hasPrefix(open) {
            return rest.dropFirst().split(separator: close, omittingEmptySubsequences: false).first.map(String.init)
        }
        return String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }
}
