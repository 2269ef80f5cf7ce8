import Failures
import Foundation
import JSONValues
import Processes
import Testing

@testable import Sandbox

/// `daytwo-sandbox` as a program of its own.
@Suite struct CommandTests {
    /// The program that was built beside the tests.
    private static var program: String {
        URL(filePath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent().path
    }

    static func tool() throws -> Tool {
        let places = [
            program, "\(Repository.root)/.build/debug", "\(Repository.root)/.build/x86_64-unknown-linux-gnu/debug",
        ]
        let path = places.map { "\($0)/daytwo-sandbox" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        return Tool(path: try #require(path, "daytwo-sandbox is not built"))
    }

    @Test func upStatusFaultAndDown() async throws {
        let directory = try TemporaryDirectory()
        let tool = try Self.tool()
        let state = ["--state", directory.path]
        async let up = tool.run(["up", "--hosts", "1", "--clusters", "1", "--size", "1000"] + state)
        try await eventually("the control socket") { ControlClient.isAlive(directory.path) }
        try await eventually("a ready cluster") {
            let (code, text) = try await tool.run(["status"] + state)
            try #require(code == 0, "\(text)")
            let cluster = try JSONValue(parsing: Array(text.utf8)).list("hosts")[0].list("virtualClusters")[0]
            return cluster.text("name") == "vc-blue/blue" && cluster.number("ready") == 1
        }
        let second = try await tool.run(["up"] + state)
        #expect(second.code == 6 && second.text.contains("a sandbox is running"))
        let fault = try await tool.run(["fault", "pod-never-ready", "--on", "vc-blue/blue"] + state)
        #expect(fault.code == 0, "\(fault.text)")
        #expect(try await tool.run(["status"] + state).text.contains("pod-never-ready"))
        #expect(try await tool.run(["fault", "--clear"] + state).code == 0)
        #expect(try await !tool.run(["status"] + state).text.contains("pod-never-ready"))
        #expect(try await tool.run(["fault", "earthquake"] + state).code == 64)
        #expect(try await tool.run(["fault", "node-gone", "--host", "host-9"] + state).code == 11)
        let user = try await tool.run(["user", "reader"] + state)
        #expect(FileManager.default.fileExists(atPath: user.text.trimmed))
        #expect(try await tool.run(["down"] + state).code == 0)
        let (code, text) = try await up
        #expect(code == 0)
        #expect(text.trimmed == "\(directory.path)/host-1.kubeconfig")
        let after = try await tool.run(["status"] + state)
        #expect(after.code == 11 && after.text.contains("no sandbox is running"))
    }

    @Test func withoutEtcdAClusterOfK3kSaysSoInItsLog() async throws {
        let directory = try TemporaryDirectory()
        var tool = try Self.tool()
        tool.environment["PATH"] = "/nonexistent"
        let state = ["--state", directory.path]
        let running = tool
        async let up = running.run(["up", "--hosts", "1", "--clusters", "1", "--generation", "k3k"] + state)
        try await eventually("the control socket") { ControlClient.isAlive(directory.path) }
        let path = try #require(Tool.find("kubectl"), "kubectl is missing: run scripts/setup")
        let kubectl = Kubectl(path, "\(directory.path)/host-1.kubeconfig")
        try await eventually("the end of the server") {
            let word = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
            return try await kubectl("-n", "k3k-blue", "get", "pods", "-o", word) > "0"
        }
        let log = try await kubectl("-n", "k3k-blue", "logs", "k3k-blue-server-0")
        #expect(log.contains("sandbox: a cluster of k3k needs etcd, which is not on the PATH"), "\(log)")
        #expect(try await tool.run(["down"] + state).code == 0)
        #expect(try await up.code == 0)
    }

    @Test func refusesAnotherDirectory() async throws {
        let directory = try TemporaryDirectory()
        try PlainFile.write([1], to: "\(directory.path)/mine")
        let (code, text) = try await Self.tool().run(["up", "--state", directory.path])
        #expect(code == 4 && text.contains("is not empty, and no sandbox's"))
        #expect(FileManager.default.fileExists(atPath: "\(directory.path)/mine"))
    }
}
