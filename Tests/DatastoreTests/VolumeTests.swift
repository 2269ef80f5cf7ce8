import Failures
import Files
import Foundation
import GRDB
import Testing

@testable import Datastore

@Suite("Volumes that are newer than a backup")
struct VolumeTests {
    private struct Later: Decodable {
        let keys: [String]
        let others: [String: Int]
    }

    private struct Verdict: Decodable {
        let keys: [String]
        let problems: [String]
    }

    /// A server's database and the copy that a backup made of it before.
    private struct Pair {
        let folder: TemporaryFolder
        let replaced: String
        let base: String
        let restored: String
        let later: Later

        init(_ name: String) throws {
            folder = try TemporaryFolder()
            let result = try run("tar", ["--zstd", "-xf", "\(fixtureFolder)/\(name).tar.zst", "-C", folder.path])
            try #require(result.status == 0, "\(result.output)")
            replaced = "\(folder.path)/\(name)/server/db/state.db"
            base = "\(folder.path)/base.db"
            restored = "\(folder.path)/restored.db"
            try #require(try python(["volumes.py", "before", replaced]).status == 0)
            let snapshot = try KineSnapshotter(path: replaced, options: SnapshotOptions(now: uptime))
                .take(scratchDirectory: folder.path)
            for path in [base, restored] { try copy(snapshot.file, to: path) }
            let after = try python(["volumes.py", "after", replaced])
            later = try JSONDecoder().decode(Later.self, from: Data(after.output.utf8))
        }

        func survey(_ outcome: NewerVolume.Outcome = .carriedOver) throws -> VolumeSurvey {
            try VolumeSurvey(
                replaced: KineFile(path: replaced), restored: KineFile(path: restored), outcome: outcome)
        }

        func bumped() throws -> RevisionBump {
            let bump = RevisionBump(
                above: try KineFile(path: replaced).newestRevision(),
                backup: try KineFile(path: restored).newestRevision())
            try bump.apply(toDatabaseAt: restored)
            return bump
        }

        func verdict(_ bump: RevisionBump) throws -> Verdict {
            let judged = try python(["volumes.py", "judge", base, replaced, restored, String(bump.revision)])
            try #require(judged.status == 0, "\(judged.output)")
            return try JSONDecoder().decode(Verdict.self, from: Data(judged.output.utf8))
        }

        func remove() { folder.remove() }
    }

    private static let fixtures = ["k3s-1.21.2-sqlite", "k3s-1.20.8-sqlite-secrets-encrypted"]

    @Test("come along as rows that kine could have written", arguments: fixtures)
    func carriedOver(name: String) throws {
        let pair = try Pair(name)
        defer { pair.remove() }
        let bump = try pair.bumped()
        let volumes = try pair.survey().volumes
        #expect(volumes.map(\.key) == pair.later.keys)
        let rows = try VolumeCarryOver(volumes).apply(from: KineFile(path: pair.replaced), toDatabaseAt: pair.restored)
        let verdict = try pair.verdict(bump)
        #expect(verdict.problems == [])
        #expect(verdict.keys == pair.later.keys && rows.map(\.key) == pair.later.keys)
        #expect(rows.map(\.revision) == rows.map(\.revision).sorted() && rows.first?.revision == bump.revision + 1)
        try KineFile(path: pair.restored).checkIntegrity()
        #expect(try pair.survey().volumes == [], "nothing is newer any more")
    }

    private static func owner(_ name: String, _ uid: String) -> [UInt8] {
        var bytes = ObjectsSamples.field(1, "Kind")
        bytes += ObjectsSamples.field(3, name)
        bytes += ObjectsSamples.field(4, uid)
        return bytes
    }

    /// A claim with these owners as protobuf.
    private static func claim(_ owners: [[UInt8]]) -> [UInt8] {
        var metadata = ObjectsSamples.field(1, "sealed")
        metadata += ObjectsSamples.field(3, "default")
        metadata += ObjectsSamples.field(5, "o2")
        for owner in owners { metadata += ObjectsSamples.field(13, owner) }
        var object = ObjectsSamples.field(1, metadata)
        object += ObjectsSamples.field(2, ObjectsSamples.field(3, "pv-x"))
        var value = Array("k8s\0".utf8)
        value += ObjectsSamples.field(1, ObjectsSamples.field(1, "v1"))
        value += ObjectsSamples.field(2, object)
        return value
    }

    @Test("leave owners behind that the backup does not have: whoever collects garbage would delete them")
    func owners() throws {
        let pair = try Pair(Self.fixtures[0])
        defer { pair.remove() }
        let alive = "/registry/serviceaccounts/default/default"
        let states = try KineFile(path: pair.restored).keyStates { $0 == alive }
        let revision = try #require(states.newest[alive]?.revision)
        let value = try #require(try KineFile(path: pair.restored).value(at: revision))
        let uid = try #require(ObjectMetadata(decoding: value).uid)
        let json = """
            {"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{"name":"owned","namespace":"default","uid":"o1",\
            "ownerReferences":[{"apiVersion":"v1","kind":"ServiceAccount","name":"default","uid":"\(uid)"},\
            {"apiVersion":"apps/v1","kind":"StatefulSet","name":"db","uid":"gone"}]},"spec":{}}
            """
        let (lasting, lost) = (Self.owner("default", uid), Self.owner("db", "gone"))
        let connection = try DatabaseQueue(path: pair.replaced)
        try connection.write { db in
            for (name, value) in [("owned-text", Array(json.utf8)), ("owned-bytes", Self.claim([lost, lasting]))] {
                try db.execute(
                    sql:
                        "INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value) VALUES (?, 1, 0, 0, 0, 0, ?)",
                    arguments: ["/registry/persistentvolumeclaims/default/\(name)", Data(value)])
            }
        }
        try connection.close()
        _ = try pair.bumped()
        let volumes = try pair.survey().volumes
        let rows = try VolumeCarryOver(volumes).apply(from: KineFile(path: pair.replaced), toDatabaseAt: pair.restored)
        func carried(_ name: String) throws -> [UInt8] {
            let row = try #require(rows.first { $0.key.hasSuffix("/default/\(name)") })
            return try #require(try KineFile(path: pair.restored).value(at: row.revision))
        }
        let owned = String(decoding: try carried("owned-text"), as: UTF8.self)
        #expect(owned.contains(uid) && !owned.contains("gone"), "\(owned)")
        #expect(try carried("owned-bytes") == Self.claim([lasting]))
        #expect(try pair.survey().volumes == [], "nothing is newer any more")
    }

