import Failures
import Files
import Foundation
import JSONValues
import Testing

@testable import Sandbox

extension Tool {
    /// Whether a real etcd and its client are there (scripts/test sees to it); a loud word where not.
    static let hasEtcd: Bool = {
        let missing = ["etcd", "etcdctl"].filter { find($0) == nil }
        if !missing.isEmpty { print("SKIPPED: clusters of k3k, because \(missing.joined(separator: ", ")) is missing") }
        return missing.isEmpty
    }()
}

/// Clusters of k3k: what its controller makes of them, and k3s on a real etcd in them.
@Suite(.enabled(if: Tool.hasEtcd, "etcd and etcdctl are not on the PATH"), .serialized, .timeLimit(.minutes(5)))
struct K3kTests {
    private static let space = "/api/v1/namespaces/k3k-teal"
    private static let set = "/apis/apps/v1/namespaces/k3k-teal/statefulsets/k3k-teal-server"
    private static let pod = "\(space)/pods/k3k-teal-server-0"
    private static let data = "/var/lib/rancher/k3s"
    private static let claim = "varlibrancherk3s-k3k-teal-server-0"
    private static let changing = "/registry/configmaps/shop/changing"

    private let host: BareHost

    init() async throws {
        host = try await BareHost()
        try await host.cluster.install(
            "teal", namespace: "k3k-teal", .k3k, .nodePort, seed: SeedOptions(seed: 3, bytes: 1_000_000))
        try await ready()
    }

    // MARK: Steps

    private func get(_ path: String) async throws -> JSONValue { try await host.ask("GET", path).body }

    private func ready() async throws {
        try await eventually("a ready server") {
            guard try await get(Self.set).number("status", "readyReplicas") == 1 else { return false }
            return await host.cluster.plane(of: "k3k-teal") != nil
        }
    }

