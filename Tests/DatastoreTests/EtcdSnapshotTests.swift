import Datastore
import Failures
import Files
import Foundation
import Testing

@Suite("etcd snapshots", .timeLimit(.minutes(1)))
struct EtcdSnapshotTests {
    static let bytes = Result {
        try ObjectsFixtures.bytes("k3s-1.21.2-etcd", "server/db/snapshots/on-demand-red-0-1795347441")
    }

    private func liveKeys(_ snapshot: EtcdSnapshot) throws -> [(key: String, revision: Int64, size: Int)] {
        var keys: [(key: String, revision: Int64, size: Int)] = []
        try snapshot.forEachLiveKey { live throws(Failure) in
            keys.append((String(decoding: live.key, as: UTF8.self), live.revision, live.value.count))
        }
        return keys
    }

    @Test func `the status is that of etcdutl`() throws {
        let snapshot = try EtcdSnapshot(MemorySource(try Self.bytes.get()))
        let status = try snapshot.status()
        let truth = try ObjectsFixtures.truth("k3s-1.21.2-etcd")
        #expect(status.hash == truth["hash"] as? UInt32)
        #expect(status.revision == truth["revision"] as? Int64)
        #expect(status.totalKey == truth["totalKey"] as? Int)
        #expect(status.totalSize == truth["totalSize"] as? Int64)
        #expect(status.version == nil)
        #expect(snapshot.hasChecksum)
        try snapshot.verifyChecksum()
    }

    @Test func `live keys are those that an independent walk finds`() throws {
        let snapshot = try EtcdSnapshot(MemorySource(try Self.bytes.get()))
        let keys = try liveKeys(snapshot)
        #expect(keys.map(\.key) == keys.map(\.key).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
        let printed = try ObjectsFixtures.run(
            "zstd", "-dqc", ObjectsFixtures.root.appendingPathComponent("objects/k3s-1.21.2-etcd.keys.zst").path)
        let expected = String(decoding: printed, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(keys.map { "\($0.key) \($0.revision) \($0.size)" } == expected)
        let window = try snapshot.history().window
        #expect(window.maxRevision == 3143 && window.compactRevision == 2563)
    }

    @Test func `live values give object lines`() throws {
        let snapshot = try EtcdSnapshot(MemorySource(try Self.bytes.get()))
        var writer = ObjectLineWriter()
        var lines: [UInt8] = []
        try snapshot.forEachLiveKey { live throws(Failure) in
            writer.append(key: live.key, revision: live.revision, value: live.value, to: &lines)
        }
        #expect(writer.problemCount == 0)
        let pods = try lines.split(separator: UInt8(ascii: "\n")).map { try ObjectLine(parsing: Array($0)) }
            .filter { $0.kind == "Pod" }
        #expect(pods.count > 50)
        #expect(pods.allSatisfy { $0.uid != nil && $0.namespace != nil })
    }

    @Test func `the token opens the bootstrap row of embedded etcd`() throws {
        let snapshot = try EtcdSnapshot(MemorySource(try Self.bytes.get()))
        var rows: [(key: String, value: [UInt8])] = []
        try snapshot.forEachLiveKey { live throws(Failure) in
            let key = String(decoding: live.key, as: UTF8.self)
            if key.hasPrefix("/bootstrap/") { rows.append((key, Array(live.value))) }
        }
        let proof = BootstrapProof(token: try IdentityBootstrapTests.token("k3s-1.21.2-etcd"), rows: rows)
        let opening = try IdentityBootstrapTests.opening(proof)
        #expect(opening.key == "/bootstrap/c338c8b927be" && opening.password == .token)
        #expect(opening.tokenIsServersPassword == true && opening.tokenMatchesCA == true)
        let files = try IdentityFile.allCases.reduce(into: [IdentityFile: [UInt8]]()) {
            $0[$1] = try ObjectsFixtures.bytesIfThere("k3s-1.21.2-etcd", "server/" + $1.path)
        }
        #expect(IdentitySet(contents: opening.contents) { files[$0] }.state == .complete)
    }

    @Test func `a flipped bit anywhere is found by the checksum`() throws {
        let bytes = try Self.bytes.get()
        var random = ObjectsRandom(state: 3)
        for _ in 0..<5 {
            var changed = bytes
            changed[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            #expect(throws: Failure.self) { try EtcdSnapshot(MemorySource(changed)).verifyChecksum() }
        }
        let raw = try EtcdSnapshot(MemorySource(Array(bytes.dropLast(32))))
        #expect(!raw.hasChecksum)
        #expect(throws: Failure.self) { try raw.verifyChecksum() }
        #expect(try raw.status().revision == 3143)
    }

    @Test func `a file that is cut off, or none, is refused`() throws {
        let bytes = try Self.bytes.get()
        for count in [0, 1, 31, 32, 80, 4096, 4176, 8192, 12288, bytes.count / 2, bytes.count - 4096, bytes.count - 33]
        {
            #expect(throws: Failure.self, "\(count)") {
                try EtcdSnapshot(MemorySource(Array(bytes.prefix(count)))).status()
            }
        }
    }
}
