import Failures
import Policies
import Stores

/// How a person names a virtual cluster on a host.
extension HostOptions {
    /// These with the host that `HOST/NAMESPACE/NAME` names; where several are configured and none is named, with the one on which
    /// the inventory has the cluster.
    func about(_ text: String, _ session: Session) throws(Failure) -> HostOptions {
        var options = self
        if let path = ClusterPath(text), let named = path.host {
            if let other = host ?? context, other != named {
                throw Failure(.usage, "\(text) is not on \(other)", next: "leave out one of both")
            }
            options.host = named
            return options
        }
        guard host == nil, kubeconfig == nil, context == nil,
            let configuration = try session.settings.optionalConfiguration(session.console),
            configuration.hosts.count > 1
        else { return self }
        let name = try named(text)
        let hosts = Set(
            configuration.clusters.filter { ClusterPath($0.path)?.matches(name) ?? false }.compactMap(\.host))
        if hosts.count == 1 { options.host = hosts.first }
        return options
    }

    /// The words that name the host again.
    var words: [String] {
        let options = [("--host", host), ("--kubeconfig", kubeconfig), ("--context", context)]
        return options.flatMap { name, value in value.map { [name, $0] } ?? [] }
    }

    /// A name as its host knows it, with the namespace before it that `-n` gives.
    func named(_ text: String) throws(Failure) -> String {
        var text = text
        if let path = ClusterPath(text), let namespace = path.namespace { text = "\(namespace)/\(path.name)" }
        guard let namespace else { return text }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return "\(namespace)/\(text)" }
        guard parts[0] == namespace else {
            throw Failure(
                .usage, "\(text) is not in the namespace \(namespace)", next: "give -n or NAMESPACE/NAME, not both")
        }
        return text
    }
}
