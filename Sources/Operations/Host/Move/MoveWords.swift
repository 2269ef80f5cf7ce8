import Policies
import VirtualClusters

/// Words of command lines, and texts in which names stand: what of them says who the cluster is, and where.
struct MoveWords {
    let names: MoveNames
    let mapping: HostMapping
    let uses: MappingUses

    /// Flags of vcluster's syncer whose values are names of objects.
    private static let nameFlags: Set<String> = [
        "--name", "--service-name", "--suffix", "--owning-statefulset", "--out-kube-config-secret", "--service-account",
        "--kube-config-context-name", "--workload-service-account",
    ]
    private static let separators: Set<Character> = [" ", "\t", "\n", "\"", "'", ",", "[", "]", "(", ")", ";"]

    /// The words of a command, each as it was or renamed.
    func words(_ words: [String]) -> [String] {
        var result: [String] = []
        var flag: String?
        for word in words {
            let isValue = flag != nil && !word.hasPrefix("-")
            result.append(isValue ? value(word, of: flag ?? "") : text(word))
            flag = Self.nameFlags.contains(word) ? word : nil
        }
        return result
    }

    /// A text with several words: a line of a shell, YAML.
    func text(_ text: String) -> String {
        var result = ""
        var word = ""
        for character in text {
            if Self.separators.contains(character) {
                result += self.word(word) + String(character)
                word = ""
            } else {
                word.append(character)
            }
        }
        return result + self.word(word)
    }

    private func word(_ word: String) -> String {
        guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return place(word) }
        let flag = String(word[..<equals])
        return flag + "=" + value(String(word[word.index(after: equals)...]), of: flag)
    }

    private func value(_ value: String, of flag: String) -> String {
        Self.nameFlags.contains(flag) ? names.name(value) : place(value)
    }

    /// `blue.team`, `https://blue.team.svc:443`, and hosts that the mapping knows.
    private func place(_ word: String) -> String {
        let scheme = word.firstRange(of: "://").map { word[..<$0.upperBound] } ?? ""
        let rest = word.dropFirst(scheme.count)
        let end = rest.firstIndex { $0 == ":" || $0 == "/" } ?? rest.endIndex
        let host = String(rest[..<end])
        guard host.contains(".") else { return word }
        return scheme + (inside(host) ?? self.host(host) ?? host) + rest[end...]
    }

    /// The name of its Service in the host's own DNS.
    private func inside(_ host: String) -> String? {
        let old = "\(names.old.name).\(names.old.namespace)"
        guard host == old || host.hasPrefix(old + ".svc") else { return nil }
        return "\(names.new.name).\(names.new.namespace)" + host.dropFirst(old.count)
    }

    /// The new one of a host outside; nil where the mapping does not know it. A label that is the cluster's name is renamed with it.
    func host(_ host: String) -> String? {
        if let exact = mapping.ingressHosts[host] {
            uses.add("ingress.hosts", host)
            return exact
        }
        guard let dot = host.firstIndex(of: ".") else { return nil }
        let pattern = "*" + host[dot...]
        guard let new = mapping.ingressHosts[pattern] else { return nil }
        uses.add("ingress.hosts", pattern)
        let label = String(host[..<dot])
        return (label == names.old.name ? names.new.name : label) + new.dropFirst()
    }

    /// The new image; the mapping's longest beginning counts, up to a slash or its end. One without a registry is of docker.io.
    func image(_ image: String) -> String {
        if let moved = moved(image) { return moved }
        guard let reference = ImageReference(image), reference.registry == nil else { return image }
        return moved("docker.io/" + (reference.repository.contains("/") ? "" : "library/") + image) ?? image
    }

    private func moved(_ image: String) -> String? {
        let candidates = mapping.images.filter { image == $0.key || image.hasPrefix(Self.folder($0.key)) }
        guard let (old, new) = candidates.max(by: { $0.key.count < $1.key.count }) else { return nil }
        uses.add("images", old)
        if image == old { return new }
        return Self.folder(new) + image.dropFirst(Self.folder(old).count)
    }

    private static func folder(_ text: String) -> String { text.hasSuffix("/") ? text : text + "/" }
}

/// Which entries of a mapping were of use.
final class MappingUses {
    private(set) var used: Set<String> = []

    func add(_ section: String, _ entry: String) { used.insert("\(section) \(entry)") }

    /// Entries of a mapping that nothing had.
    func unused(of mapping: HostMapping) -> [String] {
        let all: [(String, [String])] = [
            ("storageClasses", Array(mapping.storageClasses.keys)), ("images", Array(mapping.images.keys)),
            ("ingress.hosts", Array(mapping.ingressHosts.keys)),
            ("ingress.classes", Array(mapping.ingressClasses.keys)),
            ("nodePorts", Array((mapping.nodePorts ?? [:]).keys)),
        ]
        return all.flatMap { section, entries in entries.sorted().map { "\(section) \($0)" } }
            .filter { !used.contains($0) }
    }
}
