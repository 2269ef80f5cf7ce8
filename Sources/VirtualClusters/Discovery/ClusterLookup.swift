public import Failures

extension Discovery {
    /// The virtual cluster that a person names: `NAMESPACE/NAME`, or `NAME` where only one has it.
    ///
    /// Throws `notFound` with what was probably meant, or with the reason where it was set aside, and `usage` with the candidates where
    /// several have the name.
    public func cluster(named text: String) throws(Failure) -> VirtualCluster {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw Failure(
                .usage, "\(text.debugDescription) names no virtual cluster", next: "Write NAMESPACE/NAME, or NAME.")
        }
        let matches = clusters.filter { parts.count == 2 ? $0.path == text : $0.name == text }
        guard let match = matches.first else { throw unknown(text) }
        guard matches.count == 1 else {
            let isOneHost = Set(matches.map(\.host)).count == 1
            let places = matches.map { isOneHost ? $0.path : "\($0.path) on \($0.host)" }
            throw Failure(
                .usage, "several virtual clusters have the name \(text)", why: places.joined(separator: ", "),
                next: isOneHost ? "Write NAMESPACE/NAME." : "Name the host as well.")
        }
        return match
    }

    private func unknown(_ text: String) -> Failure {
        let what = "there is no virtual cluster \(text.debugDescription)"
        let aside = setAside.first { text == "\($0.namespace)/\($0.name)" || text == $0.name }
        if let aside {
            return Failure(
                .notFound, what,
                why: "\(aside.kind) \(aside.namespace)/\(aside.name) was set aside: \(aside.reason.sentence)")
        }
        let known = text.contains("/") ? clusters.map(\.path) : clusters.map(\.name)
        if let near = Suggestion.nearest(to: text, among: Set(known).sorted()) {
            return Failure(.notFound, what, next: "Did you mean \(near)?")
        }
        let elsewhere = text.split(separator: "/").last.flatMap { name in clusters.first { $0.name == name } }
        if let elsewhere { return Failure(.notFound, what, next: "Did you mean \(elsewhere.path)?") }
        let all = clusters.prefix(10).map(\.path).joined(separator: ", ")
        return Failure(
            .notFound, what,
            next: clusters.isEmpty
                ? "There is none where it was looked for: see daytwo clusters list."
                : "There are \(all)\(clusters.count > 10 ? ", …" : "").")
    }
}
