internal import Dispatch
internal import Failures
internal import JSONValues

/// What the program `k3s` does in a container besides being its server.
struct K3sProgram: Sendable {
    struct Result: Sendable {
        var code: Int32
        var output = ""
    }

    let version: ServerVersion
    let mounts: [Mount]
    /// The pod's own files, where nothing is mounted.
    let directory: String
    let address: String
    let plane: VirtualControlPlane?

    /// Runs one of its commands to its end; k3s logs to standard error.
    func run(_ arguments: [String]) async -> Result {
        switch arguments.first {
        case "--version", "-v":
            return Result(code: 0, output: "k3s version \(version.text) (00000000)\n")
        case "etcd-snapshot" where arguments.dropFirst().first == "save":
            return await save(Flags(Array(arguments.dropFirst(2))))
        case "server" where arguments.contains { $0.hasPrefix("--cluster-reset") }:
            let reset = ClusterReset(self, Flags(Array(arguments.dropFirst())))
            // It waits for other programs: not on a thread that all tasks share.
            return await withCheckedContinuation { continuation in
                DispatchQueue(label: "k3s server --cluster-reset").async { continuation.resume(returning: reset.run()) }
            }
        default:
            return Result(code: 1, output: Self.line("fatal", "no such command in the sandbox: \(arguments)"))
        }
    }

    private func save(_ flags: Flags) async -> Result {
        guard let plane else { return Result(code: 1, output: Self.line("fatal", "Error: see server log for details")) }
        do throws(Failure) {
            let name = try await plane.snapshot(flags["name"] ?? "on-demand")
            return Result(code: 0, output: Self.line("info", "Snapshot \(name) saved."))
        } catch {
            return Result(code: 1, output: Self.line("fatal", error.description))
        }
    }

    static func line(_ level: String, _ text: String) -> String {
        "time=\"\(Moment.now())\" level=\(level) msg=\"\(text)\"\n"
    }

    /// Flags as k3s takes them: `--name=VALUE`, `--name VALUE`, and `--name` alone.
    struct Flags: Sendable {
        private var values: [String: String] = [:]

        init(_ words: [String]) {
            for (position, word) in words.enumerated() where word.hasPrefix("-") {
                let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1).map(String.init)
                guard let name = parts.first else { continue }
                let next = position + 1 < words.count && !words[position + 1].hasPrefix("-") ? words[position + 1] : nil
                values[name] = parts.count > 1 ? parts[1] : next ?? "true"
            }
        }

        subscript(name: String) -> String? { values[name] }
    }
}
