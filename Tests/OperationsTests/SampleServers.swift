import Files
import Foundation
import Testing

/// Data directories and archives of them, made once for all tests, and only ever copied.
final class SampleServers: Sendable {
    static let fixtures = ["k3s-1.21.2-sqlite", "k3s-1.20.8-sqlite-secrets-encrypted"]
    static let shared = Result {
        do {
            return try SampleServers()
        } catch {
            // An error of its own: that of an expectation counts once, and every other test would seem to pass.
            throw Missing(why: "\(error)")
        }
    }

    struct Missing: Error { let why: String }

    let scratch: Scratch
    /// The small server when it was backed up.
    var smallSource: String { scratch["small"] }
    /// The small server later: more rows, other files, and files that no archive holds.
    var smallNow: String { scratch["now"] }
    let smallArchive: String
    /// What a restore of the archive onto ``smallNow`` comes to.
    let restored: TreePicture
    /// ``smallNow`` as it is.
    let before: TreePicture

    private init() throws {
        let scratch = try Scratch()
        self.scratch = scratch
        unfinished.withLockedValue(scratch.path)
        for name in Self.fixtures {
            try require(["/usr/bin/env", "tar", "--zstd", "-xf", Tools.fixture(name), "-C", scratch.path])
        }
        try createDirectory(scratch["small"])
        _ = try python("restore_support.py", "small", scratch[Self.fixtures[1]], scratch["small"])
        smallArchive = try backUp(scratch["small"], name: "small", into: scratch["store"])
        try require(["/bin/cp", "-a", scratch["small"], scratch["now"]])
        try Self.moveOn(scratch["now"])
        let copy = scratch["expected"]
        try require(["/bin/cp", "-a", scratch["now"], copy])
        let ended = try restore("run", smallArchive, copy, "--yes")
        try #require(ended.status == 0, "\(ended.error)")
        restored = try TreePicture.restored("\(copy)/server")
        before = try TreePicture("\(scratch["now"])/server")
        try #require(before != restored, "old and new can be told apart")
        try #require(before.files.count > 50 && restored.files.count > 50)
    }

    /// What happens on a server after its backup.
    private static func moveOn(_ root: String) throws {
        _ = try python("restore_support.py", "advance", "\(root)/server/db/state.db", "40")
        let files = FileManager.default
        try files.createDirectory(atPath: "\(root)/server/db/snapshots", withIntermediateDirectories: true)
        try files.createDirectory(atPath: "\(root)/server/mine/deep", withIntermediateDirectories: true)
        for (name, text) in [
            ("db/snapshots/on-demand-1", "snapshot"), ("db/unknown.txt", "unknown in db"),
            ("mine/deep/notes.txt", "a person's own notes"), ("manifests/later.yaml", "kind: Later"),
            ("tls/server-ca.crt", "another certificate"), ("db/joined-95910cb49fee", ""),
        ] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/server/\(name)"))
        }
        try files.createSymbolicLink(atPath: "\(root)/server/mine/link", withDestinationPath: "deep/notes.txt")
    }

    func copyOfSmallNow(_ place: Scratch, _ name: String = "data") throws -> String {
        let path = place[name]
        try require(["/bin/cp", "-a", smallNow, path])
        return path
    }
}

/// Removes the samples with the process: nothing else tells that the last test is over.
private let unfinished = RemovedAtExit()

private final class RemovedAtExit: @unchecked Sendable {
    private let lock = NSLock()
    private var path: String?

    func withLockedValue(_ path: String) {
        lock.lock()
        self.path = path
        lock.unlock()
        atexit { unfinished.remove() }
    }

    func remove() {
        lock.lock()
        defer { lock.unlock() }
        if let path { try? FileManager.default.removeItem(atPath: path) }
    }
}

/// Backs a data directory up and gives the path of the archive.
func backUp(_ root: String, name: String, into store: String) throws -> String {
    try createDirectory(store)
    try require(
        [Tools.daytwo, "backup", "create", "--quiet", "--data-dir", root, "--name", name, "--store", store])
    let folder = "\(store)/local/\(name)"
    let archives = try directoryNames(folder).filter { $0.hasSuffix(".tar.zst") }
    try #require(archives.count == 1)
    return "\(folder)/\(archives[0])"
}

/// `daytwo restore VERB` on a data directory, from another directory and without a home.
func restore(_ verb: String, _ archive: String?, _ root: String, _ more: String..., under: [String] = []) throws
    -> Ended
{
    try execute(
        under + [Tools.daytwo, "restore", verb] + (archive.map { [$0] } ?? []) + ["--data-dir", root, "--quiet"] + more)
}
