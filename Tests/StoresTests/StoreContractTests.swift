import Failures
import Files
import Foundation
import JSONValues
import Stores
import Testing

/// A way to get an empty store of its own. Another kind of store joins the contract as one more case.
enum StoreKind: CaseIterable, CustomTestStringConvertible {
    case directory

    var testDescription: String { "\(self)" }

    func make() throws -> (store: any ArchiveStore, keeping: Scratch) {
        let scratch = try Scratch()
        switch self {
        case .directory: return (try DirectoryStore(scratch["store"], for: .writing), scratch)
        }
    }
}

/// What ``ArchiveStore`` promises, whatever is behind it.
@Suite(.timeLimit(.minutes(2))) struct StoreContractTests {
    let blue: ClusterPath
    let green: ClusterPath

    init() throws {
        blue = try ClusterPath(local: "blue")
        green = try ClusterPath(host: "prod-1", namespace: "team", name: "green")
    }

    @Test(arguments: StoreKind.allCases) func whatIsStoredIsListedAndReadBack(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        #expect(try store.list().entries.isEmpty)
        let newer = try Sample(green, at: noon.addingTimeInterval(60), bytes: (0..<200_000).map { UInt8($0 % 251) })
        let older = try Sample(blue, encrypted: true)
        let stored = try newer.store(in: store)
        try older.store(in: store)
        let catalog = try store.list()
        #expect(catalog.problems.isEmpty)
        #expect(catalog.entries.map(\.location) == [older.location, newer.location])
        #expect(catalog.entries[1] == stored)
        #expect(catalog.entries.map(\.cluster) == [blue, green])
        #expect(catalog.entries.map(\.isEncrypted) == [true, false])
        let expected = try newer.record()
        #expect(catalog.entries[1].record == expected)
        #expect(catalog.entries[1].problems.isEmpty)
        #expect(try read(store.open(stored)) == newer.bytes)
        #expect(try store.list(blue).entries.map(\.id) == [older.id])
        try store.checkStored(stored)
    }

    @Test(arguments: StoreKind.allCases) func nothingIsThereBeforeTheCommitOrWithoutIt(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let sample = try Sample(blue)
        do {
            let pending = try store.begin(sample.cluster, sample.name)
            let sink = pending.sink
            try sample.bytes.withBytes { buffer throws(Failure) in try sink.write(buffer) }
            #expect(try store.list().entries.isEmpty)
            #expect(try store.list().problems.isEmpty)
            #expect(try store.sweep(now: noon).isEmpty)
            if let written = try pending.written() { #expect(try read(written) == sample.bytes) }
        }
        #expect(try store.list().entries.isEmpty)
        #expect(try store.sweep(now: noon).isEmpty)
    }

    @Test(arguments: StoreKind.allCases) func aNameThatIsTakenIsRefused(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let first = try Sample(blue)
        try first.store(in: store)
        let second = try Sample(blue, id: first.id, bytes: [9, 9, 9])
        #expect(failure { try second.store(in: store) }.code == .refused)
        let entries = try store.list().entries
        #expect(entries.count == 1)
        #expect(try read(store.open(entries[0])) == first.bytes)
        let expected = try first.record()
        #expect(entries[0].record == expected)
        #expect(entries[0].problems.isEmpty)
    }

    @Test(arguments: StoreKind.allCases) func aRecordOfOtherBytesIsNotCommitted(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let sample = try Sample(blue)
        let changes: [(inout StoredRecord) throws -> Void] = [
            { $0.size += 1 }, { $0.id = randomID() }, { $0.file = "other.tar.zst" }, { $0.sha256 = "none" },
            { $0.createdAt += 1 }, { $0.identity.cluster = try ClusterPath(local: "green") }, { $0.result = .partial },
            { $0.parent = randomID() },
        ]
        for change in changes {
            var record = try sample.record()
            try change(&record)
            _ = failure {
                let pending = try store.begin(sample.cluster, sample.name)
                let sink = pending.sink
                try sample.bytes.withBytes { buffer throws(Failure) in try sink.write(buffer) }
                _ = try pending.commit(record)
            }
            #expect(try store.list().entries.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases) func manyCommitAtOnce(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let contested = randomID()
        let blue = blue
        let wins = Counter()
        try inThreads(6) { worker in
            for round in 0..<10 {
                // The same second and cluster, ids apart; and once all of them the very same name.
                try Sample(blue, bytes: [UInt8(worker), UInt8(round)]).store(in: store)
                _ = try store.list()
                _ = try store.sweep(now: noon)
            }
            do {
                try Sample(blue, id: contested, bytes: [UInt8(worker)]).store(in: store)
                wins.add()
            } catch let failure as Failure where failure.code == .refused {}
        }
        #expect(wins.value == 1)
        let catalog = try store.list()
        #expect(catalog.problems.isEmpty)
        #expect(catalog.entries.count == 61)
        for entry in catalog.entries {
            #expect(entry.problems.isEmpty)
            try store.checkStored(entry)
        }
    }

    @Test(arguments: StoreKind.allCases) func deletingRemovesAllOfItAndMayBeRepeated(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let entry = try Sample(blue).store(in: store)
        let kept = try Sample(blue).store(in: store)
        try store.appendEvent(StoredEvent(at: noon, what: "pinned", by: "0.1.0"), to: entry)
        for _ in 0..<2 {
            try store.delete(entry, at: noon, by: "0.1.0")
            #expect(try store.list().entries == [kept])
            #expect(try store.list().problems.isEmpty)
        }
        #expect(failure { _ = try store.open(entry) }.code == .notFound)
        #expect(failure { try store.writeRecord(try #require(entry.record), for: entry) }.code == .notFound)
        #expect(
            failure { try store.appendEvent(StoredEvent(at: noon, what: "x", by: "y"), to: entry) }.code == .notFound)
        #expect(try store.events(of: entry).events.isEmpty)
    }

    @Test(arguments: StoreKind.allCases) func eventsAreKeptInOrder(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let entry = try Sample(blue).store(in: store)
        #expect(try store.events(of: entry).events.isEmpty)
        var verified = StoredEvent(at: noon.addingTimeInterval(5), what: "verified", level: .opened, by: "0.1.0")
        verified.other["tool"] = .object([JSONMember("name", .string("x")), JSONMember("ratio", .number("1.5"))])
        let pinned = StoredEvent(at: noon, what: "pinned", by: "0.1.0")
        try store.appendEvent(verified, to: entry)
        try store.appendEvent(pinned, to: entry)
        try store.appendEvent(pinned, to: entry)
        let log = try store.events(of: entry)
        #expect(log.events == [verified, pinned, pinned], "as they came, whatever their clocks said")
        #expect(log.problems.isEmpty)
        #expect(try store.list().entries == [entry])
    }

    @Test(arguments: StoreKind.allCases) func theLastWordOfOneSecondHolds(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let entry = try Sample(blue).store(in: store)
        for turn in 0..<24 {
            let word = turn.isMultiple(of: 2) ? StoredEvent.pinned : StoredEvent.unpinned
            try store.appendEvent(StoredEvent(at: noon, what: word, by: "\(turn)"), to: entry)
            let log = try store.events(of: entry)
            #expect(log.events.map(\.by) == (0...turn).map(String.init))
            #expect(log.pin?.by == (turn.isMultiple(of: 2) ? "\(turn)" : nil))
        }
    }

    @Test func aProofHoldsUntilAFaultIsFound() {
        func event(_ level: StoredEvent.Level, _ result: String = StoredEvent.ok, at second: Double) -> StoredEvent {
            StoredEvent(
                at: noon + second, what: StoredEvent.verified, level: level, result: result, by: "0.1.0")
        }
        var log = EventLog()
        #expect(log.proof == nil && log.fault == nil)
        log.events = [event(.opened, at: 0), event(.stored, at: 1)]
        #expect(log.proof == log.events[0] && log.fault == nil)
        log.events.append(event(.stored, "a flipped bit", at: 2))
        #expect(log.proof == nil && log.fault?.result == "a flipped bit")
        log.events.append(event(.stored, at: 3))
        #expect(log.proof == log.events[3] && log.fault == nil)
    }

    @Test(arguments: StoreKind.allCases) func recordsCanBeWrittenAgainAndKeepWhatIsUnknown(kind: StoreKind) throws {
        let (store, keeping) = try kind.make()
        defer { withExtendedLifetime(keeping) {} }
        let entry = try Sample(green).store(in: store)
        var record = try #require(entry.record)
        record.other["apiVersion"] = .string("daytwo/v1")
        record.other["later"] = .array([.integer(-1), .integer(UInt64.max), .null, .bool(true)])
        record.identity.other["release"] = .string("r")
        record.window = .init(revision: 900, compactRevision: 100, liveKeys: 5)
        record.duration = .milliseconds(1234)
        record.window?.other["rows"] = .integer(7)
        record.result = .partial
        record.reasons = ["no token"]
        try store.writeRecord(record, for: entry)
        #expect(try store.list().entries.first?.record == record)
        record.size += 1
        _ = failure { try store.writeRecord(record, for: entry) }
    }
}

final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func add() { lock.withLock { count += 1 } }
    var value: Int { lock.withLock { count } }
}
