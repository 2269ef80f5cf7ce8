import Files
import Foundation
import Testing

/// What a command that ended left.
struct Ended {
    let status: Int32
    let output: String
    let error: String
    var isKilled: Bool { status == 137 || status == 9 + 128 || status == -9 }
}

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        // Not on a tmpfs: what is tested is how files get to a disk.
        path = "/var/tmp/daytwo-operations-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { path + "/" + name }
}

enum Tools {
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    /// The real binary, which the test target depends on so that it is built.
    static let daytwo = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/daytwo"
    static func fixture(_ name: String) -> String { "\(package)/Tests/Fixtures/\(name).tar.zst" }
    static func support(_ name: String) -> String { "\(package)/Tests/Support/\(name)" }
    static var hasStrace: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") }
    /// Whether a real etcd and its client are there (scripts/test sees to it).
    static let hasEtcd = ["etcd", "etcdctl"].allSatisfy { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }
    static var isRoot: Bool { geteuid() == 0 }
}

/// Runs a command to its end. One that hangs is ended and fails.
@discardableResult
func execute(_ arguments: [String], in directory: String = "/", seconds: Int = 120) throws -> Ended {
    let running = try Running(["/usr/bin/timeout", "-k", "5", String(seconds)] + arguments, in: directory)
    let ended = try running.wait()
    #expect(ended.status != 124, "hangs: \(arguments)")
    return ended
}

/// Runs a command that must succeed, and gives its output.
@discardableResult
func require(_ arguments: [String], location: SourceLocation = #_sourceLocation) throws -> String {
    let ended = try execute(arguments)
    try #require(ended.status == 0, "\(arguments): \(ended.error)", sourceLocation: location)
    return ended.output
}

func python(_ script: String, _ arguments: String...) throws -> String {
    try require(["/usr/bin/env", "python3", "-B", Tools.support(script)] + arguments)
}

/// A command while it runs; its output is in files, so that no pipe fills up.
final class Running {
    private let process = Process()
    private let scratch: Scratch
    private let input = Pipe()

    init(_ arguments: [String], in directory: String = "/") throws {
        scratch = try Scratch()
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: scratch[name], contents: nil) }
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        // A home that is not there: what was begun is found next to the data, or not at all.
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": "/dev/null",
            // No place for a state directory either: a rescue needs none.
            "DAYTWO_STATE_DIR": "/dev/null/state",
        ]
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch["out"]))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch["err"]))
        try process.run()
    }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { (try? String(contentsOfFile: scratch["out"], encoding: .utf8)) ?? "" }

    /// Waits until the output holds a text.
    func waitForOutput(_ text: String) throws {
        for _ in 0..<1200 {
            if output.contains(text) { return }
            guard process.isRunning else { break }
            usleep(50_000)
        }
        let error = (try? String(contentsOfFile: scratch["err"], encoding: .utf8)) ?? ""
        try #require(output.contains(text), "never said \(text): \(output) \(error)")
    }

    func endInput() throws { try input.fileHandleForWriting.close() }

    func kill() {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    func wait() throws -> Ended {
        process.waitUntilExit()
        let error = try String(contentsOfFile: scratch["err"], encoding: .utf8)
        let status =
            process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        return Ended(status: status, output: output, error: error)
    }
}
