internal import JSONValues
internal import Kubernetes

/// What a pod template turns out to be: its structure decides, labels only where structure is silent.
struct RecognizedLayout {
    let generation: Layout.Generation
    let distribution: Layout.Distribution
    /// The container whose image holds the server.
    let image: PodTemplate.Container
    /// The container in which the server runs.
    let runner: PodTemplate.Container
    /// What the server is started with, where that is told; charts from 0.20 on build it in their own code.
    let arguments: ServerArguments?

    /// Recognizes a workload of vcluster.
    static func vcluster(
        _ template: PodTemplate, chart: String?, configuration: ChartConfiguration
    ) throws(Rejection) -> RecognizedLayout {
        if let container = template.container("vcluster") { return try direct(container) }
        if let container = template.initContainer("vcluster") {
            return try copied(container, template, configuration)
        }
        if let container = template.initContainer("kubernetes") ?? template.initContainer("kube-apiserver") {
            return try kubernetes(container, template)
        }
        for distribution in ["k0s", "eks", "k8s"] where chart?.hasPrefix("vcluster-\(distribution)-") ?? false {
            throw Rejection(reason: .distribution(oldName(distribution)))
        }
        let names = (template.initContainers + template.containers).map(\.name).joined(separator: ", ")
        throw Rejection(reason: .unknownLayout("its containers are \(names)"))
    }

    /// Recognizes a server of Rancher's k3k.
    static func k3k(_ template: PodTemplate) throws(Rejection) -> RecognizedLayout {
        let container = template.containers.first { $0.mounts.contains { $0.path == k3sDirectory } }
        guard let container else {
            throw Rejection(reason: .unknownLayout("no container has a volume at \(k3sDirectory)"))
        }
        let words = ServerArguments.spokenWords(container.words)
        return RecognizedLayout(
            generation: .k3k, distribution: .k3s, image: container, runner: container,
            arguments: ServerArguments.ofK3k(words) ?? ServerArguments(words: []))
    }

    static let k3sDirectory = "/var/lib/rancher/k3s"

    private static func direct(_ container: PodTemplate.Container) throws(Rejection) -> RecognizedLayout {
        let words = ServerArguments.spokenWords(container.words)
        if words.contains(where: { ServerArguments.isBinary($0, "k0s") }) {
            throw Rejection(reason: .distribution("k0s"))
        }
        guard let arguments = ServerArguments.afterServer(words) else {
            throw Rejection(reason: .unknownLayout("its container vcluster starts no k3s server"))
        }
        let isDirect = container.command.first.map { ServerArguments.isBinary($0, "k3s") } ?? false
        return RecognizedLayout(
            generation: isDirect ? .a : .b, distribution: .k3s, image: container, runner: container,
            arguments: arguments)
    }

    private static func copied(
        _ container: PodTemplate.Container, _ template: PodTemplate, _ configuration: ChartConfiguration
    ) throws(Rejection) -> RecognizedLayout {
        let words = ServerArguments.spokenWords(container.words)
        if words.contains(where: { ServerArguments.isBinary($0, "k0s") }) {
            throw Rejection(reason: .distribution("k0s"))
        }
        guard let syncer = template.container("syncer") else {
            throw Rejection(reason: .unknownLayout("it has an init container vcluster and no container syncer"))
        }
        let copiesK3s = words.contains { ServerArguments.isBinary($0, "k3s") }
        guard copiesK3s || configuration.distribution == "k3s" else {
            if let distribution = configuration.distribution { throw Rejection(reason: .distribution(distribution)) }
            throw Rejection(reason: .unknownLayout("its init container vcluster copies no k3s"))
        }
        if let arguments = try told(by: syncer) {
            return RecognizedLayout(
                generation: .c, distribution: .k3s, image: container, runner: syncer, arguments: arguments)
        }
        guard template.volume("vcluster-config") != nil else {
            throw Rejection(
                reason: .unknownLayout("it has neither VCLUSTER_COMMAND on its syncer nor a volume vcluster-config"))
        }
        let command = (configuration.k3s?["command"]?.arrayValue ?? []).compactMap(\.stringValue)
        let more = (configuration.k3s?["extraArgs"]?.arrayValue ?? []).compactMap(\.stringValue)
        let replaced = ServerArguments.afterServer(ServerArguments.spokenWords(command))
        let arguments = ServerArguments(words: (replaced?.words ?? ["--data-dir=/data"]) + more)
        return RecognizedLayout(
            generation: .d, distribution: .k3s, image: container, runner: syncer, arguments: arguments)
    }

    /// What `VCLUSTER_COMMAND` says; nil where it is not set.
    private static func told(by syncer: PodTemplate.Container) throws(Rejection) -> ServerArguments? {
        let entry = syncer.json["env"]?.arrayValue?.last { $0["name"]?.stringValue == "VCLUSTER_COMMAND" }
        guard let entry else { return nil }
        guard let text = entry["value"]?.stringValue, let told = try? YAMLText.json(text) else {
            throw .malformed("VCLUSTER_COMMAND of its syncer is no YAML")
        }
        let words = [told["command"], told["args"]].flatMap { ($0?.arrayValue ?? []).compactMap(\.stringValue) }
        guard let arguments = ServerArguments.afterServer(ServerArguments.spokenWords(words)) else {
            throw Rejection(reason: .unknownLayout("VCLUSTER_COMMAND of its syncer starts no k3s server"))
        }
        return arguments
    }

    private static func kubernetes(
        _ container: PodTemplate.Container, _ template: PodTemplate
    ) throws(Rejection) -> RecognizedLayout {
        guard template.volume("vcluster-config") != nil else { throw Rejection(reason: .distribution(oldName("k8s"))) }
        guard let syncer = template.container("syncer") else {
            throw Rejection(
                reason: .unknownLayout("it has an init container \(container.name) and no container syncer"))
        }
        return RecognizedLayout(
            generation: .e, distribution: .k8s, image: container, runner: syncer, arguments: nil)
    }

    private static func oldName(_ distribution: String) -> String {
        distribution == "k0s" ? distribution : "\(distribution) of a vcluster before 0.20"
    }
}
