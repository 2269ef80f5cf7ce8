import Failures
import Files
import Foundation
import Stores
import Testing

@Suite struct NamingTests {
    @Test(arguments: [
        "", ".", "..", ".hidden", "a/b", "a\0b", "a\nb", "a\u{7F}b", "a\u{202E}b", "\u{2028}",
        String(repeating: "x", count: 201), String(repeating: "é", count: 101),
    ])
    func hostileNamesAreRefused(name: String) {
        #expect(failure { _ = try ClusterPath(local: name) }.code == .usage)
        #expect(failure { _ = try ClusterPath(host: name, namespace: "a", name: "b") }.code == .usage)
        #expect(failure { _ = try ClusterPath(host: "a", namespace: name, name: "b") }.code == .usage)
        #expect(failure { _ = try ClusterPath(host: "a", namespace: "b", name: name) }.code == .usage)
        _ = failure { _ = try ArchiveName(name: name, createdAt: noon, id: randomID()) }
    }

    @Test(arguments: ["blue", "a_b_c", "20261122T110000Z", "ünïcode", String(repeating: "x", count: 200)])
    func namesGoThereAndBack(name: String) throws {
        for encrypted in [false, true] {
            let built = try ArchiveName(name: name, createdAt: noon, id: randomID(), isEncrypted: encrypted)
            #expect(ArchiveName(parsing: built.fileName) == built)
            #expect(built.fileName.utf8.count + ".events".utf8.count <= 255)
        }
        #expect(try ClusterPath(local: name).description == "local/" + name)
    }

    @Test func aClusterIsNamedByAsMuchAsIsNeeded() throws {
        let known = try [
            ClusterPath(local: "blue"), ClusterPath(local: "red"),
            ClusterPath(host: "a", namespace: "team", name: "blue"),
            ClusterPath(host: "b", namespace: "team", name: "green"),
            ClusterPath(host: "c", namespace: "team", name: "green"),
            ClusterPath(host: "a", namespace: "local", name: "blue"),
        ]
        func named(_ text: String) throws -> String? { try ClusterPath.named(text, among: known)?.description }
        #expect(try named("red") == "local/red" && named("team/blue") == "a/team/blue")
        #expect(try named("local/blue") == "local/blue", "a whole path is meant as it stands")
        #expect(try named("b/team/green") == "b/team/green")
        #expect(try named("gold") == nil && named("team/gold") == nil && named("") == nil)
        let several = failure { _ = try named("blue") }
        #expect(several.code == .usage && several.why == "a/local/blue, a/team/blue, local/blue")
        #expect(failure { _ = try named("team/green") }.code == .usage)
    }

    @Test func theFormIsTheDocumentedOne() throws {
        let id = "1f2e3d4c5b6a79880123456789abcdef"
        let name = try ArchiveName(name: "blue", createdAt: noon.addingTimeInterval(0.9), id: id)
        #expect(name.fileName == "blue_20261122T110000Z_1f2e3d4c.tar.zst")
        #expect(name.stem == "blue_20261122T110000Z_1f2e3d4c")
        let encrypted = try ArchiveName(name: "blue", createdAt: noon, id: id, isEncrypted: true)
        #expect(encrypted.fileName == "blue_20261122T110000Z_1f2e3d4c.tar.zst.age")
        #expect(failure { _ = try ArchiveName(name: "blue", createdAt: noon, id: "short") }.code == .failed)
        _ = failure { _ = try ArchiveName(name: "blue", createdAt: .distantFuture + 1e12, id: id) }
    }

    @Test(arguments: [
        "blue_20261122T110000Z_1f2e3d4c.tar", "blue_20261122T110000Z_1f2e3d4.tar.zst",
        "blue_20261122T110000Z_1F2E3D4C.tar.zst", "blue_20260230T110000Z_1f2e3d4c.tar.zst",
        "blue_20261122T250000Z_1f2e3d4c.tar.zst", "_20261122T110000Z_1f2e3d4c.tar.zst", ".tar.zst",
        "blue_20261122T110000_1f2e3d4c.tar.zst", ".blue_20261122T110000Z_1f2e3d4c.tar.zst", "blue.tar.zst",
        "blue_20261122T110000+01_1f2e3d4c.tar.zst",
    ])
    func otherFormsAreNone(fileName: String) {
        #expect(ArchiveName(parsing: fileName) == nil)
    }

    @Test(arguments: [
        ("2026-11-22T11:00Z", 0.0), ("2026-11-22T11:00:30Z", 30), ("2026-11-22T12:00+01:00", 0),
        ("2026-11-22T12:00:05+0100", 5), ("2026-11-22T05:30-05:30", 0),
    ])
    func timesAreReadAsPeopleWriteThem(text: String, offset: Double) throws {
        #expect(try UTCTime.parse(written: text) == noon.addingTimeInterval(offset))
    }

    @Test(arguments: [
        "", "yesterday", "2026-11-22", "2026-11-22T11:00", "2026-02-30T11:00Z", "2026-11-22T25:00Z",
        "2026-11-22T11:00Zjunk", "2026-11-22T11:00+1", "2026-11-22T11:00+15:00", "2026-11-22T11:00:00.5Z",
    ])
    func otherTimesAreRefusedWithAnExample(text: String) {
        let failure = failure { _ = try UTCTime.parse(written: text) }
        #expect(failure.code == .usage)
        #expect(failure.next?.contains("2026-11-22T11:00Z") == true)
    }
}