    @Test("bring their namespace along where the one in the backup was being deleted, and would take them with it")
    func dyingNamespace() throws {
        let pair = try Pair(Self.fixtures[0])
        defer { pair.remove() }
        let key = "/registry/namespaces/later"
        let dying = """
            {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"later","uid":"dying",\
            "deletionTimestamp":"2026-11-22T12:00:00Z"},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Terminating"}}
            """
        let connection = try DatabaseQueue(path: pair.restored)
        try connection.write { db in
            try db.execute(
                sql:
                    "INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value) VALUES (?, 1, 0, 0, 0, 0, ?)",
                arguments: [key, Data(dying.utf8)])
        }
        try connection.close()
        _ = try pair.bumped()
        let volumes = try pair.survey().volumes
        let namespace = try #require(volumes.first { $0.key == key })
        #expect(namespace.replacedUID == "dying" && namespace.remarks.first?.contains("being deleted") == true)
        let rows = try VolumeCarryOver(volumes).apply(from: KineFile(path: pair.replaced), toDatabaseAt: pair.restored)
        let revision = try #require(rows.first { $0.key == key }?.revision)
        let value = try #require(try KineFile(path: pair.restored).value(at: revision))
        let metadata = ObjectMetadata(decoding: value)
        #expect(metadata.deletionTimestamp == nil && metadata.uid == namespace.uid && metadata.uid != "dying")
        #expect(try pair.survey().volumes == [], "nothing is newer any more")
    }

    @Test("are named with what belongs to them")
    func named() throws {
        let pair = try Pair(Self.fixtures[0])
        defer { pair.remove() }
        let survey = try pair.survey()
        #expect(survey.others == pair.later.others)
        func find(_ name: String) throws -> NewerVolume { try #require(survey.volumes.first { $0.name == name }) }
        let data = try find("data")
        #expect(data.kind == .claim && data.namespace == "later" && data.volumeName == "pv-later" && data.remarks == [])
        #expect(data.uid?.hasPrefix("0b0c1b1e-0000-4000-8000-") == true && data.outcome == .carriedOver)
        #expect(try find("pv-later").remarks == [] && find("pv-later").volumeName == "pv-later")
        #expect(try find("later").kind == .namespace)
        #expect(try find("lone").remarks == ["its volume pv-old stays as it is in the backup"])
        #expect(try find("pv-pending").remarks == ["its claim default/pending stays as it is in the backup"])
        #expect(try find("as-json").volumeName == "pv-nowhere")
        #expect(try find("as-json").remarks == ["its volume pv-nowhere is not in the replaced datastore"])
        let again = try find("again")
        #expect(again.replacedUID != nil && again.replacedUID != again.uid && again.volumeName == "pv-again-2")
        #expect(try find("gone").replacedUID == nil)
        let sealed = try find("sealed")
        #expect(
            sealed.uid == nil && sealed.remarks.first?.hasPrefix("its value is encrypted:aescbc:v1:aescbckey") == true)
    }

    @Test("are not copied where they are to be lost")
    func dropped() throws {
        let pair = try Pair(Self.fixtures[0])
        defer { pair.remove() }
        let bump = try pair.bumped()
        let survey = try pair.survey(.lost)
        #expect(survey.volumes.map(\.key) == pair.later.keys.filter { !$0.contains("/namespaces/") })
        #expect(survey.volumes.allSatisfy { $0.outcome == .lost })
        let rows = try VolumeCarryOver(survey.volumes)
            .apply(from: KineFile(path: pair.replaced), toDatabaseAt: pair.restored)
        let verdict = try pair.verdict(bump)
        #expect(rows == [] && verdict.keys == [] && verdict.problems == [])
    }

    @Test("are all copied or none")
    func allOrNone() throws {
        let pair = try Pair(Self.fixtures[0])
        defer { pair.remove() }
        let bump = try pair.bumped()
        var volumes = try pair.survey().volumes
        volumes[volumes.count - 1].key += "-unknown"
        let failure = #expect(throws: Failure.self) {
            try VolumeCarryOver(volumes).apply(from: KineFile(path: pair.replaced), toDatabaseAt: pair.restored)
        }
        #expect(failure?.code == .refused)
        let verdict = try pair.verdict(bump)
        #expect(verdict.keys == [] && verdict.problems == [])
    }

    @Test("are not guessed from a database whose table is damaged")
    func damaged() throws {
        let pair = try Pair(Self.fixtures[0])
        defer { pair.remove() }
        try #require(try python(["volumes.py", "corrupt", pair.replaced]).status == 0)
        // Its indexes are whole: whoever believes them sees nothing wrong.
        _ = try KineFile(path: pair.replaced).newestRevision()
        #expect(throws: Failure.self) { try pair.survey() }
    }
}
