import JSONValues
import Kubernetes
import Policies
import VirtualClusters

/// The node ports that a Service had, as its manifest records them: the port's name or number, and what the host gave it.
struct NodePorts {
    /// `https:31000,kubelet:31001`
    let text: String?
    private let old: [String: String]

    init(_ manifest: HostManifest) {
        text = manifest.recorded("node-ports")
        let pairs = (text ?? "").split(separator: ",").compactMap { pair -> (String, String)? in
            let parts = pair.split(separator: ":", omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
        old = Dictionary(pairs) { first, _ in first }
    }

    /// The ports without those of the old host, with the mapping's in their place.
    func mapped(_ ports: JSONValue, _ mapping: HostMapping, _ uses: MappingUses) -> JSONValue {
        .array(
            (ports.arrayValue ?? []).map { port in
                let there = port["nodePort"]?.integerValue.map { String($0) }
                let name = port["name"]?.stringValue ?? port["port"]?.integerValue.map { String($0) } ?? ""
                guard let before = there ?? old[name], let new = mapping.nodePorts?[before], let number = Int64(new)
                else { return port.removing("nodePort") }
                uses.add("nodePorts", before)
                return port.setting(["nodePort"], to: .integer(number))
            })
    }
}
