import Foundation
import Testing

/// A scratch directory of one test, and the real binary. What was made last is cleaned up first.
final class CommandFixture {
    let root: String
    private var cleanups: [() -> Void] = []

    struct ToolFailed: Error { let arguments: [String], code: Int32, errors: String }

    init() throws {
        root = "/tmp/daytwo-commands-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
        chmod(root, 0o755)
        let root = root
        cleanups.append {
            if getenv("DAYTWO_KEEP_SCRATCH") == nil { try? FileManager.default.removeItem(atPath: root) }
        }
    }

    deinit { cleanups.reversed().forEach { $0() } }

    /// A path below the scratch directory.
    func path(_ name: String) -> String { "\(root)/\(name)" }

    /// The store that tests use unless they say otherwise.
    var store: String { path("store") }

    /// Runs daytwo.
    @discardableResult
    func daytwo(
        _ arguments: [String], asNobody: Bool = false, environment: [String: String] = [:], in directory: String? = nil,
        output: String? = nil, whileRunning: ((pid_t) -> Bool)? = nil
    ) throws -> ChildProcess.Result {
        var command = [try Self.binary.get()] + arguments
        if asNobody { command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] + command }
        let environment = ["DAYTWO_STATE_DIR": path("state")].merging(environment) { _, told in told }
        return try ChildProcess(
            arguments: command, environment: environment, directory: directory ?? root, output: output,
            whileRunning: whileRunning
        ).run(below: root)
    }

    /// The command line of the real binary, for a shell.
    func command(_ arguments: [String]) throws -> [String] { [try Self.binary.get()] + arguments }

    /// Starts daytwo, and does not wait for its end.
    func start(
        _ arguments: [String], environment: [String: String] = [:], under: [String] = [],
        timeout: Duration = .seconds(60)
    ) throws -> ChildProcess.Running {
        let environment = ["DAYTWO_STATE_DIR": path("state")].merging(environment) { _, told in told }
        return try ChildProcess(
            arguments: under + command(arguments), environment: environment, directory: root, timeout: timeout
        ).start(below: root)
    }

    /// Runs another program, which must succeed; gives its output.
    @discardableResult
    func tool(_ arguments: String..., in directory: String? = nil) throws -> String {
        let result = try ChildProcess(arguments: arguments, directory: directory ?? root, timeout: .seconds(60)).run(
            below: root)
        guard result.code == 0 else {
            throw ToolFailed(arguments: arguments, code: result.code, errors: result.errors)
        }
        return result.text
    }

    /// Unpacks a fixture with the real tar; gives the k3s data directory.
    func dataDirectory(_ name: String = Fixtures.sqlite) throws -> String {
        let target = path("data-\(UUID().uuidString.prefix(4))")
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
        try tool("tar", "--zstd", "-xf", Fixtures.archive(name), "-C", target)
        return "\(target)/\(name)"
    }

    /// A small file system of its own, which can get full.
    func smallFileSystem(_ name: String, size: String, options: String = "") throws -> String {
        let target = path(name)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
        try tool("mount", "-t", "tmpfs", "-o", "size=\(size)\(options)", "tmpfs", target)
        cleanups.append { umount2(target, Int32(MNT_DETACH)) }
        return target
    }

    /// A process that holds something until the test ends; it is ready once it has printed a line.
    func holding(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        cleanups.append {
            // Test runners block other signals, and it inherits that.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        _ = output.fileHandleForReading.availableData
        cleanups.append { try? input.fileHandleForWriting.close() }
    }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }

    /// Backs up a fixture; gives the path of the archive.
    func archive(of name: String = Fixtures.sqlite, as cluster: String = "blue") throws -> String {
        let result = try daytwo([
            "backup", "create", "--data-dir", dataDirectory(name), "--name", cluster, "--store", store, "-o", "json",
        ])
        guard result.code == 0 else {
            throw ToolFailed(arguments: ["backup"], code: result.code, errors: result.errors)
        }
        return try result.json("path")
    }

    /// Every file below a directory with its bytes, modes and times: what must not change.
    func tree(_ directory: String) throws -> String {
        try tool(
            "sh", "-c",
            """
            find . -printf '%y %m %U:%G %T@ %s %p -> %l\\n' | grep -v 'state.db-shm -> $' | sort -k6
            find . -type f ! -name state.db-shm -print0 | sort -z | xargs -0 -r sha256sum
            """, in: directory)
    }

    static var isRoot: Bool { geteuid() == 0 }

    /// The binary that the tests were built with, where everybody can run it.
    private static let binary = Result { () throws -> String in
        let built = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let source = URL(filePath: built).deletingLastPathComponent().appending(path: "daytwo").path
        guard FileManager.default.isExecutableFile(atPath: source) else { throw CocoaError(.fileNoSuchFile) }
        guard isRoot else { return source }
        // Others cannot enter the directories above a build of root.
        let directory = "/tmp/daytwo-binary-\(getpid())"
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        chmod(directory, 0o755)
        // Copied by another process: children of other tests that began meanwhile must not hold it open for writing.
        let copied = try ChildProcess(arguments: ["cp", source, "\(directory)/daytwo"]).run(below: directory)
        guard copied.code == 0 else { throw ToolFailed(arguments: ["cp"], code: copied.code, errors: copied.errors) }
        atexit { try? FileManager.default.removeItem(atPath: "/tmp/daytwo-binary-\(getpid())") }
        return "\(directory)/daytwo"
    }
}

/// The fixtures, found from this very file.
enum Fixtures {
    static let sqlite = "k3s-1.21.2-sqlite"
    static let encrypted = "k3s-1.20.8-sqlite-secrets-encrypted"
    static let etcd = "k3s-1.21.2-etcd"

    static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let sources = "\(tests)/../Sources"

    static func archive(_ name: String) -> String { "\(tests)/Fixtures/\(name).tar.zst" }
    static func truth(_ name: String) throws -> [String: Any] {
        try json(Array(Data(contentsOf: URL(filePath: "\(tests)/Fixtures/\(name).truth.json"))))
    }
    static let truthScript = "\(tests)/Support/truth.py"
    static let forgeScript = "\(tests)/CommandTests/Support/forge.py"
    static let historyScript = "\(tests)/Support/history.py"
    static let snapshots = "\(tests)/CommandTests/Snapshots"
}

func json(_ bytes: [UInt8]) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
}

extension ChildProcess.Result {
    /// The result as one JSON document.
    func json() throws -> [String: Any] { try CommandTests.json(output) }

    /// A text in it.
    func json(_ member: String) throws -> String { try #require(json()[member] as? String, "\(text)\(errors)") }
}
