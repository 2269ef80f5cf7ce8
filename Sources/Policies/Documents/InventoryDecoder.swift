/// The `spec` of an `Inventory`.
struct InventoryDecoder {
    let directory: String
    let fields: Fields

    func decode() -> [InventoryCluster] {
        let clusters = fields.required("clusters", fields.list) ?? []
        fields.finish {
            ["host", "hosts"].contains($0)
                ? "Name hosts in daytwo.yaml, and give each cluster here its host and namespace." : nil
        }
        return clusters.compactMap { node, path in
            Fields(node, path: path, document: fields.document, report: fields.report).flatMap(cluster)
        }
    }

    private func cluster(_ fields: Fields) -> InventoryCluster? {
        let name = fields.required("name", fields.folderName)
        let isOnHost = fields.has("host") || fields.has("namespace")
        let place = isOnHost ? host(fields) : dataDirectory(fields)
        let labels = fields.texts("labels")
        let tokenFile = isOnHost ? nil : fields.path("tokenFile", in: directory)
        let configDirectory = isOnHost ? nil : fields.path("configDirectory", in: directory)
        let version = isOnHost ? nil : fields.string("k3sVersion")
        let origin = fields.node("name")?.origin ?? fields.origin
        fields.finish {
            switch $0 {
            case "dataDirectory" where isOnHost: "A cluster has a dataDirectory, or a host and a namespace."
            case "tokenFile", "configDirectory", "k3sVersion": "On a host, it is read from the host."
            case "token": "Put the token into a file and write tokenFile."
            default: nil
            }
        }
        guard let name, let place else { return nil }
        return InventoryCluster(
            place: place, name: name, labels: labels, tokenFile: tokenFile, configDirectory: configDirectory,
            k3sVersion: version, origin: origin)
    }

    private func dataDirectory(_ fields: Fields) -> InventoryCluster.Place? {
        fields.required("dataDirectory") { fields.path($0, in: directory) }.map { .dataDirectory($0) }
    }

    private func host(_ fields: Fields) -> InventoryCluster.Place? {
        let host = fields.required("host", fields.folderName)
        let namespace = fields.required("namespace", fields.folderName)
        guard let host, let namespace else { return nil }
        guard host != InventoryCluster.localHost else {
            fields.report.add(
                fields.node("host")?.origin ?? fields.origin,
                "\(fields.name(of: "host")) is \(host), which is this machine",
                "Write dataDirectory for a k3s on this machine.")
            return nil
        }
        return .host(host, namespace: namespace)
    }
}
