/// The `spec` of an `Inventory`.
struct InventoryDecoder {
    let directory: String
    let fields: Fields

    func decode() -> [InventoryCluster] {
        let clusters = fields.required("clusters", fields.list) ?? []
        fields.finish {
            ["host", "hosts"].contains($0)
                ? "Host clusters are not supported by this version yet; list data directories under clusters." : nil
        }
        return clusters.compactMap { node, path in
            Fields(node, path: path, document: fields.document, report: fields.report).flatMap(cluster)
        }
    }

    private func cluster(_ fields: Fields) -> InventoryCluster? {
        let name = fields.required("name", fields.folderName)
        let dataDirectory = fields.required("dataDirectory") { fields.path($0, in: directory) }
        let labels = fields.texts("labels")
        let tokenFile = fields.path("tokenFile", in: directory)
        let configDirectory = fields.path("configDirectory", in: directory)
        let version = fields.string("k3sVersion")
        let origin = fields.node("name")?.origin ?? fields.origin
        fields.finish {
            switch $0 {
            case "host", "namespace": "Host clusters are not supported by this version yet."
            case "token": "Put the token into a file and write tokenFile."
            default: nil
            }
        }
        guard let name, let dataDirectory else { return nil }
        return InventoryCluster(
            name: name, dataDirectory: dataDirectory, labels: labels, tokenFile: tokenFile,
            configDirectory: configDirectory, k3sVersion: version, origin: origin)
    }
}
