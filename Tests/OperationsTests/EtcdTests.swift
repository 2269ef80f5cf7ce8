import Files
import Foundation
import Testing

extension RealBinary {
    /// Backups and restores of a real server on embedded etcd. What k3s does at the end is done by a real etcd.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct EtcdTests {
        private static let fixture = "k3s-1.21.2-etcd"
        private static let snapshot = "db/snapshots/on-demand-red-0-1795347441"
        private let place: Scratch
        private var source: String { place[Self.fixture] }

        init() throws {
            place = try Scratch()
            try require(["/usr/bin/env", "tar", "--zstd", "-xf", Tools.fixture(Self.fixture), "-C", place.path])
            try createDirectory(place["store"])
        }

        private func create(_ more: String...) throws -> Ended {
            try execute(
                [Tools.daytwo, "backup", "create", "--data-dir", source, "--name", "red", "--store", place["store"]]
                    + ["-o", "json"] + more)
        }

        private func json(_ ended: Ended) throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any], "\(ended.error)")
        }

        private func archive() throws -> String {
            let ended = try create("--max-snapshot-age", "36500d")
            try #require(ended.status == 0, "\(ended.error)")
            return try #require(try json(ended)["path"] as? String)
        }

        private func sum(_ path: String) throws -> String {
            String(try require(["/usr/bin/sha256sum", path]).prefix(64))
        }

        private func truth() throws -> [String: Int] {
            let path = "\(Tools.package)/Tests/Fixtures/\(Self.fixture).truth.json"
            return try JSONDecoder().decode([String: Int].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        }

        private func etcdctl(_ arguments: String...) throws -> String {
            try require(["/usr/bin/env", "ETCDCTL_API=3", "etcdctl"] + arguments)
        }

        @Test func `a backup says from when its snapshot is, and is partial when that is long ago`() throws {
            let before = try TreePicture("\(source)/server")
            let ended = try create()
            #expect(ended.status == 3)
            let reason = try #require((try json(ended)["reasons"] as? [String])?.first)
            #expect(reason.hasPrefix("the etcd snapshot on-demand-red-0-1795347441 is "), "\(reason)")
            #expect(reason.contains(" old, more than 1 h: what changed since is missing"))
            let datastore = try #require(try json(ended)["datastore"] as? [String: Any])
            let etcd = try #require(datastore["etcd"] as? [String: Any])
            #expect(datastore["driver"] as? String == "etcd")
            #expect(etcd["takenAt"] as? String == "2026-11-22T11:37:21Z")
            #expect(etcd["takenAtSource"] as? String == "file name")
            let expected = try truth()
            #expect(etcd["hash"] as? Int == expected["hash"] && etcd["totalKeys"] as? Int == expected["totalKey"])
            #expect((datastore["window"] as? [String: Any])?["maxRevision"] as? Int == expected["revision"])
            let token = try json(ended)["token"] as? [String: Any]
            #expect(token?["isProven"] as? Bool == true)
            #expect(try TreePicture("\(source)/server") == before, "a backup changes nothing")
        }

        @Test func `the archive is verified, drilled and opened by other programs`() throws {
            let archive = try archive()
            for verb in [["verify", "--deep"], ["drill"]] {
                try require([Tools.daytwo, "backup"] + verb + [archive])
            }
            try require(["/usr/bin/env", "tar", "--zstd", "-xf", archive, "-C", place.path])
            let folder = String((archive as NSString).lastPathComponent.dropLast(".tar.zst".count))
            try require(["/bin/sh", "-c", "cd \(place[folder]) && sha256sum -c --quiet SHA256SUMS"])
            #expect(try sum("\(place[folder])/datastore/etcd.snapshot") == sum("\(source)/server/\(Self.snapshot)"))
            let listed = try require([Tools.daytwo, "backup", "ls", "--objects", "-o", "json", archive])
            #expect(listed.contains("\"/registry/namespaces/kube-system\""))
            let shown = try require([Tools.daytwo, "backup", "cat", "--object", "namespace kube-system", archive])
            #expect(shown.contains("\"uid\":\"839a51e4-604e-4f8d-ad7c-dc6a2fd96707\""))
        }

        @Test func `a zip file is the same snapshot, and one that is cut is passed over`() throws {
            let snapshots = "\(source)/server/db/snapshots"
            let script = """
                import sys, zipfile
                with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z: z.write(sys.argv[2], sys.argv[3])
                """
            let plain = "\(source)/server/\(Self.snapshot)"
            let zipped = "\(snapshots)/etcd-snapshot-red-0-1795347500.zip"
            try require(["/usr/bin/env", "python3", "-c", script, zipped, plain, "etcd-snapshot-red-0-1795347500"])
            let whole = try create("--max-snapshot-age", "36500d")
            #expect(whole.status == 0, "\(whole.error)")
            let etcd = (try json(whole)["datastore"] as? [String: Any])?["etcd"] as? [String: Any]
            #expect(etcd?["file"] as? String == "etcd-snapshot-red-0-1795347500.zip")
            #expect(etcd?["takenAt"] as? String == "2026-11-22T11:38:20Z")
            #expect(etcd?["hash"] as? Int == (try truth()["hash"]))
            try require(["/usr/bin/truncate", "-s", "-100", zipped])
            let cut = try create("--max-snapshot-age", "36500d")
            #expect(cut.status == 0, "\(cut.error)")
            let used = (try json(cut)["datastore"] as? [String: Any])?["etcd"] as? [String: Any]
            #expect(used?["file"] as? String == "on-demand-red-0-1795347441")
            #expect(
                (used?["passedOver"] as? [String])?.first?.hasPrefix("etcd-snapshot-red-0-1795347500.zip (") == true)
            // The one that is named is taken, or nothing is.
            #expect(try create("--etcd-snapshot", zipped).status == 5)
        }

        @Test(.enabled(if: Tools.hasEtcd))
        func `a restore stages what etcd restores from, and is done when that has happened`() throws {
            let archive = try archive()
            try createDirectory(place["new"])
            let run = try restore("run", archive, place["new"], "--yes", "-o", "json")
            #expect(run.status == 9, "\(run.error)")
            #expect(try json(run)["state"] as? String == "rebuilding")
            let staged = try #require(
                try directoryNames("\(place["new"])/server/db/snapshots").first.map {
                    "\(place["new"])/server/db/snapshots/\($0)"
                })
            let command = try #require(try json(run)["rebuildCommand"] as? String)
            #expect(
                command
                    == "k3s server --data-dir \(place["new"]) --cluster-reset --cluster-reset-restore-path=\(staged)")
            #expect(try sum(staged) == sum("\(source)/server/\(Self.snapshot)"))
            let status = try JSONDecoder().decode(
                [String: Int].self, from: Data(try etcdctl("snapshot", "status", "-w", "json", staged).utf8))
            #expect(status == (try truth()))

            // A k3s that is started before takes SQLite, which must not be able to make a database.
            let database = "\(place["new"])/server/db/state.db"
            #expect(try execute(["/usr/bin/env", "sqlite3", database, "CREATE TABLE kine(id)"]).status != 0)
            #expect(try restore("resume", nil, place["new"]).status == 9)
            // Another plan can be made meanwhile; what guards the directory is no link of somebody's.
            #expect(try restore("plan", archive, place["new"], "--detailed-exitcode").status == 2)

            // Another etcd in that place is noticed.
            let member = "\(place["new"])/server/db/etcd"
            let other = try Etcd(member, place)
            try other.stop()
            let notIt = try restore("resume", nil, place["new"])
            #expect(notIt.status == 9 && notIt.error.contains("is not the one of the backup"), "\(notIt.error)")
            try removeTree(member)

            // What k3s does: etcd's own restore, into db/etcd.
            _ = try etcdctl("snapshot", "restore", staged, "--data-dir", member)
            let server = try Etcd(member, place)
            let keys = try server.client("get", "", "--prefix", "--keys-only")
            #expect(keys.split(separator: "\n").count == 1511)
            #expect(try restore("rollback", nil, place["new"], "--yes").status == 4, "it runs")
            try server.stop()
            // k3s leaves it, and would refuse to reset again.
            let flag = "\(place["new"])/server/db/reset-flag"
            #expect(FileManager.default.createFile(atPath: flag, contents: nil))
            let resumed = try restore("resume", nil, place["new"])
            #expect(!FileManager.default.fileExists(atPath: flag))
            #expect(resumed.status == 0, "\(resumed.error)")
            #expect(try FileStatus.ifPresent(database) == nil)
            #expect(try restore("list", nil, place["new"]).output.contains(" done "))
        }

        @Test(.enabled(if: Tools.hasEtcd))
        func `the old set comes back byte for byte, and an etcd that runs is never touched`() throws {
            let archive = try archive()
            let member = "\(source)/server/db/etcd"
            _ = try etcdctl("snapshot", "restore", "\(source)/server/\(Self.snapshot)", "--data-dir", member)
            let server = try Etcd(member, place)
            let refused = try restore("run", archive, source, "--yes")
            #expect(refused.status == 4 && refused.error.contains("a k3s runs on"), "\(refused.error)")
            try server.stop()
            let before = try TreePicture("\(source)/server")
            let run = try restore("run", archive, source, "--yes", "--discard-old")
            #expect(run.status == 9, "\(run.error)")
            #expect(try FileStatus.ifPresent(member) == nil)
            #expect(try restore("rollback", nil, source, "--yes").status == 0)
            #expect(try TreePicture("\(source)/server").differences(before) == [])
        }
    }
}