    private func plane() async throws -> VirtualControlPlane { try #require(await host.cluster.plane(of: "k3k-teal")) }

    private func merge(_ path: String, _ patch: JSONValue) async throws -> Int {
        try await host.ask("PATCH", path, patch, type: "application/merge-patch+json").code
    }

    /// Runs a command in a container as exec does.
    private func exec(_ command: String...) async throws -> (code: Int32, text: String) {
        let words = command.map { "command=" + ($0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "") }
        let request = APIRequest(
            method: "GET", target: "\(Self.pod)/exec?stdout=true&" + words.joined(separator: "&"),
            headers: ["sec-websocket-protocol": "v4.channel.k8s.io"], body: [], caller: BareHost.master)
        guard case .shell(let words, let shell) = try await host.cluster.exec(request).plan else {
            throw Failure(.failed, "not a command of a shell")
        }
        let log = ContainerLog()
        let code = try await shell.run(
            words, MiniShell.Streams(read: { nil }, output: { log.write($0) }, errors: { log.write($0) }))
        return (code, String(decoding: log.content, as: UTF8.self))
    }

    private func volume() async throws -> String {
        try #require(await host.cluster.directory(ofClaim: ObjectName("k3k-teal", Self.claim)))
    }

    /// Holds the server's pod away, and returns when it is gone.
    private func holdAway() async throws {
        try await host.create(
            """
            apiVersion: v1
            kind: ResourceQuota
            metadata: {name: hold}
            spec: {hard: {pods: "0"}, scopes: [NotTerminating]}
            """, in: "k3k-teal")
        #expect(try await host.ask("DELETE", Self.pod).code == 200)
        try await eventually("no pod") { try await host.ask("GET", Self.pod).code == 404 }
    }

    private func letIn() async throws {
        #expect(try await host.ask("DELETE", "\(Self.space)/resourcequotas/hold").code == 200)
        try await ready()
    }

    private func reset(_ name: String, _ path: String, more: String = "") async throws -> (phase: String, log: String) {
        try await host.create(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              activeDeadlineSeconds: 600
              restartPolicy: Never
              containers:
              - name: k3s
                image: registry.example.com/rancher/k3s:v1.33.2-k3s1
                command: [/bin/k3s, server, --config, /opt/rancher/k3s/init/config.yaml, --cluster-reset, "--cluster-reset-restore-path=\(path)"\(more)]
                volumeMounts: [{name: data, mountPath: \(Self.data)}, {name: config, mountPath: /opt/rancher/k3s/init}]
              volumes:
              - {name: data, persistentVolumeClaim: {claimName: \(Self.claim)}}
              - {name: config, secret: {secretName: k3k-teal-init-server-config}}
            """, in: "k3k-teal")
        try await eventually("the end of \(name)") {
            try await ["Succeeded", "Failed"].contains(get("\(Self.space)/pods/\(name)").text("status", "phase"))
        }
        let phase = try await get("\(Self.space)/pods/\(name)").text("status", "phase") ?? ""
        let answer = await host.cluster.answer(host.request("GET", "\(Self.space)/pods/\(name)/log"))
        guard case .bytes(_, let bytes, _) = answer else { throw Failure(.failed, "no log of \(name)") }
        return (phase, String(decoding: bytes, as: UTF8.self))
    }

    private static func processes(_ directory: String) throws -> [String] {
        try directoryNames("/proc").filter { Int($0) != nil }.compactMap { PlainFile.read("/proc/\($0)/cmdline") }
            .map { String(decoding: $0, as: UTF8.self) }.filter { $0.contains("etcd") && $0.contains(directory) }
    }

    // MARK: Tests

    @Test func comesUpAsK3kMakesIt() async throws {
        let plane = try await plane()
        #expect(try await plane.row("/registry/namespaces/kube-system") != nil)
        let rows = try await plane.rows("/registry/configmaps/shop/")
        #expect(rows.count > 100 && Set(rows.map(\.name)).count == rows.count && rows.allSatisfy { !$0.value.isEmpty })
        let token = try await get("\(Self.space)/secrets/k3k-teal-token").dictionary("data")["token"]
        let row = try #require(await plane.rows("/bootstrap/").first)
        #expect(BootstrapRow.open(row.value, password: Base64.text(token ?? "")) != nil)
        try await eventually("changes") { try await plane.row(Self.changing) != nil }
        // The API of the plane, as the administrator's kubeconfig opens it.
        let directory = try TemporaryDirectory()
        try await eventually("the kubeconfig") {
            try await host.ask("GET", "\(Self.space)/secrets/k3k-teal-kubeconfig").code == 200
        }
        let secret = try await get("\(Self.space)/secrets/k3k-teal-kubeconfig").dictionary("data")["kubeconfig.yaml"]
        let config = try APIRequest.json(yaml: Base64.text(secret ?? ""))
        let user = config.list("users")[0]
        let cluster = config.list("clusters")[0]
        #expect(cluster.text("cluster", "server") == "https://k3k-teal-service.k3k-teal")
        for (name, text) in [
            ("ca", cluster.text("cluster", "certificate-authority-data")),
            ("crt", user.text("user", "client-certificate-data")), ("key", user.text("user", "client-key-data")),
        ] { try PlainFile.write(Base64.text(text ?? "").utf8, to: "\(directory.path)/\(name)") }
        let address = try #require(try await get(Self.pod).text("status", "podIP"))
        let (code, text) = try await Tool(path: "/usr/bin/env").run([
            "curl", "-sS", "--noproxy", "*", "--cacert", "\(directory.path)/ca", "--cert", "\(directory.path)/crt",
            "--key", "\(directory.path)/key", "--resolve", "k3k-teal-service.k3k-teal:6443:\(address)",
            "https://k3k-teal-service.k3k-teal:6443/version", "https://k3k-teal-service.k3k-teal:6443/readyz",
        ])
        #expect(code == 0 && text.contains("v1.33.2+k3s1") && text.hasSuffix("ok"), "\(text)")
        // A backup finds a snapshot from the first start.
        let snapshots = try directoryNames("\(try await volume())/server/db/snapshots")
        #expect(snapshots.count == 1 && snapshots[0].hasPrefix("etcd-snapshot-k3k-teal-server-0-"))
        await host.stop()
    }

    @Test func itsControllerSetsBackAndItsPodsHaveAFinalizer() async throws {
        try await eventually("the finalizer") {
            try await get(Self.pod).list("metadata", "finalizers") == [.string("etcdpod.k3k.io/finalizer")]
        }
        let uid = try await get(Self.pod).text("metadata", "uid")
        let before = try await get(Self.set)["spec"]
        #expect(
            try await merge(
                Self.set,
                .members([
                    "metadata": .members(["annotations": .texts(["mine": "yes"])]),
                    "spec": .members([
                        "replicas": .integer(0),
                        "template": .members(["metadata": .members(["labels": .texts(["more": "x"])])]),
                    ]),
                ])) == 200)
        try await eventually("the spec from before") { try await get(Self.set)["spec"] == before }
        #expect(try await get(Self.set).dictionary("metadata", "annotations")["mine"] == "yes")
        #expect(try await get(Self.pod).text("metadata", "uid") == uid)
        // A pod that is deleted does not stay for the finalizer.
        #expect(try await host.ask("DELETE", Self.pod).code == 200)
        try await eventually("a new pod") {
            let now = try await get(Self.pod).text("metadata", "uid")
            return now != nil && now != uid
        }
        try await ready()
        #expect(try await host.ask("DELETE", "/api/v1/namespaces/k3k-teal").code == 200)
        try await eventually("the end of all") { try await host.ask("GET", "/api/v1/namespaces/k3k-teal").code == 404 }
        await host.stop()
    }

    @Test func aFinalizerOfSomebodyElseHoldsAPod() async throws {
        #expect(
            try await merge(Self.pod, .members(["metadata": .members(["finalizers": .texts(["example.com/held"])])]))
                == 200)
        #expect(try await host.ask("DELETE", Self.pod).code == 200)
        try await eventually("the end of its containers") {
            try await get(Self.pod).number("metadata", "deletionGracePeriodSeconds") == 0
        }
        try await Task.sleep(for: .milliseconds(500))
        #expect(try await host.ask("GET", Self.pod).code == 200)
        #expect(try await merge(Self.pod, .members(["metadata": .members(["finalizers": .null])])) == 200)
        try await ready()
        await host.stop()
    }

    @Test func aQuotaHoldsThePodAwayAndLetsOneWithADeadlineIn() async throws {
        try await holdAway()
        try await eventually("an event that says why") {
            try await get("\(Self.space)/events").list("items").contains {
                $0.text("reason") == "FailedCreate"
                    && ($0.text("message") ?? "").contains(
                        "exceeded quota: hold, requested: pods=1, used: pods=0, limited: pods=0")
            }
        }
        func pod(_ name: String, _ more: String) async throws -> Int {
            let yaml = """
                metadata: {name: \(name)}
                spec: {\(more)containers: [{name: main, image: "rancher/k3s:v1.33.2-k3s1", command: [sleep, infinity]}]}
                """
            return try await host.ask("POST", "\(Self.space)/pods", APIRequest.json(yaml: yaml)).code
        }
        #expect(try await pod("free", "") == 403)
        #expect(try await pod("timed", "activeDeadlineSeconds: 600, ") == 201)
        try await eventually("a container that is no server") {
            try await get("\(Self.space)/pods/timed").text("status", "phase") == "Running"
        }
        try await eventually("the status of the quota") {
            try await get("\(Self.space)/resourcequotas/hold").dictionary("status", "hard") == ["pods": "0"]
        }
        #expect(try await host.ask("GET", Self.pod).code == 404)
        try await letIn()
        await host.stop()
    }

    @Test func aSnapshotByExecIsOneOfEtcd() async throws {
        let (code, text) = try await exec("k3s", "etcd-snapshot", "save", "--name", "mine")
        #expect(code == 0 && text.contains("Snapshot mine-k3k-teal-server-0-") && text.contains(" saved."), "\(text)")
        #expect(try await exec("sh", "-c", "k3s etcd-snapshot save 2>&1").text.contains("on-demand-k3k-teal-server-0-"))
        let directory = "\(try await volume())/server/db/snapshots"
        let name = try #require(try directoryNames(directory).first { $0.hasPrefix("mine-") })
        let tool = Tool(path: "/usr/bin/env")
        let status = try await tool.run(["ETCDCTL_API=3", "etcdctl", "snapshot", "status", "\(directory)/\(name)"])
        #expect(status.code == 0, "\(status.text)")
        #expect(try await exec("k3s", "etcd-snapshot", "nonsense").code == 1)
        await host.stop()
    }

    @Test func aResetBringsAnOldStateBack() async throws {
        let old = JSONValue.members(["data": .texts(["is": "old"])])
        try await plane().put("/registry/configmaps/shop/mine", old)
        #expect(try await exec("k3s", "etcd-snapshot", "save", "--name=mine").code == 0)
        try await plane().delete("/registry/configmaps/shop/mine")
        let volume = try await volume()
        let db = "\(volume)/server/db"
        let name = try #require(try directoryNames("\(db)/snapshots").first { $0.hasPrefix("mine-") })
        let path = "\(Self.data)/server/db/snapshots/\(name)"
        try await holdAway()

        let absent = try await reset("absent", "\(Self.data)/nothing")
        #expect(
            absent.phase == "Failed"
                && absent.log.contains("etcd: snapshot path does not exist: /var/lib/rancher/k3s/nothing"))
        let foreign = try await reset("foreign", path, more: ", --token=another")
        #expect(
            foreign.phase == "Failed"
                && foreign.log.contains("bootstrap data already found and encrypted with different token"))
        // It has begun all the same, and says so to the next one.
        let second = try await reset("second", path)
        #expect(second.phase == "Failed" && second.log.contains("please remove the cluster-reset flag"))
        #expect(second.log.contains("/var/lib/rancher/k3s/server/db/reset-flag"))
        try require(unlink: "\(db)/reset-flag")
        try await Task.sleep(for: .seconds(1.1))
        let good = try await reset("good", path)
        #expect(good.phase == "Succeeded", "\(good.log)")
        #expect(
            good.log.contains("Managed etcd cluster membership has been reset, restart without --cluster-reset flag"))
        #expect(try directoryNames(db).filter { $0.hasPrefix("etcd-old-") }.count == 2)
        #expect(PlainFile.exists("\(db)/reset-flag"))

        try await letIn()
        #expect(!PlainFile.exists("\(db)/reset-flag"))
        #expect(try await get("\(Self.space)/pods").list("items").count == 5)
        let row = try #require(await plane().row("/registry/configmaps/shop/mine"))
        #expect(try JSONValue(parsing: row.value) == old)
        await host.stop()
    }

    @Test func aStartNeedsTheTokenOfItsEtcd() async throws {
        try await holdAway()
        let config = "\(Self.space)/secrets/k3k-teal-init-server-config"
        let text = Base64.text(try await get(config).dictionary("data")["config.yaml"] ?? "")
        let other = text.split(separator: "\n").map { $0.hasPrefix("token:") ? "token: another" : String($0) }
        #expect(
            try await merge(
                config, .members(["data": .texts(["config.yaml": Base64.encode(other.joined(separator: "\n"))])]))
                == 200)
        #expect(try await host.ask("DELETE", "\(Self.space)/resourcequotas/hold").code == 200)
        try await eventually("its end") {
            let status = try await get(Self.pod).list("status", "containerStatuses").first
            return status?.number("lastState", "terminated", "exitCode") == 1
        }
        let answer = await host.cluster.answer(host.request("GET", "\(Self.pod)/log"))
        guard case .bytes(_, let bytes, _) = answer else { throw Failure(.failed, "no log") }
        #expect(
            String(decoding: bytes, as: UTF8.self).contains(
                "bootstrap data already found and encrypted with different token"))
        await host.stop()
    }

    @Test func anEmptyVolumeBecomesANewClusterWhateverLiesWhereKineWas() async throws {
        let volume = try await volume()
        let authority = PlainFile.read("\(volume)/server/tls/server-ca.crt")
        try await holdAway()
        try removeTree("\(volume)/server")
        try createDirectory("\(volume)/server/db")
        try FileManager.default.createSymbolicLink(
            atPath: "\(volume)/server/db/state.db", withDestinationPath: "/nonexistent/guard")
        try await letIn()
        let now = try #require(PlainFile.read("\(volume)/server/tls/server-ca.crt"))
        #expect(now != authority)
        #expect(try await plane().row("/registry/namespaces/kube-system") != nil)
        await host.stop()
    }

    @Test func noEtcdIsLeft() async throws {
        let volume = try await volume()
        #expect(try Self.processes(volume).count == 1)
        try await holdAway()
        #expect(try Self.processes(volume).isEmpty)
        try await letIn()
        #expect(try Self.processes(volume).count == 1)
        await host.stop()
        #expect(try Self.processes(volume).isEmpty)
    }

    @Test func noEtcdOutlivesASandboxThatIsKilled() async throws {
        await host.stop()
        let directory = try TemporaryDirectory()
        let tool = try CommandTests.tool()
        async let up = tool.run(
            ["up", "--hosts", "1", "--clusters", "1", "--size", "1000", "--generation", "k3k"]
                + ["--state", directory.path])
        try await eventually("etcd") { try Self.processes(directory.path).count == 1 }
        let sandbox = try directoryNames("/proc").compactMap { Int32($0) }.first { id in
            let words = String(decoding: PlainFile.read("/proc/\(id)/cmdline") ?? [], as: UTF8.self)
            return words.hasPrefix(tool.path) && words.contains(directory.path)
        }
        kill(try #require(sandbox), SIGKILL)
        do { _ = try await up } catch {}
        try await eventually("its end", within: .seconds(5)) { try Self.processes(directory.path).isEmpty }
    }
}

private func require(unlink path: String) throws {
    try #require(unlink(path) == 0)
}

extension HostCluster {
    /// The plane of a ready pod in a namespace.
    fileprivate func plane(of namespace: String) async -> VirtualControlPlane? {
        let plane = pods.values.first { $0.name.namespace == namespace && $0.controlPlane != nil }?.controlPlane
        return await plane?.isReady == true ? plane : nil
    }
}
