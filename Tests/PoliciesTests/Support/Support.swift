import Failures
import Files
import Foundation
import Testing

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = try realPath("/tmp") + "/daytwo-policies-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? removeTree(path) }

    subscript(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        if let slash = name.lastIndex(of: "/") { try createDirectory(self[String(name[..<slash])]) }
        try durablyWrite(Array(text.utf8), to: self[name], replacing: true)
        return self[name]
    }
}

/// The failure that a body throws; a body that throws none fails the test.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> Failure {
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

/// Runs one of the models beside this file.
func python(_ script: String, _ arguments: [String] = [], input: Data = Data()) throws -> Data {
    let scratch = try Scratch()
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    // Files and no pipes: neither side can wait for the other.
    try durablyWrite(Array(input), to: scratch["input"])
    try durablyWrite([], to: scratch["output"])
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", folder.appending(path: script).path] + arguments
    process.standardInput = try FileHandle(forReadingFrom: URL(filePath: scratch["input"]))
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: scratch["output"]))
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(script)")
    return try Data(contentsOf: URL(filePath: scratch["output"]))
}

func date(_ seconds: Int) -> Date { Date(timeIntervalSince1970: Double(seconds)) }

/// `2026-11-24T03:00:00Z`.
func utc(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

/// The same numbers in each run, so that what failed fails again.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
