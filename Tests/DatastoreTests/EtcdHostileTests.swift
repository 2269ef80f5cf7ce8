import Datastore
import Failures
import Files
import Testing

/// Small bbolt files made by hand, good and bad.
@Suite("Hostile etcd snapshots", .timeLimit(.minutes(1)))
struct EtcdHostileTests {
    static func number(_ value: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }

    static func header(_ id: UInt64, _ flags: UInt64, _ count: Int, overflow: UInt64 = 0) -> [UInt8] {
        number(id, 8) + number(flags, 2) + number(UInt64(count), 2) + number(overflow, 4)
    }

    static func meta(_ id: UInt64, root: UInt64, pages: UInt64, transaction: UInt64) -> [UInt8] {
        let body =
            number(0xED0C_DAED, 4) + number(2, 4) + number(1024, 4) + number(0, 4) + number(root, 8) + number(0, 8)
            + number(.max, 8) + number(pages, 8) + number(transaction, 8)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return header(id, 4, 0) + body + number(hash, 8)
    }

    static func leaf(
        _ id: UInt64, _ elements: [(flags: UInt64, key: [UInt8], value: [UInt8])], overflow: UInt64 = 0
    ) -> [UInt8] {
        var heads: [UInt8] = []
        var data: [UInt8] = []
        for (index, element) in elements.enumerated() {
            let position = (elements.count - index) * 16 + data.count
            heads += number(element.flags, 4) + number(UInt64(position), 4) + number(UInt64(element.key.count), 4)
            heads += number(UInt64(element.value.count), 4)
            data += element.key + element.value
        }
        return header(id, 2, elements.count, overflow: overflow) + heads + data
    }

    static func branch(_ id: UInt64, _ children: [UInt64]) -> [UInt8] {
        var heads: [UInt8] = []
        for (index, child) in children.enumerated() {
            heads += number(UInt64((children.count - index) * 16), 4) + number(0, 4) + number(child, 8)
        }
        return header(id, 1, children.count) + heads
    }

    static func padded(_ page: [UInt8]) -> [UInt8] {
        page + [UInt8](repeating: 0, count: max(1, (page.count + 1023) / 1024) * 1024 - page.count)
    }

    static func file(_ pages: [[UInt8]], root: UInt64 = 2) -> [UInt8] {
        let count = pages.reduce(2) { $0 + max(1, ($1.count + 1023) / 1024) }
        var bytes: [UInt8] = []
        for page in [
            meta(0, root: root, pages: UInt64(count), transaction: 2),
            meta(1, root: root, pages: UInt64(count), transaction: 1),
        ] + pages {
            bytes += page + [UInt8](repeating: 0, count: max(1, (page.count + 1023) / 1024) * 1024 - page.count)
        }
        return bytes
    }

    static func revision(_ main: UInt64, deleted: Bool = false) -> [UInt8] {
        number(main, 8).reversed() + [UInt8(ascii: "_")] + [UInt8](repeating: 0, count: 8)
            + (deleted ? [UInt8(ascii: "t")] : [])
    }

    static func entry(_ key: String, _ value: String, _ revision: Int64) -> [UInt8] {
        ObjectsSamples.field(1, key) + ObjectsSamples.field(3, number: revision) + ObjectsSamples.field(5, value)
    }

    static func bucket(_ page: UInt64) -> [UInt8] { number(page, 8) + number(0, 8) }

    private static let history: [(flags: UInt64, key: [UInt8], value: [UInt8])] = [
        (0, revision(2), entry("b", "old", 2)), (0, revision(3), entry("a", "1", 3)),
        (0, revision(4), entry("b", "new", 4)),
        (0, revision(5), entry("gone", "x", 5)), (0, revision(6, deleted: true), entry("gone", "", 0)),
        (0, revision(7), entry("again", "1", 7)), (0, revision(8, deleted: true), entry("again", "", 0)),
        (0, revision(9), entry("again", "2", 9)),
    ]

    static let metaBucket = leaf(
        0,
        [
            (0, Array("finishedCompactRev".utf8), revision(2)), (0, Array("storageVersion".utf8), Array("3.6.0".utf8)),
        ])

    private func live(_ bytes: [UInt8]) throws -> [String] {
        var found: [String] = []
        try EtcdSnapshot(MemorySource(bytes)).forEachLiveKey { live throws(Failure) in
            found.append(
                "\(String(decoding: live.key, as: UTF8.self))=\(String(decoding: live.value, as: UTF8.self))@\(live.revision)"
            )
        }
        return found
    }

    @Test(arguments: [false, true])
    func `deleted and old keys are left out, in pages and inline`(_ isInline: Bool) throws {
        let keys: [UInt8] = isInline ? Self.bucket(0) + Self.leaf(0, Self.history) : Self.bucket(3)
        let root = Self.leaf(
            2,
            [
                (1, Array("key".utf8), keys), (1, Array("meta".utf8), Self.bucket(0) + Self.metaBucket),
            ])
        #expect(root.count <= 1024)
        let bytes = Self.file([root] + (isInline ? [] : [Self.leaf(3, Self.history)]))
        #expect(try live(bytes) == ["a=1@3", "again=2@9", "b=new@4"])
        let snapshot = try EtcdSnapshot(MemorySource(bytes))
        let window = try snapshot.history().window
        #expect(window.compactRevision == 2 && window.maxRevision == 9 && window.rows == 8)
        let status = try snapshot.status()
        #expect(status.totalKey == 10 && status.version == "3.6.0" && status.totalSize == Int64(bytes.count))
    }

