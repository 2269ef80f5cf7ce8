import Foundation
import Testing

/// Virtual clusters on hosts of the sandbox, a policy called `shop` over them, a catalog, and a clock that tests set.
final class RolloutFixture {
    let host: SandboxFixture
    let hosts: Int
    var commands: CommandFixture { host.commands }
    /// How far what daytwo takes for the time of day is ahead of the real clock.
    private var ahead: TimeInterval
    /// That time: it passes, and can be set.
    var now: Date {
        get { Date() + ahead }
        set { ahead = newValue.timeIntervalSinceNow }
    }

    /// k3s's releases of the catalog, one for each minor.
    static let releases = ["v1.21.2+k3s1", "v1.22.4+k3s1", "v1.23.6+k3s1", "v1.24.3+k3s1"]

    /// Clusters of k3s 1.21 on hosts whose configuration calls them `one` and `two`.
    init(hosts: Int = 1, clusters: Int = 1, at now: String = "2027-03-15T12:00:00Z", policy: String) throws {
        host = try SandboxFixture(hosts: hosts, clusters: clusters, generations: ["B"], size: 60_000)
        self.hosts = hosts
        ahead = try Self.date(now).timeIntervalSinceNow
        let names = ["one", "two"].prefix(hosts).enumerated().map { number, name in
            "  \(name): {kubeconfig: \"\(host.kubeconfig(number + 1))\", agent: {image: \"daytwo:test\"}}"
        }
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores: {main: {path: "\(commands.store)"}}
            hosts:
            \(names.joined(separator: "\n"))
            policies: [policy.yaml]
            upgrades: {catalog: catalog.yaml}
            """, to: "daytwo.yaml")
        try catalog("channels: [{name: stable, latest: \"v1.24.3+k3s1\"}]")
        try write(policy: policy)
    }

    static func date(_ text: String) throws -> Date { try #require(ISO8601DateFormatter().date(from: text)) }

    static func text(_ date: Date) -> String { ISO8601DateFormatter().string(from: date) }

    func set(_ time: String) throws { now = try Self.date(time) }

    /// Writes the policy: what stands below its `spec:`.
    func write(policy: String) throws {
        _ = try commands.write(
            """
            apiVersion: daytwo/v1
            kind: UpgradePolicy
            metadata: {name: shop}
            spec:
              select: {namespaces: ["*"]}
            \(policy.split(separator: "\n").map { "  \($0)\n" }.joined())
            """, to: "policy.yaml")
    }

    func catalog(_ channels: String) throws {
        try commands.writeCatalog(channels, Self.releases.map { ($0, "2022-05-01") })
    }

    // MARK: daytwo at that time

    private var surroundings: [String: String] { ["DAYTWO_CLOCK_AHEAD": "\(ahead)"] }

    /// daytwo with the configuration.
    @discardableResult
    func daytwo(_ arguments: String...) throws -> ChildProcess.Result { try daytwo(arguments: arguments) }

    @discardableResult
    func daytwo(arguments: [String]) throws -> ChildProcess.Result { try start(arguments).result() }

    func start(_ arguments: [String]) throws -> ChildProcess.Running {
        try commands.start(
            arguments + ["--config", commands.configuration], environment: surroundings, timeout: .seconds(240))
    }

    static let runWords = ["upgrade", "run", "--yes", "-o", "json", "--start-timeout", "15s"]

    /// What a run did, as `one/vc-blue/blue rolled back`.
    @discardableResult
    func run(code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        let run = try daytwo(arguments: Self.runWords)
        #expect(run.code == code, "\(run.code) \(run.text)\(run.errors)", sourceLocation: sourceLocation)
        let items = try #require(try run.json()["items"] as? [[String: Any]])
        return items.map { "\($0["cluster"] ?? "") \($0["result"] ?? "")" }.sorted()
    }

    /// The lines of the plan by their clusters.
    func plan(code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: [String: Any]] {
        let plan = try daytwo("upgrade", "plan", "-o", "json")
        #expect(plan.code == code, "\(plan.code) \(plan.errors)", sourceLocation: sourceLocation)
        let lines = try plan.text.split(separator: "\n").map { try json(Array($0.utf8)) }
        return Dictionary(
            lines.compactMap { line in (line["cluster"] as? String).map { ($0, line) } }, uniquingKeysWith: { $1 })
    }

    /// The verdict on a cluster with the rule that decides it, as `later window`.
    func verdict(_ cluster: String) throws -> String { Self.verdict(try #require(try plan()[cluster])) }

    static func verdict(_ decision: [String: Any]) -> String {
        let reason = (decision["reasons"] as? [[String: Any]])?.first
        return "\(decision["verdict"] ?? "") \(reason?["rule"] ?? "")"
    }

    func status() throws -> [String: Any] { try daytwo("upgrade", "status", "-o", "json", "--last", "1000").json() }

    func quarantined() throws -> [String] {
        (try status()["quarantined"] as? [[String: Any]] ?? []).compactMap { $0["cluster"] as? String }
    }

    /// What happened, as rows of `event cluster version`, the oldest first.
    func events(_ columns: String = "event, cluster, version") throws -> [[String]] {
        try commands.sql("SELECT \(columns) FROM upgrade_events ORDER BY id").split(separator: "\n").map {
            $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        }
    }

    // MARK: The clusters

    func versions() throws -> [String: String] {
        let list = try daytwo("clusters", "list", "-o", "json").json()["items"] as? [[String: Any]] ?? []
        return Dictionary(
            uniqueKeysWithValues: list.map {
                ("\($0["host"] ?? "")/\($0["namespace"] ?? "")/\($0["name"] ?? "")", $0["version"] as? String ?? "")
            })
    }

    /// The number of the host of a cluster, its namespace and its name.
    static func parts(_ cluster: String) -> (host: Int, namespace: String, name: String) {
        let parts = cluster.split(separator: "/").map(String.init)
        return (parts[0] == "two" ? 2 : 1, parts[1], parts[2])
    }

    func fault(_ fault: String, on cluster: String, value: String? = nil) throws {
        let (host, namespace, name) = Self.parts(cluster)
        try self.host.fault(
            [fault, "--host", "host-\(host)", "--on", "\(namespace)/\(name)"] + (value.map { ["--value", $0] } ?? []))
    }

    func workload(_ cluster: String, _ path: String) throws -> String {
        let (host, namespace, name) = Self.parts(cluster)
        return try self.host.kubectl(
            "get", "statefulset", name, "-n", namespace, "-o", "jsonpath={\(path)}", host: host
        ).text
    }

    func image(_ cluster: String) throws -> String {
        try workload(cluster, ".spec.template.spec.containers[?(@.name==\"vcluster\")].image")
    }

    func database(_ cluster: String) throws -> String {
        let (host, namespace, name) = Self.parts(cluster)
        let volume = try self.host.kubectl(
            "get", "pvc", "data-\(name)-0", "-n", namespace, "-o", "jsonpath={.spec.volumeName}", host: host
        ).text
        let found = try commands.tool(
            "find", commands.path("sandbox/host-\(host)/volumes/\(volume)"), "-name", "state.db", "-not", "-path",
            "*/.daytwo/*")
        return try #require(found.split(separator: "\n").map(String.init).first)
    }

    func sql(_ cluster: String, _ statement: String) throws -> String {
        try commands.tool("sqlite3", "-readonly", "-cmd", ".timeout 20000", database(cluster), statement)
            .trimmingCharacters(in: .newlines)
    }

    /// A cluster's Secrets, which nobody but it changes.
    func secrets(_ cluster: String) throws -> String {
        try sql(cluster, "SELECT count(DISTINCT name) FROM kine WHERE name LIKE '/registry/secrets/%'")
    }

    /// It runs this version and has its data; no mark, no Job and nobody's lease is on it.
    func expectWhole(
        _ cluster: String, on version: String, secrets: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (host, namespace, _) = Self.parts(cluster)
        #expect(
            try image(cluster).hasSuffix(version.replacing("+", with: "-")), "\(cluster)",
            sourceLocation: sourceLocation)
        #expect(try workload(cluster, ".spec.replicas") == "1", "\(cluster)", sourceLocation: sourceLocation)
        #expect(
            try !workload(cluster, ".metadata.annotations").contains("restore-run"), "\(cluster)",
            sourceLocation: sourceLocation)
        #expect(try sql(cluster, "PRAGMA integrity_check") == "ok", "\(cluster)", sourceLocation: sourceLocation)
        if let secrets {
            #expect(try self.secrets(cluster) == secrets, "\(cluster)", sourceLocation: sourceLocation)
        }
        let left = try self.host.leftovers(host: host)
        #expect(left == "", "\(cluster)", sourceLocation: sourceLocation)
        let leases = try self.host.kubectl(
            "get", "leases", "-n", namespace, "-o", "jsonpath={.items[*].spec.holderIdentity}", host: host
        ).text
        #expect(leases == "", sourceLocation: sourceLocation)
    }

    /// Copies that are set aside on the volumes.
    func copies() -> [String] { host.copies() }
}

extension CommandFixture {
    /// A catalog of k3s's releases with the days of their publication; without others, three of three minors.
    func writeCatalog(
        _ channels: String = "channels: [{name: stable, latest: \"v1.23.6+k3s1\"}]",
        _ releases: [(version: String, day: String)] = [
            ("v1.21.2+k3s1", "2021-06-18"), ("v1.22.4+k3s1", "2021-12-01"), ("v1.23.6+k3s1", "2022-05-01"),
        ]
    ) throws {
        _ = try write(
            """
            apiVersion: daytwo/v1
            kind: VersionCatalog
            metadata: {name: k3s}
            spec:
              \(channels)
              releases:

            """ + releases.map { "    - {version: \"\($0.version)\", released: \"\($0.day)\"}\n" }.joined(),
            to: "catalog.yaml")
    }
}
