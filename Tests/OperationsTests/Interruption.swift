import Foundation
import Testing

/// A system call of a run at which something is injected: its name, and the how-manieth it is of its thread.
struct InjectionPoint: CustomStringConvertible {
    let call: String
    let number: Int
    var description: String { "\(call) \(number)" }
}

/// What strace saw of a command.
struct SystemCallTrace {
    struct Call {
        let process: Int
        let name: String
        let line: String
    }

    let calls: [Call]

    /// Runs a command under strace, with the paths of its descriptors.
    static func of(_ command: [String], calls: [String], in scratch: Scratch) throws -> SystemCallTrace {
        let file = scratch["trace-\(UUID().uuidString)"]
        let ended = try execute(
            [
                "/usr/bin/strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "0", "-o", file, "-e",
                "trace=" + calls.joined(separator: ","),
            ]
                + command)
        try #require(ended.status == 0, "\(ended.error)")
        return SystemCallTrace(text: try String(contentsOfFile: file, encoding: .utf8))
    }

    init(text: String) {
        calls = text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            guard parts.count == 2, let process = Int(parts[0]) else { return nil }
            let rest = parts[1].drop { $0 == " " }
            guard let bracket = rest.firstIndex(of: "("), !rest.hasPrefix("<...") else { return nil }
            return Call(process: process, name: String(rest[..<bracket]), line: String(rest))
        }
    }

    /// Points of every call that this command makes: all of the first and the last, and of long rows every
    /// `stride`-th in between. strace counts for each thread, and so does this.
    func points(stride step: Int, ends: Int, where fits: (Call) -> Bool = { _ in true }) -> [InjectionPoint] {
        var counts: [String: [Int: Int]] = [:]
        var numbers: [String: Set<Int>] = [:]
        for call in calls {
            counts[call.name, default: [:]][call.process, default: 0] += 1
            if fits(call) { numbers[call.name, default: []].insert(counts[call.name]?[call.process] ?? 0) }
        }
        return numbers.sorted { $0.key < $1.key }.flatMap { name, found in
            let sorted = found.sorted()
            return sorted.enumerated()
                .filter { $0.offset < 2 || $0.offset >= sorted.count - ends || $0.offset % step == 0 }
                .map { InjectionPoint(call: name, number: $0.element) }
        }
    }
}

/// The calls by which a command changes what is on a disk.
let changingCalls = [
    "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "link", "linkat",
    "symlink", "symlinkat", "unlink", "unlinkat", "fchmod", "fchown", "utimensat", "ftruncate", "copy_file_range",
]

/// The words before a command under which its n-th call of a kind is met by a signal or an error instead.
/// What strace says of it goes to `log`.
func injecting(
    _ what: String, at point: InjectionPoint, andAfter: Bool = false, log: String = "/dev/null"
) -> [String] {
    // Stops at the calls that are meant only, and so is much faster; but strace then loses signals.
    let fast = what.hasPrefix("signal") ? [] : ["--seccomp-bpf"]
    return [
        "/usr/bin/strace", "-f",
    ] + fast + [
        "-qq", "-y", "-s", "0", "-o", log, "-e", "trace=\(point.call)", "-e",
        "inject=\(point.call):\(what):when=\(point.number)\(andAfter ? "+" : "")",
    ]
}

/// Whether the calls that failed instead were all on what `log` shows with this text in it. Numbers of calls are of a thread, and
/// which of them is which may differ from one run to the next.
func isInjected(into text: String, by log: String) throws -> Bool {
    var begun: [Substring: Substring] = [:]
    for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
        let thread = line.prefix { $0 != " " }
        if line.contains("<unfinished ...>") { begun[thread] = line }
        guard line.contains("(INJECTED)") else { continue }
        guard line.contains(text) || begun[thread]?.contains(text) == true else { return false }
    }
    return true
}
