import Foundation
import Testing

/// The same steps on a real host cluster, where somebody names one, and on the sandbox.
@Suite("What is done on a host cluster, step by step", .timeLimit(.minutes(30)))
struct RealClusterTests {
    static let environment = ProcessInfo.processInfo.environment
    static let kubeconfig = environment["DAYTWO_TEST_KUBECONFIG"].flatMap { $0.isEmpty ? nil : $0 }

    @Test(
        "On the cluster of DAYTWO_TEST_KUBECONFIG",
        .enabled(if: kubeconfig != nil, "SKIPPED: DAYTWO_TEST_KUBECONFIG names no kubeconfig of a real cluster"))
    func real() throws {
        let image = try #require(
            Self.environment["DAYTWO_TEST_IMAGE"], "DAYTWO_TEST_IMAGE is to name the agent's image")
        try HostExercise(
            commands: CommandFixture(), kubeconfig: #require(Self.kubeconfig),
            context: Self.environment["DAYTWO_TEST_CONTEXT"], image: image,
            server: Self.environment["DAYTWO_TEST_K3S_IMAGE"] ?? HostExercise.server,
            home: Self.environment["HOME"] ?? ""
        ).run()
    }

    @Test("On the sandbox")
    func sandbox() throws {
        let host = try SandboxFixture()
        try HostExercise(
            commands: host.commands, kubeconfig: host.kubeconfig(), context: "host-1", image: "daytwo:test",
            server: HostExercise.server, home: host.commands.root
        ).run()
    }
}

/// A k3s as a virtual cluster has it, in a namespace of its own on anybody's cluster: found, backed up, restored, and removed.
private struct HostExercise {
    static let server = "rancher/k3s:v1.31.4-k3s1"
    private static let name = "sample"

    let commands: CommandFixture
    let kubeconfig: String
    let context: String?
    let image: String
    let server: String
    /// Where programs that give credentials keep theirs.
    let home: String
    let namespace = "daytwo-test-\(UUID().uuidString.prefix(8).lowercased())"
    private var cluster: String { "\(namespace)/\(Self.name)" }

    func run() throws {
        defer { remove() }
        try expect(kubectl("create", "namespace", namespace), "the namespace")
        try expect(kubectl("apply", "-f", commands.write(manifests, to: "sample.yaml")), "the virtual cluster")
        try waitUntilReady()
        let list = try daytwo("clusters", "list", "-n", namespace, "-o", "json")
        let item = try #require(try (list.json()["items"] as? [[String: Any]])?.first, "\(list.errors)")
        #expect(item["name"] as? String == Self.name && item["state"] as? String == "running", "\(item)")
        let backup = try daytwo("backup", "create", cluster, "-o", "json")
        try expect(backup, "the backup")
        #expect(try backup.json()["result"] as? String == "complete", "\(backup.text)")
        let id = try backup.json("id")
        try expect(daytwo("backup", "verify", "--deep", id), "its verification")
        try expect(daytwo("clusters", "pause", cluster, "--wait"), "the pause")
        try expect(daytwo("backup", "create", cluster), "the backup of a paused one")
        try expect(daytwo("clusters", "resume", cluster, "--wait"), "the end of the pause")
        try expect(daytwo("restore", "run", cluster, id, "--yes"), "the restore")
        try waitUntilReady()
        try expectNothingLeft()
    }

    /// A pod whose containers have ended stays for some ten seconds, until its node has cleaned up (k3s v1.21.3 with containerd).
    private func expectNothingLeft() throws {
        let end = ContinuousClock().now + .seconds(60)
        var left = ""
        repeat {
            left =
                try kubectl(
                    "get", "jobs,pods,leases", "-n", namespace, "-l", "app.kubernetes.io/managed-by=daytwo", "-o",
                    "name"
                ).text
            if left.isEmpty { return }
            usleep(500_000)
        } while ContinuousClock().now < end
        Issue.record("this is left on the host: \(left)")
    }

    private func waitUntilReady() throws {
        // An image may have to be pulled.
        let end = ContinuousClock().now + .seconds(300)
        while ContinuousClock().now < end {
            let ready = try kubectl(
                "get", "statefulset", Self.name, "-n", namespace, "-o", "jsonpath={.status.readyReplicas}")
            if ready.text == "1" { return }
            usleep(500_000)
        }
        Issue.record("the sample is not ready: \(try kubectl("get", "pods", "-n", namespace, "-o", "wide").text)")
    }

    /// Whatever came of it.
    private func remove() {
        do {
            try expect(kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found"), "the removal")
            let end = ContinuousClock().now + .seconds(180)
            while try !kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "name").text.isEmpty {
                guard ContinuousClock().now < end else {
                    Issue.record("the namespace \(namespace) does not go; remove it")
                    return
                }
                usleep(500_000)
            }
        } catch { Issue.record("the namespace \(namespace) may be left: \(error)") }
    }

    private func expect(_ result: ChildProcess.Result, _ what: String) throws {
        #expect(result.code == 0, "\(what): \(result.code) \(result.errors)")
        struct Ended: Error {}
        if result.code != 0 { throw Ended() }
    }

    private func daytwo(_ words: String...) throws -> ChildProcess.Result {
        let isOfHost = words[1] != "verify"
        let host = ["--kubeconfig", kubeconfig] + (context.map { ["--context", $0] } ?? [])
        return try commands.start(
            words + (isOfHost ? host : []),
            environment: ["DAYTWO_AGENT_IMAGE": image, "DAYTWO_STORE": commands.store, "HOME": home],
            timeout: .seconds(600)
        ).result()
    }

    private func kubectl(_ words: String...) throws -> ChildProcess.Result {
        try ChildProcess(
            arguments: ["kubectl", "--kubeconfig", kubeconfig] + (context.map { ["--context", $0] } ?? []) + words,
            environment: ["HOME": home], directory: commands.root
        ).run(below: commands.root)
    }

    private var manifests: String {
        let labels = "{app: vcluster, release: \(Self.name)}"
        let flags = [
            "--write-kubeconfig=/data/k3s-config/kube-config.yaml", "--data-dir=/data", "--https-listen-port=8443",
            "--disable=traefik,servicelb,metrics-server,local-storage,coredns", "--disable-network-policy",
            "--disable-agent", "--disable-cloud-controller", "--disable-scheduler", "--flannel-backend=none",
        ]
        let probe = "kubectl --kubeconfig /data/k3s-config/kube-config.yaml get --raw /readyz"
        return """
            apiVersion: v1
            kind: Service
            metadata: {name: \(Self.name), namespace: \(namespace), labels: \(labels)}
            spec:
              ports: [{name: https, port: 443, targetPort: 8443, protocol: TCP}]
              selector: \(labels)
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: \(Self.name), namespace: \(namespace), labels: \(labels)}
            spec:
              serviceName: \(Self.name)
              replicas: 1
              selector: {matchLabels: \(labels)}
              volumeClaimTemplates:
              - metadata: {name: data}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
              template:
                metadata: {labels: \(labels)}
                spec:
                  automountServiceAccountToken: false
                  terminationGracePeriodSeconds: 10
                  containers:
                  - name: vcluster
                    image: "\(server)"
                    command: [/bin/k3s]
                    args: [server, \(flags.map { "\"\($0)\"" }.joined(separator: ", "))]
                    readinessProbe:
                      exec: {command: [/bin/sh, -c, "\(probe)"]}
                      timeoutSeconds: 10
                      periodSeconds: 3
                      failureThreshold: 60
                    volumeMounts: [{name: data, mountPath: /data}]
            """
    }
}