@Suite(.timeLimit(.minutes(1))) struct SelectorTests {
    let scratch: Scratch
    let store: DirectoryStore
    let first: Sample
    let second: Sample

    init() throws {
        scratch = try Scratch()
        store = try DirectoryStore(scratch["store"], for: .writing)
        first = try Sample(ClusterPath(local: "blue"), id: "aaaa1111" + String(repeating: "0", count: 24))
        second = try Sample(
            ClusterPath(local: "blue"), at: noon.addingTimeInterval(3600),
            id: "aaaa2222" + String(repeating: "0", count: 24))
        try first.store(in: store)
        try second.store(in: store)
    }

    @Test func idsByTheirBeginning() throws {
        #expect(try store.resolve("aaaa1").entry.id == first.id)
        #expect(try store.resolve(second.id).entry.id == second.id)
        let several = failure { _ = try store.resolve("aaaa") }
        #expect(several.code == .usage)
        #expect(several.description.contains(first.location) && several.description.contains(second.location))
        #expect(failure { _ = try store.resolve("bbbb") }.code == .notFound)
        #expect(failure { _ = try store.resolve("") }.code == .usage)
        #expect(failure { _ = try store.resolve("what is this") }.code == .usage)
        #expect(failure { _ = try store.resolve("@latest") }.code == .usage)
    }

    @Test func theNewestAndTheNewestNotAfter() throws {
        #expect(try store.resolve("blue@latest").entry.id == second.id)
        #expect(try store.resolve("local/blue@latest").entry.id == second.id)
        #expect(try store.resolve("blue@2026-11-22T11:59Z").entry.id == first.id)
        #expect(try store.resolve("blue@2026-11-22T12:00Z").entry.id == second.id)
        #expect(try store.resolve("blue@2026-11-22T13:00+01:00").entry.id == second.id)
        #expect(failure { _ = try store.resolve("blue@2026-11-22T10:59Z") }.code == .notFound)
        #expect(failure { _ = try store.resolve("green@latest") }.code == .notFound)
        #expect(failure { _ = try store.resolve("blue@noon") }.code == .usage)
    }

    @Test func oneNameInTwoPlacesIsAmbiguous() throws {
        try Sample(ClusterPath(host: "prod", namespace: "team", name: "blue")).store(in: store)
        let several = failure { _ = try store.resolve("blue@latest") }
        #expect(several.code == .usage)
        #expect(several.description.contains("prod/team/blue") && several.description.contains("local/blue"))
        #expect(try store.resolve("local/blue@latest").entry.id == second.id)
        #expect(try store.resolve("team/blue@latest").entry.cluster?.host == "prod")
        #expect(try store.resolve("prod/team/blue@latest").entry.cluster?.host == "prod")
    }

    @Test func filesByTheirPathInTheStoreOrAnywhere() throws {
        #expect(try store.resolve(first.location).entry.id == first.id)
        #expect(try store.resolve(first.name.fileName).entry.id == first.id)
        let inside = try store.resolve(scratch["store/" + first.location]).entry
        #expect(inside.id == first.id)
        #expect(try read(store.open(inside)) == first.bytes)
        try scratch.write([1, 2, 3], to: "rescued.tar.zst")
        let outside = try store.resolve(scratch["rescued.tar.zst"]).entry
        #expect(outside.record == nil && outside.cluster == nil)
        #expect(try read(store.open(outside)) == [1, 2, 3])
        #expect(failure { _ = try store.resolve(scratch["none.tar.zst"]) }.code == .notFound)
        #expect(failure { _ = try DirectoryStore.entry(ofFileAt: scratch.path) }.code == .refused)
    }

    @Test func aSecondCopyIsTheSameBackup() throws {
        try createDirectory(scratch["store/copies"])
        for ending in [".tar.zst", ".json"] {
            let bytes = try readFile(scratch["store/local/blue/" + first.name.stem + ending], limit: 1 << 20)
            try scratch.write(bytes, to: "store/copies/" + first.name.stem + ending)
        }
        #expect(try store.list().entries.count == 3)
        #expect(try store.resolve("aaaa1").entry.id == first.id)
    }

    @Test func anIncrementWithoutItsParentIsNotSound() throws {
        let sample = try Sample(ClusterPath(local: "blue"), at: noon.addingTimeInterval(7200))
        func store(parent: String) throws {
            var record = try sample.record()
            record.kind = .increment
            record.parent = parent
            let pending = try self.store.begin(sample.cluster, sample.name)
            let sink = pending.sink
            try sample.bytes.withBytes { buffer throws(Failure) in try sink.write(buffer) }
            let entry = try pending.commit(record)
            #expect(entry.record?.parent == parent)
        }
        try store(parent: randomID())
        #expect(try self.store.resolve("blue@latest").entry.id == second.id)
        try self.store.delete(self.store.resolve(sample.id).entry, at: noon, by: "x")
        try store(parent: first.id)
        #expect(try self.store.resolve("blue@latest").entry.id == sample.id)
    }
}
