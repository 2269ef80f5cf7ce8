import Failures
import Files
import Foundation

/// `Tests/Support` of this checkout.
let supportFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Support").path

/// `Tests/Fixtures` of this checkout.
let fixtureFolder = URL(fileURLWithPath: supportFolder).deletingLastPathComponent().appendingPathComponent("Fixtures")
    .path

/// A folder that is removed at the end of a test.
struct TemporaryFolder {
    let path: String

    init() throws {
        path = "\(NSTemporaryDirectory())daytwo-datastore-\(UUID().uuidString)"
        try createDirectory(path)
    }

    func remove() {
        // What stays behind in the temporary directory breaks no test.
        try? removeTree(path)
    }
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

/// Runs one of the scripts in Tests/Support.
func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
    try run("python3", ["-B", "\(supportFolder)/\(arguments[0])"] + arguments.dropFirst())
}

/// Writes a source's bytes to a new file.
func copy(_ source: any ByteSource, to path: String) throws {
    var bytes = [UInt8](repeating: 0, count: Int(source.size))
    try bytes.withUnsafeMutableBytes { try source.read(into: $0, at: 0) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}
