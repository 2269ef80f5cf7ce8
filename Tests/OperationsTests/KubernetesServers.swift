import Files
import Foundation
import Testing

/// Data directories of vcluster's Kubernetes, made of the samples of k3s: the database and its log in the directory itself, and
/// `pki/`.
struct KubernetesServers {
    let place: Scratch
    let now: String
    let archive: String
    /// What the database holds at the time of the restore, and what the restored one holds.
    let old: String
    let new: String

    init() throws {
        place = try Scratch()
        let samples = try SampleServers.shared.get()
        let source = place["source"]
        try Self.make(source, from: samples.smallSource, authority: samples.smallSource)
        now = place["now"]
        try Self.make(now, from: samples.smallNow, authority: samples.smallSource)
        archive = try backUp(source, name: "kube", into: place["store"])
        let expected = try Self.copy(now, to: place["expected"])
        let ended = try restore("run", archive, expected, "--yes")
        try #require(ended.status == 0, "\(ended.error)")
        old = try Self.truth(now)
        new = try Self.truth(expected)
        try #require(old != new, "old and new can be told apart")
        try #require(try FileStatus(of: "\(now)/state.db-wal").size > 0, "rows are in the log alone")
    }

    private static func make(_ root: String, from server: String, authority: String) throws {
        try FileManager.default.createDirectory(atPath: "\(root)/pki", withIntermediateDirectories: true)
        for name in ["state.db", "state.db-wal"]
        where try FileStatus.ifPresent("\(server)/server/db/\(name)") != nil {
            try require(["/bin/cp", "-a", "\(server)/server/db/\(name)", "\(root)/\(name)"])
        }
        for (file, name) in [
            ("server-ca.crt", "ca.crt"), ("server-ca.key", "ca.key"), ("service.key", "sa.key"),
            ("service.key", "sa.pub"), ("request-header-ca.crt", "front-proxy-ca.crt"),
        ] {
            try require(["/bin/cp", "-a", "\(authority)/server/tls/\(file)", "\(root)/pki/\(name)"])
        }
    }

    static func copy(_ from: String, to path: String) throws -> String {
        try require(["/bin/cp", "-a", from, path])
        return path
    }

    /// Everything that is in the database and its log, without touching them.
    static func truth(_ root: String) throws -> String {
        try python("restore_support.py", "rows", "\(root)/state.db")
    }

    func expectOld(_ root: String, _ note: String) throws {
        #expect(try Self.truth(root) == old, "\(note)")
        #expect(try sets(root) == [], "\(note)")
        #expect(try TreePicture("\(root)/pki") == TreePicture("\(now)/pki"), "\(note)")
    }

    func expectNew(_ root: String, _ note: String) throws {
        #expect(try Self.truth(root) == new, "\(note)")
        #expect(
            try FileStatus.ifPresent("\(root)/state.db-wal")?.size ?? 0 == 0, "\(note): no log of the old database")
        #expect(try TreePicture("\(root)/pki") == TreePicture("\(now)/pki"), "\(note)")
    }

    /// Databases that lie beside the data.
    func sets(_ root: String) throws -> [String] {
        guard try FileStatus.ifPresent("\(root)/.daytwo") != nil else { return [] }
        return try directoryNames("\(root)/.daytwo").flatMap { run in
            ["state.db", "state.db-wal", "state.db-journal", "state.db-wal.old", "state.db-journal.old"].map {
                "\(root)/.daytwo/\(run)/\($0)"
            }
        }.filter { try FileStatus.ifPresent($0) != nil }
    }

    func run(_ root: String, _ more: String...) -> [String] {
        [Tools.daytwo, "restore", "run", archive, "--data-dir", root, "--quiet", "--yes"] + more
    }
}
