/// Counts keys that come in order, so that a resource or a namespace is looked up once for a run of keys.
struct ResourceCounting {
    private var resources: [DatastoreContents.Resource] = []
    private var places: [String: Int] = [:]
    /// Where the group lies in the last key, and that key up to the slash behind it: what begins with the same has the
    /// same group. Empty where no slash follows.
    private var group = 0..<0
    private var beginning: [UInt8] = []
    private var current = 0
    private var namespace: [UInt8] = []
    private var inNamespace = 0

    mutating func add(_ key: UnsafeRawBufferPointer, valueCount: Int) {
        if beginning.isEmpty || !beginning.withUnsafeBytes({ equal($0, .init(rebasing: key.prefix($0.count))) }) {
            change(to: key)
        }
        resources[current].count += 1
        resources[current].bytes += valueCount
        let names = ObjectKey.names(in: key, after: UnsafeRawBufferPointer(rebasing: key[group]))
        guard !names.namespace.isEmpty else { return countNamespace() }
        if !namespace.withUnsafeBytes({ equal($0, names.namespace.bytes) }) {
            countNamespace()
            namespace = Array(names.namespace.bytes)
        }
        inNamespace += 1
    }

    /// Goes on to the group of another key.
    private mutating func change(to key: UnsafeRawBufferPointer) {
        let found = ObjectKey.prefixGroup(of: key)
        var start = 0
        if let first = key.baseAddress, let base = found.baseAddress { start = first.distance(to: base) }
        group = start..<start + found.count
        beginning = group.upperBound < key.count ? Array(key[...group.upperBound]) : []
        let text = String(decoding: found, as: UTF8.self)
        guard resources.isEmpty || resources[current].prefix != text else { return }
        countNamespace()
        current = places[text] ?? resources.count
        if current == resources.count {
            places[text] = current
            resources.append(DatastoreContents.Resource(prefix: text))
        }
    }

    private mutating func countNamespace() {
        if inNamespace > 0 {
            resources[current].namespaces[String(decoding: namespace, as: UTF8.self), default: 0] += inNamespace
        }
        inNamespace = 0
        namespace = []
    }

    mutating func finished() -> [DatastoreContents.Resource] {
        countNamespace()
        return resources.sorted { $0.prefix.utf8.lexicographicallyPrecedes($1.prefix.utf8) }
    }
}
