import Failures
import Testing

@testable import Archive

struct FrameLayoutTests {
    private let options = ArchiveOptions(sharedFrameSize: 1000, ownFrameSize: 4000)

    @Test func smallPartsShareFramesAndLargeOnesHaveTheirOwn() {
        let layout = FrameLayout(
            parts: [500, 500, 1, 9001, 1000, 1, 4000, 600, 400].map { FrameLayout.Part(length: $0) }, options: options)
        #expect(layout.frames == [1000, 1, 4000, 4000, 1001, 1000, 1, 4000, 1000])
        #expect(layout.firstFrames == [0, 0, 1, 2, 5, 6, 7, 8, 8])
    }

    @Test func nothingIsLostBetweenFrames() {
        for seed in 0..<50 as Range<UInt64> {
            let parts = noise(40, seed: seed).map { UInt64($0) * UInt64($0) / 5 + 1 }
            let layout = FrameLayout(parts: parts.map { FrameLayout.Part(length: $0) }, options: options)
            #expect(layout.frames.reduce(0, +) == Int(parts.reduce(0, +)))
            #expect(layout.frames.allSatisfy { 1...4000 ~= $0 })
            #expect(layout.firstFrames.count == parts.count)
        }
    }

    @Test func impossibleOptionsAreRefused() {
        for bad in [
            ArchiveOptions(level: 0), ArchiveOptions(level: 23), ArchiveOptions(sharedFrameSize: 0),
            ArchiveOptions(sharedFrameSize: 2 << 20, ownFrameSize: 1 << 20), ArchiveOptions(ownFrameSize: 1 << 30),
        ] {
            #expect(throws: Failure.self) { try write(contents([]), options: bad) }
        }
    }
}

struct TarHeaderTests {
    @Test(arguments: [
        EntryHeader(path: "a", kind: .file, size: 9 << 30, mode: 0o600, modificationSeconds: 0),
        EntryHeader(path: "a", kind: .file, size: (8 << 30) - 1, mode: 0o600, modificationSeconds: 0),
        EntryHeader(path: "a", kind: .file, size: 8 << 30, mode: 0o600, modificationSeconds: 0),
        EntryHeader(path: "a", kind: .file, size: 1 << 50, mode: 0o600, modificationSeconds: 0),
        EntryHeader(
            path: "a", kind: .file, mode: 0o7777, userID: .max, groupID: .max, modificationSeconds: -1,
            modificationNanoseconds: 1),
        EntryHeader(
            path: "a", kind: .file, mode: 0, modificationSeconds: 1 << 40, modificationNanoseconds: 999_999_999),
        EntryHeader(
            path: String(repeating: "p/", count: 2000) + "e\u{301}", kind: .file, mode: 0, modificationSeconds: 0),
    ])
    func everyHeaderReadsBackAsItWas(header: EntryHeader) throws {
        let codec = TarHeaderCodec()
        let bytes = try codec.encode(header)
        #expect(bytes.count % 512 == 0)
        #expect(try codec.decode(bytes) == header)
        #expect(try codec.encode(header) == bytes)
    }

    @Test func strangeRecordsAreRefused() throws {
        let codec = TarHeaderCodec()
        let header = EntryHeader(
            path: "a", kind: .file, mode: 0o600, modificationSeconds: 0, modificationNanoseconds: 100_000_000)
        let encoded = try codec.encode(header)
        let records = try #require(String(validating: encoded[512..<1024].prefix { $0 != 0 }, as: UTF8.self))
        #expect(records == "13 mtime=0.1\n")
        // What is wrong below is the records alone.
        for good in [records, "9 path=b\n", "9 path=b\n" + records, "10 size=0\n"] {
            _ = try codec.decode(ForgedArchive.header(header, records: good))
        }
        #expect(try codec.decode(ForgedArchive.header(header, records: "9 path=b\n")).path == "b")
        for bad in [
            "22 GNU.sparse.major=1\n", "21 hdrcharset=BINARY\n", "31 SCHILY.xattr.security.ima=x\n",
            "9 path=b\n9 path=b\n",
            "9 path=b", "8 path=b\n", "11 path=b\n", "0 a=\n", "99 path=b\n", "path=b\n", "9 pat\u{0}=b\n",
            "9 path=\u{0}\n",
            " ", "9 path=b\n\n", "12 size=0x0\n", "14 size=1e300\n", "7 uid=\n", "10 gid=-1\n", "14 mtime=1.2x\n",
            "12 mtime=1.\n", "15 mtime=1.2.3\n",
        ] {
            #expect(throws: Failure.self, "\(bad)") {
                let read = try codec.decode(ForgedArchive.header(header, records: bad))
                Issue.record("\(bad.debugDescription) gives \(read)")
            }
        }
        var raw = try ForgedArchive.header(header, records: "9 path=b\n")
        raw[600] = 1
        #expect(throws: Failure.self) { try codec.decode(raw) }
    }
}

struct PathTests {
    @Test func sumsReadBackFromTheirDigits() {
        let sum = SHA256Sum(of: Array("abc".utf8))
        #expect(sum.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA256Sum(hex: sum.hex) == sum)
        for bad in [
            "", "ba78", sum.hex + "00", sum.hex.uppercased(), "g" + sum.hex.dropFirst(), String(sum.hex.dropLast()),
        ] {
            #expect(SHA256Sum(hex: bad) == nil)
        }
    }

    @Test(arguments: ["x", "../x", "../../a/b", "./x", "a/b/c", "../server/tls"])
    func linksThatStayInsideAreFine(target: String) {
        #expect(ArchivePath.fault(inLinkAt: "server/tls/link", target: target) == nil)
    }

    @Test(arguments: ["/x", "../../../x", "a/../b", "../a/..", "", "a\0b"])
    func linksThatLeaveAreNot(target: String) {
        #expect(ArchivePath.fault(inLinkAt: "server/tls/link", target: target) != nil)
    }
}
