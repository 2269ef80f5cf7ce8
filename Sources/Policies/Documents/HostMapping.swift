public import Failures
internal import Files

/// What is called otherwise on the host that a virtual cluster moves to: the document `HostMapping`.
public struct HostMapping: Sendable, Hashable, Codable {
    /// Storage classes by their old names.
    public var storageClasses: [String: String] = [:]
    /// Beginnings of images by their old ones: `docker.io/rancher`, `registry.example.com`.
    public var images: [String: String] = [:]
    /// Hosts of ingresses by their old ones; a `*` in both stands for one label.
    public var ingressHosts: [String: String] = [:]
    /// Classes of ingresses by their old names.
    public var ingressClasses: [String: String] = [:]
    /// Node ports of Services by their old ones; nil and what is not named leave the choice to the host. Runs from before know none.
    public var nodePorts: [String: String]?
    /// Annotations that load balancers get.
    public var loadBalancerAnnotations: [String: String] = [:]
    /// Names of annotations that load balancers lose.
    public var droppedAnnotations: [String] = []
    /// The node selector of the control plane; nil leaves it as it is.
    public var nodeSelector: [String: String]?
    /// Labels that every object gets.
    public var labels: [String: String] = [:]

    /// One that changes nothing.
    public init() {}

    /// Labels by which a virtual cluster is recognised.
    static let ownLabels: Set<String> = ["app", "release", "chart", "heritage", "cluster", "role"]

    /// Reads a document. Throws `usage` with every problem and its place.
    public init(file: String) throws(Failure) {
        try self.init(bytes: readFile(file, limit: YAMLReader.largestFile), file: file)
    }

    init(bytes: [UInt8], file: String) throws(Failure) {
        let report = DocumentReport(zoneDirectory: "")
        let documents = YAMLReader(file: file, report: report).documents(in: bytes)
        self.init()
        if documents.count != 1, report.problems.isEmpty {
            report.add(
                Origin(file: file, line: 1, column: 1), "there are \(documents.count) documents instead of one",
                "Begin with apiVersion: \(DocumentDecoder.apiVersion) and kind: HostMapping.")
        } else if let node = documents.first,
            let head = Fields(node, path: "", document: "HostMapping", report: report)
        {
            read(head)
        }
        guard report.problems.isEmpty else {
            throw DocumentProblems(problems: report.problems.sorted { $0.origin < $1.origin })
                .failure(of: "the mapping", next: "Correct \(file), and plan it again.")
        }
    }

    private enum Kind: String, CaseIterable { case HostMapping }

    private mutating func read(_ head: Fields) {
        if let version = head.required("apiVersion", head.node), version.text != DocumentDecoder.apiVersion {
            head.report.add(
                version.origin, "apiVersion is not known", "Write apiVersion: \(DocumentDecoder.apiVersion).")
        }
        if let kind = head.required("kind", head.node) { let _: Kind? = head.choice(kind, "kind") }
        let spec = head.required("spec", head.fields)
        head.finish()
        guard let spec else { return }
        storageClasses = spec.texts("storageClasses")
        images = spec.texts("images")
        if let ingress = spec.fields("ingress") {
            ingressHosts = ingress.texts("hosts")
            ingressClasses = ingress.texts("classes")
            ingress.finish()
            checkHosts(ingress)
        }
        if let balancer = spec.fields("loadBalancer") {
            loadBalancerAnnotations = balancer.texts("annotations")
            droppedAnnotations = balancer.strings("dropAnnotations") ?? []
            balancer.finish()
        }
        if let ports = spec.fields("nodePorts") { readPorts(ports) }
        if spec.has("nodeSelector") { nodeSelector = spec.texts("nodeSelector") }
        labels = spec.texts("labels")
        for name in labels.keys.sorted() where Self.ownLabels.contains(name) {
            spec.report.add(
                spec.node("labels")?.origin ?? spec.origin, "the label \(name) says what a virtual cluster is",
                "Choose another one.")
        }
        spec.finish {
            switch $0 {
            case "storageClass": "Write storageClasses: {OLD: NEW}."
            case "image", "registry", "registries": "Write images: {OLD-PREFIX: NEW-PREFIX}."
            case "ingressHosts", "ingressClasses": "Write it as hosts or classes below ingress."
            case "nodePort": "Write nodePorts: {OLD: NEW}."
            case "nodeSelectors": "Write nodeSelector: {KEY: VALUE}."
            default: nil
            }
        }
    }

    private mutating func readPorts(_ fields: Fields) {
        var ports: [String: String] = [:]
        for entry in fields.keys {
            let name = fields.name(of: entry.key)
            guard let old = UInt16(entry.key), old > 0, String(old) == entry.key else {
                fields.report.add(entry.value.origin, "\(name) is no port", "Write it like 31000: 32000.")
                continue
            }
            guard let new = fields.integer(entry.value, name, 1...65535) else { continue }
            if let other = ports.first(where: { $0.value == "\(new)" }) {
                fields.report.add(
                    entry.value.origin, "\(other.key) and \(entry.key) both become \(new)", "Give each its own.")
            }
            ports[entry.key] = "\(new)"
        }
        nodePorts = ports
    }

    /// A pattern has its `*` in front, as certificates and ingresses have it, and on both sides.
    private func checkHosts(_ fields: Fields) {
        for (old, new) in ingressHosts.sorted(by: { $0.key < $1.key }) {
            let stars = [old, new].map { $0.filter { $0 == "*" }.count }
            let areInFront = [old, new].allSatisfy { !$0.contains("*") || $0.hasPrefix("*.") }
            guard stars != [0, 0] else { continue }
            guard stars == [1, 1], areInFront else {
                fields.report.add(
                    fields.node("hosts")?.origin ?? fields.origin,
                    "\(fields.name(of: "hosts")) \(old.debugDescription): \(new.debugDescription) is no pair of patterns",
                    "Write it like \"*.old.example\": \"*.new.example\".")
                continue
            }
        }
    }
}
