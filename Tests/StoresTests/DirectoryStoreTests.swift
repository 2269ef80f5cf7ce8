import Failures
import Files
import Foundation
import Glibc
import Stores
import Testing

@Suite(.timeLimit(.minutes(1))) struct DirectoryStoreTests {
    let scratch: Scratch
    let blue: ClusterPath

    init() throws {
        scratch = try Scratch()
        blue = try ClusterPath(local: "blue")
    }

    func store() throws -> DirectoryStore { try DirectoryStore(scratch["store"], for: .writing) }

    @Test func aFirstStoreIsMadeAndAMissingDiskIsNot() throws {
        let missing = failure { _ = try DirectoryStore(scratch["store"], for: .reading) }
        #expect(missing.code == .notFound)
        #expect(missing.next?.contains("mkdir -p") == true)
        let disk = failure { _ = try DirectoryStore(scratch["mnt/disk/store"], for: .writing) }
        #expect(disk.code == .notFound)
        #expect(disk.next?.contains("mkdir -p") == true)
        #expect(try directoryNames(scratch.path).isEmpty)
        _ = try DirectoryStore(scratch["store/"], for: .writing)
        _ = try DirectoryStore(scratch["store"], for: .reading)
        #expect(try FileStatus(of: scratch["store"]).mode == 0o700)
        try scratch.write([1], to: "file")
        #expect(failure { _ = try DirectoryStore(scratch["file"], for: .reading) }.code == .refused)
        _ = failure { _ = try DirectoryStore(scratch["file/store"], for: .writing) }
        #expect(failure { _ = try DirectoryStore("", for: .writing) }.code == .usage)
    }

    @Test func aReadOnlyStoreCanBeReadAndNotWritten() throws {
        let sample = try Sample(blue)
        try sample.store(in: try store())
        guard try run("mount", "--bind", scratch["store"], scratch["store"]) == 0 else {
            try Test.cancel("needs the right to mount (root)")
        }
        defer { _ = try? run("umount", scratch["store"]) }
        try #require(try run("mount", "-o", "remount,ro,bind", scratch["store"]) == 0)
        #expect(failure { _ = try DirectoryStore(scratch["store"], for: .writing) }.code == .denied)
        let readable = try DirectoryStore(scratch["store"], for: .reading)
        let entry = try #require(try readable.list().entries.first)
        #expect(try read(readable.open(entry)) == sample.bytes)
        #expect(failure { try readable.delete(entry, at: noon, by: "x") }.code == .denied)
        #expect(try readable.list().entries == [entry])
    }

    @Test func aStoreWithoutPermissionIsDenied() throws {
        guard getuid() != 0 else { try Test.cancel("root is denied nothing") }
        let store = try store()
        let entry = try Sample(blue).store(in: store)
        #expect(chmod(scratch["store"], 0o500) == 0)
        #expect(failure { _ = try DirectoryStore(scratch["store"], for: .writing) }.code == .denied)
        #expect(try DirectoryStore(scratch["store"], for: .reading).list().entries == [entry])
        #expect(chmod(scratch["store/local"], 0) == 0)
        let catalog = try store.list()
        #expect(catalog.entries.isEmpty)
        #expect(catalog.problems.count == 1)
        #expect(chmod(scratch["store/local"], 0o700) == 0)
        #expect(chmod(scratch["store"], 0) == 0)
        #expect(failure { _ = try DirectoryStore(scratch["store"], for: .reading) }.code == .denied)
        #expect(chmod(scratch["store"], 0o700) == 0)
    }

    @Test func filesAreForTheirOwnerAlone() throws {
        let store = try store()
        let entry = try Sample(blue).store(in: store)
        try store.appendEvent(StoredEvent(at: noon, what: "pinned", by: "x"), to: entry)
        let entries = try walkTree(scratch["store"])
        #expect(entries.count == 6)
        for entry in entries { #expect(entry.status.mode == (entry.status.kind == .directory ? 0o700 : 0o600)) }
    }

    @Test func aKilledWriterLeavesNothingToSeeAndIsSwept() throws {
        let store = try store()
        let sample = try Sample(blue)
        // A real process that is really killed, with the lock on its file held until then.
        try createDirectory(scratch["store/local/blue"])
        let partial = ".\(sample.name.fileName).0a1b2c3d.partial"
        try scratch.write(sample.bytes, to: "store/local/blue/" + partial)
        let writer = Process()
        writer.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        writer.arguments = ["--no-fork", scratch["store/local/blue/" + partial], "sleep", "50"]
        guard access("/usr/bin/flock", X_OK) == 0 else { try Test.cancel("needs /usr/bin/flock") }
        try writer.run()
        let file = try FileDescriptor(opening: scratch["store/local/blue/" + partial], O_RDWR)
        while try file.lockExclusive() {
            flock(file.raw, LOCK_UN)
            usleep(1000)
        }
        #expect(try store.list().entries.isEmpty)
        #expect(try store.sweep(now: noon).isEmpty)
        #expect(try scratch.files().count == 1)
        kill(writer.processIdentifier, SIGKILL)
        writer.waitUntilExit()
        #expect(try store.list().entries.isEmpty)
        #expect(try store.sweep(now: noon) == ["local/blue/" + partial])
        #expect(try scratch.files().isEmpty)
    }

    @Test func archivesCopiedByHandAreShown() throws {
        let store = try store()
        let kept = try Sample(blue)
        try kept.store(in: store)
        let copied = try Sample(blue, at: noon.addingTimeInterval(-60))
        try scratch.write([1, 2], to: "store/" + copied.name.fileName)
        try createDirectory(scratch["store/from/the/old/disk"])
        try scratch.write([1, 2, 3], to: "store/from/the/old/disk/renamed.tar.zst")
        let empty = try Sample(blue, at: noon.addingTimeInterval(9))
        try scratch.write([], to: "store/local/blue/" + empty.name.fileName)
        try scratch.write([1], to: "store/notes.json")
        try scratch.write([1], to: "store/README.txt")
        try createDirectory(scratch["store/.snapshots"])
        try scratch.write([1], to: "store/.snapshots/" + copied.name.fileName)
        let catalog = try store.list()
        #expect(catalog.problems.isEmpty)
        let byHand = try #require(catalog.entries.first { $0.location == copied.name.fileName })
        #expect(byHand.id == String(copied.id.prefix(8)))
        #expect(byHand.createdAt == noon.addingTimeInterval(-60))
        #expect(byHand.problems.isEmpty && byHand.record == nil)
        #expect(catalog.entries.count == 4)
        #expect(catalog.entries.first { $0.fileName == "renamed.tar.zst" }?.problems.count == 1)
        #expect(catalog.entries.first { $0.size == 0 }?.problems == ["it is empty"])
        // The newest sound one, not the empty one; and a folder is no name for a file without one.
        let latest = try store.resolve("blue@latest")
        #expect(latest.entry.id == kept.id)
        #expect(latest.passedOver.map(\.size) == [0])
    }

    @Test func cutAndDamagedArchivesSaySo() throws {
        let store = try store()
        let sample = try Sample(blue, bytes: (0..<1000).map { UInt8($0 % 7) })
        let entry = try sample.store(in: store)
        try scratch.write(Array(sample.bytes.dropLast()), to: "store/" + sample.location)
        let cut = try #require(try store.list().entries.first)
        #expect(cut.problems.first?.contains("cut") == true)
        #expect(cut.record != nil)
        #expect(failure { try store.checkStored(cut) }.code == .verificationFailed)
        #expect(failure { _ = try store.open(entry) }.code == .verificationFailed)
        #expect(failure { _ = try store.resolve("blue@latest") }.code == .notFound)
        // Named by its id it is given: whoever wants to save what can be saved.
        #expect(try store.resolve(String(sample.id.prefix(6))).entry == cut)
        var flipped = sample.bytes
        flipped[500] ^= 1
        try scratch.write(flipped, to: "store/" + sample.location)
        let damaged = try #require(try store.list().entries.first)
        #expect(failure { try store.checkStored(damaged) }.code == .verificationFailed)
    }

    @Test func noFlippedBitInARecordStopsTheListOrPassesAsGood() throws {
        let store = try store()
        let sample = try Sample(blue)
        let entry = try sample.store(in: store)
        let good = try #require(entry.record)
        let path = "store/local/blue/\(sample.name.stem).json"
        let bytes = try readFile(scratch[path], limit: 1 << 20)
        for index in bytes.indices {
            // Two of the eight: the case of a letter, and one that changes from byte to byte.
            for bit in Set([5, index % 8]) {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                // Not durably: this happens thousands of times.
                try Data(flipped).write(to: URL(fileURLWithPath: scratch[path]))
                let catalog = try store.list()
                #expect(catalog.entries.count == 1)
                guard let record = catalog.entries[0].record, catalog.entries[0].problems.isEmpty else { continue }
                // What passes is the same record (white space), or differs where only the content can tell.
                var same = record
                same.other = [:]
                same.identity.other = [:]
                same.sha256 = good.sha256
                same.id = good.id
                same.daytwoVersion = good.daytwoVersion
                same.reasons = good.reasons
                #expect(same == good)
                #expect(record.id.hasPrefix(sample.name.shortID))
            }
        }
        let nested = [UInt8](repeating: 0x5B, count: 900_000)
        for junk in [[], Array("{".utf8), Array("[]".utf8), Array("null".utf8), nested] {
            try Data(junk).write(to: URL(fileURLWithPath: scratch[path]))
            #expect(try store.list().entries.first?.problems.count == 1)
        }
        try Data(count: 2 << 20).write(to: URL(fileURLWithPath: scratch[path]))
        #expect(try store.list().entries.first?.problems.count == 1)
    }

    @Test func aRecordOfANewerFormatIsRefusedByName() throws {
        let store = try store()
        let sample = try Sample(blue)
        try sample.store(in: store)
        let path = "store/local/blue/\(sample.name.stem).json"
        let text = String(decoding: try readFile(scratch[path], limit: 1 << 20), as: UTF8.self)
        let newer = text.replacingOccurrences(of: "\"formatVersion\": 1", with: "\"formatVersion\": 2")
        try scratch.write(Array(newer.utf8), to: path)
        let problems = try #require(try store.list().entries.first?.problems)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("formatVersion 2") == true)
    }

    @Test func recordsOfOthersAreNoticed() throws {
        let store = try store()
        let (one, two) = try (Sample(blue), Sample(blue, bytes: [1]))
        try one.store(in: store)
        try two.store(in: store)
        let folder = "store/local/blue/"
        // Somebody renamed an archive together with its record.
        for ending in [".tar.zst", ".json"] {
            #expect(rename(scratch[folder + one.name.stem + ending], scratch[folder + "old" + ending]) == 0)
        }
        #expect(try store.list().entries.first { $0.fileName == "old.tar.zst" }?.problems.isEmpty == false)
        // A record whose archive is gone is no backup.
        #expect(unlink(scratch[folder + two.name.fileName]) == 0)
        let catalog = try store.list()
        #expect(catalog.entries.count == 1)
        #expect(catalog.problems.count == 1)
        #expect(catalog.problems.first?.contains(two.name.stem) == true)
        // And sweeping leaves what nobody began to delete: it is the evidence of a loss.
        #expect(try store.sweep(now: noon).isEmpty)
    }

    @Test func decryptedBesideTheEncryptedIsNoDamage() throws {
        let store = try store()
        let sample = try Sample(blue, encrypted: true)
        try sample.store(in: store)
        try scratch.write([1, 2, 3], to: "store/local/blue/\(sample.name.stem).tar.zst")
        let entries = try store.list().entries
        #expect(entries.count == 2)
        #expect(entries.allSatisfy { $0.problems.isEmpty })
        #expect(entries.filter { $0.record != nil }.map(\.isEncrypted) == [true])
    }

    @Test func aDeletionThatWasKilledIsFinished() throws {
        let store = try store()
        let sample = try Sample(blue)
        let entry = try sample.store(in: store)
        let folder = "store/local/blue/"
        // Killed after the mark: still a backup.
        try store.appendEvent(StoredEvent(at: noon, what: "deleting", by: "x"), to: entry)
        #expect(try store.list().entries == [entry])
        #expect(try store.sweep(now: noon).isEmpty)
        // Killed after the archive went: nothing, and no alarm.
        #expect(unlink(scratch[folder + sample.name.fileName]) == 0)
        #expect(try store.list().entries.isEmpty)
        #expect(try store.list().problems.isEmpty)
        #expect(try !store.sweep(now: noon).isEmpty)
        #expect(try scratch.files().isEmpty)
        #expect(try store.sweep(now: noon).isEmpty)
    }

    @Test func whatCannotBeReadMayBeAPin() throws {
        let store = try store()
        let sample = try Sample(blue)
        let entry = try sample.store(in: store)
        #expect(try !store.events(of: entry).mayBePinned)
        try createDirectory(scratch["store/local/blue/\(sample.name.stem).events"])
        try scratch.write([0xFF], to: "store/local/blue/\(sample.name.stem).events/20261122T110001Z_00000000.json")
        #expect(try store.events(of: entry).mayBePinned && store.events(of: entry).pin == nil)
        try store.appendEvent(StoredEvent(at: noon + 60, what: "unpinned", by: "x"), to: entry)
        #expect(try !store.events(of: entry).mayBePinned)
    }

    @Test func eventsAreInTheirOrderWhateverTheClockSays() throws {
        let store = try store()
        let entry = try Sample(blue).store(in: store)
        for (offset, result) in [(0.0, "ok"), (-180, "damaged"), (-3600, "ok"), (-7200, "worse")] {
            try store.appendEvent(
                StoredEvent(at: noon + offset, what: "verified", level: .stored, result: result, by: "x"), to: entry)
        }
        let log = try store.events(of: entry)
        #expect(log.events.map(\.result) == ["ok", "damaged", "ok", "worse"])
        #expect(log.fault?.result == "worse")
    }

    @Test func aFolderIsOfOneClusterAlone() throws {
        let store = try store()
        let entry = try Sample(blue).store(in: store)
        let below = try ClusterPath(host: "local", namespace: "blue", name: "red")
        try Sample(below).store(in: store)
        #expect(try store.list().entries.count == 2)
        #expect(try store.list(blue).entries == [entry])
        #expect(try store.list(below).entries.map(\.cluster) == [below])
    }

    @Test func damagedEventsAreToldAndStopNothing() throws {
        let store = try store()
        let sample = try Sample(blue)
        let entry = try sample.store(in: store)
        try store.appendEvent(StoredEvent(at: noon, what: "verified", level: .stored, by: "x"), to: entry)
        try scratch.write([0xFF], to: "store/local/blue/\(sample.name.stem).events/20261122T110001Z_00000000.json")
        let log = try store.events(of: entry)
        #expect(log.events.count == 1)
        #expect(log.problems.count == 1)
        #expect(try store.list().entries == [entry])
    }

    @Test func linksInTheStoreAreNotFollowed() throws {
        let store = try store()
        try createDirectory(scratch["elsewhere"])
        let sample = try Sample(blue)
        try scratch.write(sample.bytes, to: "elsewhere/" + sample.name.fileName)
        #expect(symlink("../elsewhere/" + sample.name.fileName, scratch["store/" + sample.name.fileName]) == 0)
        #expect(symlink("../elsewhere", scratch["store/local"]) == 0)
        let catalog = try store.list()
        #expect(catalog.entries.isEmpty)
        #expect(catalog.problems.count == 1)
        // A backup that no list would show is refused instead.
        #expect(failure { try sample.store(in: store) }.code == .refused)
    }

    @Test func aDiskMountedInsideTheStoreBelongsToIt() throws {
        let store = try store()
        try createDirectory(scratch["store/prod"])
        guard try run("mount", "-t", "tmpfs", "daytwo-test", scratch["store/prod"]) == 0 else {
            try Test.cancel("needs the right to mount (root)")
        }
        defer { _ = try? run("umount", scratch["store/prod"]) }
        let mounted = try Sample(ClusterPath(host: "prod", namespace: "a", name: "red"))
        try mounted.store(in: store)
        #expect(try store.list().entries.map(\.location) == [mounted.location])
        try scratch.write([1], to: "store/prod/a/.x.01234567.partial")
        #expect(try store.sweep(now: noon) == ["prod/a/.x.01234567.partial"])
    }

    @Test func aStoreThatWasReplacedIsNotWrittenTo() throws {
        let store = try store()
        #expect(rename(scratch["store"], scratch["moved"]) == 0)
        _ = failure { try Sample(blue).store(in: store) }
        #expect(try directoryNames(scratch.path) == ["moved"])
        try createDirectory(scratch["store"])
        #expect(failure { try Sample(blue).store(in: store) }.description.contains("unmounted or replaced"))
        #expect(try scratch.files().isEmpty)
    }

    @Test func aFullDiskLeavesTheBackupsBeforeAndCanBeCleared() throws {
        try createDirectory(scratch["small"])
        guard try run("mount", "-t", "tmpfs", "-o", "size=512k", "daytwo-test", scratch["small"]) == 0 else {
            try Test.cancel("needs the right to mount a tmpfs (root)")
        }
        defer { _ = try? run("umount", scratch["small"]) }
        let store = try DirectoryStore(scratch["small"], for: .writing)
        let first = try Sample(blue, bytes: [UInt8](repeating: 1, count: 200_000)).store(in: store)
        let full = failure { try Sample(blue, bytes: [UInt8](repeating: 2, count: 400_000)).store(in: store) }
        #expect(full.next?.hasPrefix("Free space") == true)
        #expect(try store.list().entries == [first])
        try store.checkStored(first)
        #expect(try store.sweep(now: noon).isEmpty)
        // Room for the archive and none for its record: the backup is good, and the message says what is missing.
        let free = Int(try #require(try store.freeBytes()))
        let exact = try Sample(blue, at: noon.addingTimeInterval(1), bytes: [UInt8](repeating: 3, count: free))
        let partial = failure { try exact.store(in: store) }
        #expect(partial.code == .partial)
        let entries = try store.list().entries
        #expect(entries.count == 2)
        #expect(entries[1].problems.isEmpty && entries[1].record == nil)
        // Not a byte is free, and deleting still works.
        try store.delete(first, at: noon, by: "x")
        #expect(try store.list().entries.map(\.location) == [exact.location])
        #expect(try store.list().problems.isEmpty)
        try store.writeRecord(try exact.record(), for: entries[1])
        try store.checkStored(try #require(try store.list().entries.first))
    }
}
