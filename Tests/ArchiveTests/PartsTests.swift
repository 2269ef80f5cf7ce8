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

struct JSONTests {
    @Test(arguments: [
        #"{"a":[1,-2.50e+3,1e400,0],"b":{"c":null,"d":true,"e":false},"":"x"}"#, "[]", "{}", "\"é\\n\\u0001\\\"\\\\\"",
        "18446744073709551616",
    ])
    func documentsComeBackAsTheyWere(text: String) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)).serialized() == Array(text.utf8))
    }

    @Test func escapesAreUnderstood() throws {
        let value = try JSONValue(parsing: Array(#" "\u0041\ud83d\ude00\/\b\f\n\r\t" "#.utf8))
        #expect(value == .string("A😀/\u{8}\u{C}\n\r\t"))
    }

    @Test(arguments: [
        "", " ", "{", "[", "\"", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "01", "-", "1.", ".5", "1e",
        "+1", "tru",
        "nul", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"",
        "{\"a\":1,\"a\":2}",
        "{} x", "'a'", "{a:1}", "NaN",
    ])
    func whatIsNoJSONIsRefused(text: String) {
        #expect(throws: Failure.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func badUTF8AndDeepNestingAreRefused() {
        #expect(throws: Failure.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: Failure.self) { try JSONValue(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: Failure.self) { try JSONValue(parsing: deep) }
    }

    @Test func valuesOfOthersGoInAndOut() throws {
        struct Facts: Codable, Equatable {
            var rows: Int
            var byResource: [String: Int]
        }
        let facts = Facts(rows: 1 << 60, byResource: ["pods": 3, "leases/é": 4])
        let value = try JSONValue(encoding: facts)
        #expect(value["rows"] == .integer(1 << 60))
        #expect(try value.decode(Facts.self) == facts)
        #expect(throws: Failure.self) { try JSONValue.array([]).decode(Facts.self) }
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
