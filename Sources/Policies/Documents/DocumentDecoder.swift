internal import Failures
internal import FoundationEssentials

/// One file's documents, by kind.
struct DecodedDocuments {
    var configurations: [DecodedConfiguration] = []
    var clusters: [InventoryCluster] = []
    var schedules: [BackupSchedule] = []
    var policies: [UpgradePolicy] = []
    var catalogs: [VersionCatalog] = []
    var inventories: [UpgradeInventory] = []
    var tests: [UpgradePolicyTest] = []
    /// Documents that no configuration takes, with what to do instead.
    var strangers: [(origin: Origin, kind: String, hint: String)] = []
}

/// Turns located trees into checked values; what is wrong goes into the report.
struct DocumentDecoder {
    static let apiVersion = "daytwo/v1"

    private enum Kind: String, CaseIterable {
        case Configuration, Inventory, BackupSchedule, UpgradePolicy, VersionCatalog, UpgradeInventory
        case UpgradePolicyTest
    }

    /// Of the file, absolute: what relative paths in it are relative to.
    let directory: String
    let report: DocumentReport

    func decode(_ documents: [YAMLNode]) -> DecodedDocuments {
        var decoded = DecodedDocuments()
        for node in documents {
            guard let head = Fields(node, path: "", document: Self.title(of: node), report: report),
                let kind = kind(head)
            else { continue }
            switch kind {
            case .Configuration:
                decoded.configurations.append(ConfigurationDecoder(directory: directory, fields: head).decode())
            case .Inventory:
                guard let body = body(head) else { continue }
                decoded.clusters += InventoryDecoder(directory: directory, fields: body.spec).decode()
            case .BackupSchedule:
                guard let body = body(head) else { continue }
                let decoder = ScheduleDecoder(
                    directory: directory, fields: body.spec, name: body.name, origin: body.origin)
                if let schedule = decoder.decode() { decoded.schedules.append(schedule) }
            case .UpgradePolicy:
                guard let body = body(head) else { continue }
                let decoder = UpgradePolicyDecoder(fields: body.spec, name: body.name, origin: body.origin)
                if let policy = decoder.decode() { decoded.policies.append(policy) }
            case .VersionCatalog, .UpgradeInventory, .UpgradePolicyTest:
                guard let body = body(head) else { continue }
                decode(kind, body, into: &decoded)
            }
        }
        return decoded
    }

    /// What stands beside a configuration, and not in it.
    private func decode(
        _ kind: Kind, _ body: (spec: Fields, name: String, origin: Origin), into decoded: inout DecodedDocuments
    ) {
        let known = report.problems.count
        let reader = ShapeReader()
        func spec(_ shape: MappingShape) -> ShapedValue? {
            let value = reader.read(shape, body.spec)
            return report.problems.count == known ? value : nil
        }
        var hint = "Name it with --inventory."
        switch kind {
        case .VersionCatalog:
            hint = "Name it under upgrades.catalog in daytwo.yaml."
            if let spec = spec(VersionCatalogShape.spec) {
                decoded.catalogs.append(VersionCatalogDecoder(report: report).decode(spec))
            }
        case .UpgradeInventory:
            if let spec = spec(UpgradeInventoryShape.spec) {
                decoded.inventories.append(UpgradeInventoryDecoder(report: report).decode(spec))
            }
        default:
            hint = "Run it with 'daytwo policy test FILE'."
            if let spec = spec(UpgradePolicyTestShape.spec) {
                let decoder = UpgradePolicyTestDecoder(
                    directory: directory, name: body.name, origin: body.origin, report: report)
                decoded.tests.append(decoder.decode(spec))
            }
        }
        decoded.strangers.append((body.origin, kind.rawValue, hint))
    }

    private func kind(_ head: Fields) -> Kind? {
        if let version = head.required("apiVersion", head.node), version.text != Self.apiVersion {
            report.add(version.origin, "apiVersion is not known", "Write apiVersion: \(Self.apiVersion).")
        }
        guard let kind = head.required("kind", head.node) else { return nil }
        return head.choice(kind, "kind")
    }

    /// `KIND/NAME`, or the kind alone: what its settings are listed under.
    private static func title(of node: YAMLNode) -> String {
        let parts = [node["kind"]?.text, node["metadata"]?["name"]?.text]
        return parts.compactMap { $0 }.joined(separator: "/")
    }

    /// The `spec` of a document, and its name: empty without a usable one, and `spec` is still checked.
    private func body(_ head: Fields) -> (spec: Fields, name: String, origin: Origin)? {
        var name: String?
        var origin = head.origin
        if let metadata = head.required("metadata", head.fields) {
            name = metadata.required("name", metadata.folderName)
            origin = metadata.node("name")?.origin ?? metadata.origin
            metadata.finish()
        }
        let spec = head.required("spec", head.fields)
        head.finish()
        return spec.map { ($0, name ?? "", origin) }
    }
}

/// What a store takes for the name of one folder.
enum ClusterName {
    /// Why a text is no name, as the rest of a sentence; nil when it is one.
    static func problem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > 200 { return "is longer than 200 bytes" }
        if text.contains("/") { return "holds a slash" }
        if text.hasPrefix(".") { return "begins with a dot" }
        let unseen = text.unicodeScalars.contains {
            switch $0.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned: true
            default: false
            }
        }
        return unseen ? "holds a character that cannot be seen" : nil
    }
}
