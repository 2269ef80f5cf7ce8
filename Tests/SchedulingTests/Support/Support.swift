import Failures
import Files
import Foundation
import Synchronization
import Testing

/// A directory of its own, removed with it: in memory where there is such a place, so that a year costs no disk.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let memory = "/dev/shm"
        let isThere = access(memory, W_OK) == 0
        path = (isThere ? memory : "/var/tmp") + "/daytwo-scheduling-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? removeTree(path) }

    subscript(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws {
        try durablyWrite(Array(text.utf8), to: self[name], replacing: true)
    }
}

/// A clock that stands still until it is set.
final class SteppedClock: Sendable {
    private let time: Mutex<Date>

    init(_ start: Date) { time = Mutex(start) }

    var now: Date {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

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

    mutating func isOne(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}

/// Asks the plain model of a year.
func askModel(_ what: String, _ input: Data) throws -> Data {
    let scratch = try Scratch()
    // Files and no pipes: neither side can wait for the other.
    try durablyWrite(Array(input), to: scratch["input"])
    try durablyWrite([], to: scratch["output"])
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "year_model.py")
    process.arguments = ["python3", "-B", script.path, what]
    process.standardInput = try FileHandle(forReadingFrom: URL(filePath: scratch["input"]))
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: scratch["output"]))
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "the model \(what)")
    return try Data(contentsOf: URL(filePath: scratch["output"]))
}

/// `2026-11-24T03:00:00Z`.
func utc(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }
