/// Which clusters a policy or a wave is for: every member that is set must match, one of its values is enough.
public struct UpgradeSelector: Sendable, Hashable {
    /// All; nothing else is set then.
    public let all: Bool
    /// Globs (`*`, `?`) of names.
    public let names: [NamePattern]
    /// Globs of hosts.
    public let hosts: [NamePattern]
    /// Globs of namespaces.
    public let namespaces: [NamePattern]
    /// Labels that a cluster must have, all of them; sorted by name.
    public let matchLabels: [Pair]
    /// Annotations that it must have, all of them; sorted by name.
    public let matchAnnotations: [Pair]
    /// Minors that it runs.
    public let minors: [KubernetesMinor]
    /// Layout generations, `A` to `D`.
    public let generations: [String]
    /// Kinds of datastore: `sqlite`, `etcd`, `external`.
    public let datastores: [UpgradeCluster.Datastore]

    /// A name and its value.
    public struct Pair: Sendable, Hashable {
        /// The label's or annotation's name.
        public let name: String
        /// What it must be.
        public let value: String
    }

    /// Whether a cluster is selected.
    public func matches(_ cluster: UpgradeCluster) -> Bool {
        if all { return true }
        for pair in matchLabels where cluster.labels[pair.name] != pair.value { return false }
        for pair in matchAnnotations where cluster.annotations[pair.name] != pair.value { return false }
        if !names.isEmpty, !names.contains(where: { $0.matches(cluster.name) }) { return false }
        if !namespaces.isEmpty, !namespaces.contains(where: { $0.matches(cluster.namespace ?? "") }) { return false }
        if !hosts.isEmpty, !hosts.contains(where: { $0.matches(cluster.host) }) { return false }
        if !minors.isEmpty, !minors.contains(where: { $0 == cluster.version?.minor }) { return false }
        if !generations.isEmpty, !generations.contains(cluster.generation) { return false }
        return datastores.isEmpty || datastores.contains(cluster.datastore)
    }
}

/// A glob that was taken apart once, because it is held against many names.
public struct NamePattern: Sendable, Hashable {
    /// As it was written.
    public let text: String
    private let glob: Glob?

    /// A name, or a glob with `*` and `?`.
    public init(_ text: String) {
        self.text = text
        glob = Glob.isPattern(text) ? Glob(text) : nil
    }

    /// Whether a name is meant.
    public func matches(_ name: String) -> Bool { glob?.matches(name) ?? (text == name) }

    /// Same text.
    public static func == (left: NamePattern, right: NamePattern) -> Bool { left.text == right.text }

    /// By the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
