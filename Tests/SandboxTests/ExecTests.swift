import Crypto
import Failures
import Foundation
import JSONValues
import Testing

@testable import Sandbox

/// exec over the wire: against the recorded frames, by PyPI's websocket-client, by kubectl.
@Suite struct ExecTests {
    private static let python = Tool(path: "/usr/bin/env")

    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: plain, namespace: default}
        spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: "rancher/pause:3.1"}]}
        """

    @Test func recordedFrames() async throws {
        let running = try await RunningSandbox(hostVersion: "v1.21.2+k3s1")
        let kubectl = try running.kubectl()
        let volume = try Recording.applied(try Recording("pv-list").body.list("items")[0])
        let set = try Recording.applied(try Recording("statefulset-get").body)
        try await kubectl("create", "namespace", "team-a")
        for object in [volume, set] { try await kubectl("create", "-f", "-", input: object.compact) }
        try await kubectl("-n", "team-a", "wait", "--for=condition=Ready", "pod/blue-0", "--timeout=60s")
        for name in ["exec-ok", "exec-exit-3", "exec-stdin", "exec-v5-offered"] {
            let (code, text) = try await Self.python.run([
                "python3", "\(Repository.support)/exec_recording.py", running.kubeconfigs[0],
                "\(Repository.recordings)/\(name).json",
            ])
            try #require(code == 0, "\(text)")
            let ours = try JSONValue(parsing: Array(text.utf8))
            let real = try #require(try Recording(name).json["response"])
            #expect(ours.text("head") == real.text("head"), "\(name)")
            #expect(ours["frames"]?.isSame(as: real["frames"] ?? .null) ?? false, "\(name): \(ours.compact)")
        }
        await running.stop()
    }

    /// Nil, and a loud word, where PyPI cannot be reached.
    private static func packages() async throws -> String? {
        let directory = "\(Repository.root)/.build/sandbox-python"
        let (code, text) = try await Tool(path: "/usr/bin/env").run([
            "bash", "\(Repository.support)/python_packages.sh", directory, "websocket-client==1.9.2",
        ])
        if code == 3 {
            print("SKIPPED: exec by websocket-client, because PyPI cannot be reached: \(text)")
            return nil
        }
        try #require(code == 0, "\(text)")
        return directory
    }

    private static func exec(
        _ packages: String, _ running: RunningSandbox, _ subprotocol: String, input: Int, _ command: String...
    ) async throws -> JSONValue {
        let tool = Tool(path: "/usr/bin/env", environment: ["PYTHONPATH": packages])
        let (code, text) = try await tool.run(
            [
                "python3", "\(Repository.support)/exec_client.py", running.kubeconfigs[0], subprotocol, "default",
                "plain", "main",
                "\(input)",
            ] + command)
        try #require(code == 0 && text.hasPrefix("{"), "\(text)")
        return try JSONValue(parsing: Array(text.utf8))
    }

    private static func digest(_ size: Int, _ byte: (Int) -> UInt8) -> String {
        SHA256.hash(data: (0..<size).map(byte)).map { RandomNames.hexadecimal($0) }.joined()
    }

    @Test func otherClientAndFaults() async throws {
        guard let packages = try await Self.packages() else { return }
        let running = try await RunningSandbox()
        let kubectl = try running.kubectl()
        try await kubectl("create", "-f", "-", input: Self.pod)
        try await kubectl("wait", "--for=condition=Ready", "pod/plain", "--timeout=60s")
        let size = 3_000_000
        // Version 5 can close the input, so that `cat` ends; everything comes back whole.
        let echoed = try await Self.exec(packages, running, "v5.channel.k8s.io", input: size, "cat")
        #expect(echoed.number("bytes") == Int64(size), "\(echoed.compact)")
        #expect(echoed.text("sha256") == Self.digest(size) { UInt8($0 % 256) })
        #expect(echoed.text("status", "status") == "Success")
        #expect(echoed.text("end") == "closed")
        let zeros = try await Self.exec(
            packages, running, "v4.channel.k8s.io", input: -1, "head", "-c", "\(size)", "/dev/zero")
        #expect(zeros.text("sha256") == Self.digest(size) { _ in 0 })
        let missing = try await Self.exec(packages, running, "v4.channel.k8s.io", input: -1, "sh", "-c", "nothere")
        #expect(missing.text("status", "reason") == "NonZeroExitCode")
        #expect(missing.list("status", "details", "causes").first?.text("message") == "127")
        #expect(missing.text("errors")?.contains("not found") ?? false)

        try await running.sandbox.inject(HostFault(.execCut, on: "default/plain", value: "100000"), host: "host-1")
        let cut = try await Self.exec(
            packages, running, "v4.channel.k8s.io", input: -1, "head", "-c", "\(size)", "/dev/zero")
        #expect(cut.number("bytes") == 100_000)
        #expect(cut["status"] == .null)
        #expect(cut.text("end") == "broken")
        try await running.sandbox.clearFaults(.execCut, host: "host-1")

        try await running.sandbox.inject(HostFault(.execLosesTail, on: "default/plain", value: "700"), host: "host-1")
        let short = try await Self.exec(packages, running, "v5.channel.k8s.io", input: size, "cat")
        #expect(short.number("bytes") == Int64(size - 700))
        #expect(short.text("status", "status") == "Success")
        try await running.sandbox.clearFaults(host: "host-1")
        let whole = try await Self.exec(packages, running, "v5.channel.k8s.io", input: size, "cat")
        #expect(whole.number("bytes") == Int64(size))
        await running.stop()
    }

    @Test func kubectl() async throws {
        let running = try await RunningSandbox()
        let kubectl = try running.kubectl()
        let minor = try await kubectl.minor()
        guard minor >= 31 else {
            print(
                "SKIPPED: exec by kubectl, because this one is 1.\(minor) and only 1.31 and newer exec over WebSocket")
            return await running.stop()
        }
        try await kubectl("create", "-f", "-", input: Self.pod)
        try await kubectl("wait", "--for=condition=Ready", "pod/plain", "--timeout=60s")
        #expect(try await kubectl("exec", "plain", "--", "echo", "hello") == "hello\n")
        #expect(try await kubectl("exec", "-i", "plain", "--", "cat", input: "to and fro") == "to and fro")
        let failed = try await kubectl("exec", "plain", "--", "sh", "-c", "echo no >&2; exit 7", code: 7)
        #expect(failed.contains("no\n"))
        try await kubectl("exec", "plain", "--", "nothere", code: 1)
        try await kubectl("exec", "plain", "-c", "other", "--", "true", code: 1)
        try await kubectl("exec", "none", "--", "true", code: 1)
        await running.stop()
    }
}
