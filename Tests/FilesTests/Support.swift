import Failures
import Files
import Foundation
import Glibc
import Testing

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/daytwo-files-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? removeTree(path) }

    subscript(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String, mode: UInt32 = 0o644) throws {
        let file = try FileDescriptor(opening: self[name], O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try Array(text.utf8).withBytes { bytes throws(Failure) in try file.append(bytes) }
    }

    func text(_ name: String) throws -> String {
        String(decoding: try readFile(self[name], limit: 1 << 20), as: UTF8.self)
    }

    func names(_ directory: String = "") throws -> [String] { try directoryNames(self[directory]) }
}

/// The failure that a body throws; a body that throws none fails the test.
func failure(
    _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> Failure {
    do {
        try body()
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("threw \(error)", sourceLocation: location)
    }
    Issue.record("did not throw a Failure", sourceLocation: location)
    return Failure(.usage, "nothing was thrown")
}

func run(_ command: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}

/// Runs a body on a small tmpfs of its own; cancels the test, visibly, where mounting is not allowed.
func onSmallFileSystem(size: String, _ body: (String) throws -> Void) throws {
    let scratch = try Scratch()
    try createDirectory(scratch["small"])
    guard try run("mount", "-t", "tmpfs", "-o", "size=\(size)", "daytwo-test", scratch["small"]) == 0 else {
        try Test.cancel("needs the right to mount a tmpfs (root)")
    }
    defer { _ = try? run("umount", scratch["small"]) }
    try body(scratch["small"])
}
