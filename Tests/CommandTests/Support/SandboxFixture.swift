import Foundation
import Testing

/// Host clusters on loopback with virtual clusters on them, in the real sandbox, until the test ends.
final class SandboxFixture {
    let commands: CommandFixture
    private let sandbox: ChildProcess.Running

    struct DidNotStart: Error { let errors: String }

    /// Starts a sandbox; each virtual cluster is ready then. The generations of their layouts come in turn.
    init(hosts: Int = 1, clusters: Int = 1, generations: [String] = [], size: Int = 200_000) throws {
        commands = try CommandFixture()
        let binaries = try commands.command([])[0]
        let state = commands.path("sandbox")
        var words = ["up", "--state", state, "--hosts", "\(hosts)", "--clusters", "\(clusters)", "--size", "\(size)"]
        words += ["--daytwo", binaries]
        for generation in generations { words += ["--generation", generation] }
        // The etcd of k3k's clusters is where the tests have it.
        let path = ProcessInfo.processInfo.environment["PATH"].map { ["PATH": $0] } ?? [:]
        sandbox = try ChildProcess(
            arguments: [Self.program()] + words, environment: path, directory: commands.root, timeout: .seconds(300)
        ).start(below: commands.root)
        let end = ContinuousClock().now + .seconds(60)
        while try !isReady(clusters) {
            guard ContinuousClock().now < end, !sandbox.hasEnded() else { throw DidNotStart(errors: sandbox.errors) }
            usleep(100_000)
        }
    }

    deinit {
        kill(sandbox.id, SIGTERM)
        // It takes its control planes along; killed, it would leave them.
        for _ in 0..<200 where !sandbox.hasEnded() { usleep(50_000) }
    }

    private func isReady(_ clusters: Int) throws -> Bool {
        let status = try ChildProcess(
            arguments: [Self.program(), "status", "--state", commands.path("sandbox")], directory: commands.root
        ).run(below: commands.root)
        guard status.code == 0, let hosts = try status.json()["hosts"] as? [[String: Any]] else { return false }
        let all = hosts.flatMap { $0["virtualClusters"] as? [[String: Any]] ?? [] }
        return all.count == clusters && all.allSatisfy { $0["ready"] as? Int == 1 }
    }

    /// A configuration with the first two hosts as `one` and `two`.
    func configuration(_ more: String = "") -> String {
        """
        apiVersion: daytwo/v1
        kind: Configuration
        stores: {main: {path: "\(commands.store)"}}
        hosts:
          one: {kubeconfig: "\(kubeconfig(1))", agent: {image: "daytwo:test"}}
          two: {kubeconfig: "\(kubeconfig(2))", agent: {image: "daytwo:test"}}
        \(more)
        """
    }

    func kubeconfig(_ host: Int = 1) -> String { commands.path("sandbox/host-\(host).kubeconfig") }

    /// daytwo with the kubeconfig of a host, an image that the host has, and the store.
    @discardableResult
    func daytwo(_ arguments: String..., host: Int = 1, environment: [String: String] = [:]) throws
        -> ChildProcess.Result
    {
        try daytwo(arguments: arguments, host: host, environment: environment)
    }

    @discardableResult
    func daytwo(arguments: [String], host: Int = 1, environment: [String: String] = [:]) throws -> ChildProcess.Result {
        try commands.start(
            arguments, environment: surroundings(host).merging(environment) { _, told in told }, timeout: .seconds(120)
        ).result()
    }

    /// A virtual cluster of the host, `NAMESPACE/NAME`.
    func firstCluster() throws -> String {
        try String(#require(daytwo("clusters", "list", "-o", "name").text.split(separator: "\n").first))
    }

    func surroundings(_ host: Int = 1) -> [String: String] {
        [
            "KUBECONFIG": kubeconfig(host), "DAYTWO_AGENT_IMAGE": "daytwo:test", "DAYTWO_STORE": commands.store,
        ]
    }

    /// Lets something go wrong, or ends it.
    func fault(_ words: [String]) throws {
        let result = try ChildProcess(
            arguments: [Self.program(), "fault", "--state", commands.path("sandbox")] + words, directory: commands.root
        ).run(below: commands.root)
        #expect(result.code == 0, "\(result.errors)")
    }

    /// The real kubectl.
    @discardableResult
    func kubectl(_ words: String..., host: Int = 1) throws -> ChildProcess.Result {
        try kubectl(words, host: host)
    }

    func kubectl(_ words: [String], host: Int = 1) throws -> ChildProcess.Result {
        try ChildProcess(
            arguments: ["kubectl", "--kubeconfig", kubeconfig(host)] + words,
            environment: ["HOME": commands.root], directory: commands.root
        ).run(below: commands.root)
    }

    /// The surroundings of somebody called keeper, who has no rights yet.
    func keeper() throws -> [String: String] {
        let user = try ChildProcess(
            arguments: [Self.program(), "user", "keeper", "--state", commands.path("sandbox")], directory: commands.root
        ).run(below: commands.root)
        return ["KUBECONFIG": user.text.trimmingCharacters(in: .whitespacesAndNewlines)]
    }

    /// Gives keeper the roles that `rbac` printed.
    func grant(_ roles: String, in namespace: String) throws {
        let binding = """

            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: daytwo, namespace: \(namespace)}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: daytwo}
            subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: keeper}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: daytwo}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: daytwo}
            subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: keeper}]
            """
        _ = try commands.write(roles + binding, to: "roles.yaml")
        let applied = try kubectl("apply", "-f", commands.path("roles.yaml"))
        #expect(applied.code == 0, "\(applied.errors)")
    }

    /// What lies on the volumes of the hosts. What goes away meanwhile is passed over; `find` would end with an error.
    func volumeFiles(_ isWanted: (String) -> Bool) -> [String] {
        let root = commands.path("sandbox")
        var found: [String] = []
        for case let path as String in FileManager.default.enumerator(atPath: root) ?? .init()
        where path.split(separator: "/").dropFirst().first == "volumes" && isWanted(path) {
            found.append("\(root)/\(path)")
        }
        return found
    }

    /// The records of the restores on the volume of a claim on the first host: looked at without kubectl, so that one can be cut in time.
    func journals(ofClaim claim: String, in namespace: String) throws -> RestoreJournals {
        let volume = try kubectl("get", "pvc", claim, "-n", namespace, "-o", "jsonpath={.spec.volumeName}").text
        return RestoreJournals(folder: commands.path("sandbox/host-1/volumes/\(volume)/.daytwo"))
    }

    /// The database of its only control plane.
    func database() throws -> String {
        try #require(volumeFiles { $0.hasSuffix("/state.db") && !$0.contains("/.daytwo/") }.first)
    }

    /// The copies of upgrades that are set aside.
    func copies() -> [String] { volumeFiles { $0.contains(".daytwo-aside/") && $0.hasSuffix(".zst") } }

    /// What daytwo has left on a host, once that had its time to collect the pods of Jobs that are gone.
    func leftovers(host: Int = 1) throws -> String {
        let end = ContinuousClock.now + .seconds(10)
        while try !agents(host: host).isEmpty, .now < end { usleep(50_000) }
        return try agents(host: host)
    }

    /// What daytwo has on a host now.
    func agents(host: Int = 1) throws -> String {
        let result = try kubectl(
            "get", "jobs,pods", "-A", "-l", "app.kubernetes.io/managed-by=daytwo", "--no-headers", "-o", "name",
            host: host)
        return result.text
    }

    static func program() throws -> String {
        let built = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: built).deletingLastPathComponent().appending(path: "daytwo-sandbox").path
    }
}
