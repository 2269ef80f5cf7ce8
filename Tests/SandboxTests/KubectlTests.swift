import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// A real kubectl against a sandbox, over TLS with a client certificate.
@Suite struct KubectlTests {
    private static let objects = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings, namespace: default}
        data: {mode: test, size: small}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: default}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: main, image: "nginx:1.25", env: [{name: A, value: "1"}, {name: B, value: "2"}]}]}
        """

    @Test func everyVerb() async throws {
        let running = try await RunningSandbox(clusters: 1)
        let kubectl = try running.kubectl()
        let nodes = try await kubectl("get", "nodes")
        #expect(nodes.contains("host-1-node-1") && nodes.contains("Ready"))
        let applied = try await kubectl("apply", "-f", "-", input: Self.objects)
        #expect(applied.contains("configmap/settings created") && applied.contains("deployment.apps/web created"))
        let changed = Self.objects.replacing("mode: test, size: small", with: "mode: live")
        let again = try await kubectl("apply", "-f", "-", input: changed)
        #expect(again.contains("configmap/settings configured") && again.contains("deployment.apps/web unchanged"))
        #expect(try await kubectl("get", "configmap", "settings", "-o", "jsonpath={.data}") == "{\"mode\":\"live\"}")
        try await kubectl("rollout", "status", "deployment/web", "--timeout=60s")

        try await kubectl(
            "patch", "deployment", "web", "-p",
            #"{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"B","value":"3"}]}]}}}}"#)
        let env = try await kubectl(
            "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].env}")
        let values = try JSONValue(parsing: Array(env.utf8)).arrayValue ?? []
        #expect(Set(values.compactMap { $0.text("name") }) == ["A", "B"])
        #expect(values.first { $0.text("name") == "B" }?.text("value") == "3")
        try await kubectl("patch", "configmap", "settings", "--type=merge", "-p", #"{"data":{"mode":null,"new":"x"}}"#)
        try await kubectl(
            "patch", "configmap", "settings", "--type=json", "-p", #"[{"op":"add","path":"/data/more","value":"y"}]"#)
        #expect(
            try await kubectl("get", "configmap", "settings", "-o", "jsonpath={.data}") == #"{"more":"y","new":"x"}"#)

        try await kubectl("scale", "deployment/web", "--replicas=1")
        try await eventually("one pod") {
            try await kubectl("get", "pods", "-l", "app=web", "-o", "name").split(separator: "\n").count == 1
        }
        let described = try await kubectl("describe", "statefulset", "-n", "vc-blue", "blue")
        #expect(described.contains("SuccessfulCreate"))
        #expect(try await kubectl("describe", "pod", "-n", "vc-blue", "blue-0").contains("Started container vcluster"))
        try await kubectl("delete", "-f", "-", input: changed)
        try await eventually("no pods") { try await kubectl("get", "pods", "-l", "app=web", "-o", "name").isEmpty }
        let gone = try await kubectl("get", "deployment", "web", code: 1)
        #expect(gone.contains(#"deployments.apps "web" not found"#))
        await running.stop()
    }

    @Test func watch() async throws {
        let running = try await RunningSandbox()
        let kubectl = try running.kubectl()
        async let lines = kubectl("get", "configmaps", "--watch", "--request-timeout=15s", "-o", "name")
        // Again and again: when kubectl begins to watch cannot be seen from here.
        for number in 1...5 {
            try await kubectl("create", "configmap", "seen-\(number)")
            try await kubectl("delete", "configmap", "seen-\(number)")
        }
        let seen = try await lines.split(separator: "\n")
        #expect((1...5).contains { number in seen.filter { $0 == "configmap/seen-\(number)" }.count == 2 }, "\(seen)")
        await running.stop()
    }

    @Test func serverSideApply() async throws {
        let running = try await RunningSandbox()
        let kubectl = try running.kubectl()
        func configuration(_ data: String) -> String {
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared, namespace: default}\ndata: \(data)\n"
        }
        try await kubectl(
            "apply", "--server-side", "--field-manager=one", "-f", "-", input: configuration("{a: \"1\", b: \"1\"}"))
        let conflict = try await kubectl(
            "apply", "--server-side", "--field-manager=two", "-f", "-", input: configuration("{a: \"2\"}"), code: 1)
        #expect(conflict.contains("conflict with \"one\"") && conflict.contains(".data.a"))
        try await kubectl(
            "apply", "--server-side", "--force-conflicts", "--field-manager=two", "-f", "-",
            input: configuration("{a: \"2\", c: \"2\"}"))
        // What `one` no longer names goes, unless another owns it.
        try await kubectl("apply", "--server-side", "--field-manager=one", "-f", "-", input: configuration("{}"))
        #expect(try await kubectl("get", "configmap", "shared", "-o", "jsonpath={.data}") == #"{"a":"2","c":"2"}"#)
        await running.stop()
    }

    @Test func rightsAndCredentials() async throws {
        let running = try await RunningSandbox()
        let kubectl = try running.kubectl()
        let path = try #require(Tool.find("kubectl"))
        let expired = Kubectl(
            path, try await running.sandbox.kubeconfig(host: "host-1", user: "late", lifetimeSeconds: -60))
        let refused = try await expired("get", "pods", code: 1)
        #expect(refused.contains("must be logged in") || refused.contains("Unauthorized"))
        let reader = Kubectl(path, try await running.sandbox.kubeconfig(host: "host-1", user: "reader"))
        let forbidden = try await reader("get", "pods", code: 1)
        #expect(
            forbidden.contains(#"User "reader" cannot list resource "pods" in API group "" in the namespace "default""#)
        )
        #expect(try await reader("auth", "can-i", "list", "pods", code: 1).contains("no"))
        try await kubectl("create", "role", "pods", "--verb=get,list", "--resource=pods")
        try await kubectl("create", "rolebinding", "pods", "--role=pods", "--user=reader")
        try await reader("get", "pods")
        #expect(try await reader("delete", "pod", "any", code: 1).contains("cannot delete resource"))
        let token = Kubectl(path, try await running.sandbox.tokenKubeconfig(host: "host-1"))
        try await token("get", "secrets", "-A")
        await running.stop()
    }
}