    @Test func `the newest whole meta page counts`() throws {
        let old = Self.leaf(2, [(1, Array("key".utf8), Self.bucket(0) + Self.leaf(0, Array(Self.history[..<2])))])
        let new = Self.leaf(3, [(1, Array("key".utf8), Self.bucket(0) + Self.leaf(0, Array(Self.history[..<3])))])
        let pages = Self.file([old, new])
        let older = Self.meta(0, root: 2, pages: 4, transaction: 8)
        let newer = Self.meta(1, root: 3, pages: 4, transaction: 9)
        var bytes = Self.padded(older) + Self.padded(newer) + pages[2048...]
        #expect(try live(bytes) == ["a=1@3", "b=new@4"])
        #expect(try live(Self.padded(newer) + Self.padded(older) + pages[2048...]) == ["a=1@3", "b=new@4"])
        bytes[1024 + 64] ^= 0xFF
        #expect(try live(bytes) == ["a=1@3", "b=old@2"])
        bytes[64] ^= 0xFF
        #expect(throws: Failure.self) { try live(bytes) }
    }

    private func refused(
        _ pages: [[UInt8]], root: UInt64 = 2, _ why: String, _ location: SourceLocation = #_sourceLocation
    ) {
        do {
            _ = try EtcdSnapshot(MemorySource(Self.file(pages, root: root))).status()
            Issue.record("was not refused", sourceLocation: location)
        } catch {
            #expect("\(error)".contains(why), "\(error)", sourceLocation: location)
        }
    }

    @Test func `cycles, wrong pages and overlaps are refused`() {
        let key = Array("key".utf8)
        let root = { (page: UInt64) in Self.leaf(2, [(1, key, Self.bucket(page))]) }
        refused([Self.branch(2, [2])], "used twice")
        refused([root(2)], "used twice")
        refused([root(3), Self.branch(3, [4]), Self.branch(4, [3])], "used twice")
        refused([root(3), Self.branch(3, [4, 4]), Self.leaf(4, [(0, Self.revision(1), [])])], "used twice")
        refused([root(99)], "outside")
        refused([root(1)], "outside")
        refused([root(.max)], "outside")
        refused([root(3), Self.leaf(7, [])], "another page")
        refused([root(3), Self.header(3, 16, 0)], "neither branch nor leaf")
        refused([root(3), Self.header(3, 2, 65535)], "more elements")
        refused([root(3), Self.header(3, 1, 0)], "or none")
        refused([root(3), Self.header(3, 2, 1, overflow: 0xFFFF_FFFF)], "overflow")
        refused([root(3), Self.leaf(3, [], overflow: 1)], "overflow")
        refused([root(3), Self.header(3, 2, 1) + [UInt8](repeating: 0xFF, count: 16)], "past the end")
        refused([root(3), Self.header(3, 1, 1) + [UInt8](repeating: 0xFF, count: 16)], "past the end")
        refused([Self.leaf(2, [(0, key, [])])], "no bucket")
        refused([Self.leaf(2, [(1, key, [1, 2])])], "cut off")
        refused([Self.leaf(2, [(1, key, Self.bucket(0))])], "cut off")
        refused([Self.leaf(2, [(1, key, Self.bucket(0) + Self.branch(0, [3]))])], "no leaf")
        refused([root(3), Self.leaf(3, [(0, Self.revision(2), []), (0, Self.revision(1), [])])], "not in order")
        refused([root(3), Self.leaf(3, [(0, Self.revision(2), []), (0, Self.revision(2), [])])], "not in order")
        refused([root(3), Self.leaf(3, [(0, [1, 2, 3], [])])], "no revision")
        let same = Self.number(0, 4) + Self.number(32, 4) + Self.number(17, 4) + Self.number(700, 4)
        let second = Self.number(0, 4) + Self.number(17, 4) + Self.number(17, 4) + Self.number(700, 4)
        refused([root(3), Self.header(3, 2, 2) + same + second + Self.revision(1) + [1]], "overlap")
    }

    @Test func `a tree of many levels is refused`() {
        var pages = [Self.leaf(2, [(1, Array("key".utf8), Self.bucket(3))])]
        for id in 3..<60 { pages.append(Self.branch(UInt64(id), [UInt64(id + 1)])) }
        pages.append(Self.leaf(60, []))
        refused(pages, "deeper")
    }

    @Test func `changed bytes end in a failure or a result`() throws {
        let root = Self.leaf(
            2,
            [
                (1, Array("key".utf8), Self.bucket(3)), (1, Array("meta".utf8), Self.bucket(0) + Self.metaBucket),
            ])
        let good = Self.file([
            root, Self.branch(3, [4, 5]), Self.leaf(4, Array(Self.history[..<4])),
            Self.leaf(5, Array(Self.history[4...])),
        ])
        #expect(try live(good).count == 3)
        var random = ObjectsRandom(state: 99)
        var failures = 0
        for _ in 0..<4000 {
            var bytes = good
            for _ in 0..<Int(random.next() % 3 + 1) {
                let page = Int(random.next() % 4) + 2
                bytes[page * 1024 + Int(random.next() % 300)] = UInt8(truncatingIfNeeded: random.next() >> 40)
            }
            do {
                _ = try live(bytes)
                let snapshot = try EtcdSnapshot(MemorySource(bytes))
                _ = try snapshot.status()
                _ = try snapshot.newestRevision()
            } catch { failures += 1 }
        }
        #expect(failures > 100)
    }
}
