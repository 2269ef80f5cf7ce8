import Failures
import Foundation
import JSONValues
import Processes
import Testing

@testable import Sandbox

/// Monotonic time for programs that are run.
private let uptime: @Sendable () -> Duration = {
    let start = ContinuousClock.now
    return { start.duration(to: .now) }
}()

/// A program that is run to its end.
struct Tool {
    let path: String
    var environment: [String: String] = [:]

    /// A program on the `PATH`; nil where there is none.
    static func find(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Waits on a thread of its own: the sandbox in this process needs the few that tasks share.
    func run(_ arguments: [String], input: String = "") async throws -> (code: Int32, text: String) {
        var variables = ProcessCommand.plainEnvironment
        variables["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        variables.merge(environment) { $1 }
        let command = ProcessCommand(path, arguments, environment: variables)
        let process: CompletedProcess = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try CompletedProcess.run(
                            command, input: Array(input.utf8), outputLimit: 1 << 20, deadline: .seconds(120),
                            uptime: uptime)
                    })
            }
        }
        guard case .exited(let code) = process.end else { throw Failure(.failed, "\(path) ended by \(process.end)") }
        return (code, String(decoding: process.output, as: UTF8.self))
    }
}

/// kubectl with a kubeconfig.
struct Kubectl {
    let tool: Tool

    init(_ path: String, _ kubeconfig: String) {
        tool = Tool(path: path, environment: ["KUBECONFIG": kubeconfig, "HOME": "/nonexistent"])
    }

    @discardableResult
    func callAsFunction(
        _ arguments: String..., input: String = "", code wanted: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let (code, text) = try await tool.run(["--cache-dir=/tmp/sandbox-kubectl-cache"] + arguments, input: input)
        #expect(code == wanted, "kubectl \(arguments.joined(separator: " ")): \(text)", sourceLocation: sourceLocation)
        return text
    }

    /// Its own version: `1.32`.
    func minor() async throws -> Int {
        let text = try await self("version", "--client", "-o", "json")
        let json = try JSONValue(parsing: Array(text.utf8))
        return Int((json.text("clientVersion", "minor") ?? "").prefix { $0.isNumber }) ?? 0
    }
}

/// A whole sandbox with its servers, in this process.
final class RunningSandbox: Sendable {
    let sandbox: Sandbox
    let kubeconfigs: [String]
    private let directory: TemporaryDirectory

    init(
        hosts: Int = 1, clusters: Int = 0, daytwo: String? = nil, size: Int = 200_000,
        generations: [Generation] = Generation.vcluster, hostVersion: String = "v1.31.4+k3s1"
    ) async throws {
        directory = try TemporaryDirectory()
        sandbox = try await Sandbox.start(
            SandboxOptions(
                directory: directory.path, hosts: hosts, clusters: clusters, daytwo: daytwo, size: size,
                generations: generations, hostVersion: hostVersion, startSeconds: 0.1))
        kubeconfigs = await sandbox.kubeconfigs
    }

    func kubectl(host: Int = 0) throws -> Kubectl {
        Kubectl(try #require(Tool.find("kubectl"), "kubectl is missing: run scripts/setup"), kubeconfigs[host])
    }

    func stop() async { await sandbox.stop() }
}