/// A real etcd on a member directory. It listens on sockets that are named relative to a directory of its own.
final class Etcd {
    private static let client = "unix://client:1"
    private let process: Running
    private let directory: String

    init(_ member: String, _ place: Scratch) throws {
        let directory = place["etcd-\(UUID().uuidString.prefix(6))"]
        try createDirectory(directory)
        self.directory = directory
        process = try Running(
            [
                "/usr/bin/env", "etcd", "--data-dir", member, "--listen-client-urls", Self.client,
                "--advertise-client-urls", Self.client, "--listen-peer-urls", "unix://peer:1", "--logger", "zap",
            ], in: directory)
        for _ in 0..<600 where process.isRunning {
            if try etcdctl(["endpoint", "health"]).status == 0 { return }
            usleep(50_000)
        }
        try stop()
        try #require(Bool(false), "etcd does not answer: \(process.output)")
    }

    deinit { process.kill() }

    private func etcdctl(_ arguments: [String]) throws -> Ended {
        try execute(
            ["/usr/bin/env", "ETCDCTL_API=3", "etcdctl", "--endpoints", Self.client] + arguments, in: directory)
    }

    func client(_ arguments: String...) throws -> String {
        let ended = try etcdctl(arguments)
        try #require(ended.status == 0, "\(arguments): \(ended.error)")
        return ended.output
    }

    /// Puts the bytes of a file under a key.
    func put(_ key: String, _ file: String) throws {
        let command = "ETCDCTL_API=3 etcdctl --endpoints \(Self.client) put \(key) < \(file)"
        let ended = try execute(["/bin/sh", "-c", command], in: directory)
        try #require(ended.status == 0, "\(ended.error)")
    }

    func stop() throws { process.kill() }
}
