import Datastore
import Foundation
import Testing

@Suite("Hostile values", .timeLimit(.minutes(1)))
struct ObjectsHostileTests {
    /// One small value of each kind in the fixture, and some made by hand.
    private static func samples() throws -> [[UInt8]] {
        var byGroup: [String: [UInt8]] = [:]
        for fixture in ObjectsFixtures.sqlite {
            for row in try ObjectsFixtures.liveRows(fixture) where row.value.count < 4096 {
                let group = ObjectKey.prefixGroup(of: row.key) + ObjectMetadata(decoding: row.value).encoding
                if row.value.count < byGroup[group]?.count ?? .max { byGroup[group] = row.value }
            }
        }
        return byGroup.sorted { $0.key < $1.key }.map(\.value) + [ObjectsSamples.deployment]
    }

    /// Reads a value every way there is; what comes out must be JSON. The bytes lie at the very end of their allocation,
    /// so that a checker of addresses sees a read too far.
    private func exercise(_ value: [UInt8]) throws {
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: value.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: value)
        var writer = ObjectLineWriter()
        var line: [UInt8] = []
        let key = Array("/registry/pods/a/b".utf8)
        key.withUnsafeBytes { writer.append(key: $0, revision: 1, value: UnsafeRawBufferPointer(exact), to: &line) }
        let parsed = try ObjectLine(parsing: line)
        #expect(parsed.size == Int64(value.count))
        let metadata = ObjectMetadata(decoding: UnsafeRawBufferPointer(exact))
        #expect(metadata.problem?.rawValue == parsed.problem)
        let rendering = ObjectRendering(key: "/registry/pods/a/b", value: UnsafeRawBufferPointer(exact))
        if !rendering.isWhole {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(rendering.json)) }
        }
        if let message = rendering.message { #expect(message.upperBound <= value.count) }
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line)) }
    }

    @Test func `a value cut off anywhere gives a line`() throws {
        var problems: Set<String> = []
        for sample in try Self.samples() {
            for end in stride(from: 0, to: sample.count, by: sample.count > 600 ? 7 : 1) {
                try exercise(Array(sample[..<end]))
                if let problem = ObjectMetadata(decoding: Array(sample[..<end])).problem {
                    problems.insert(problem.rawValue)
                }
            }
        }
        #expect(problems.contains("truncated"))
    }

    @Test func `changed bytes give a line`() throws {
        var random = ObjectsRandom(state: 0x5EED)
        for sample in try Self.samples() {
            for _ in 0..<200 {
                var value = sample
                for _ in 0..<Int(random.next() % 4 + 1) {
                    let index = Int(random.next() % UInt64(min(value.count, 700)))
                    value[index] = UInt8(truncatingIfNeeded: random.next() >> 32)
                }
                try exercise(value)
            }
        }
    }

    @Test func `noise behind a good beginning gives a line`() throws {
        var random = ObjectsRandom(state: 42)
        for round in 0..<3000 {
            var value = Array(["k8s\0", "{", "k8s:enc:", "{\"metadata\":{", "k8s\0\n\u{4}"][round % 5].utf8)
            for _ in 0..<Int(random.next() % 64) { value.append(UInt8(truncatingIfNeeded: random.next() >> 24)) }
            try exercise(value)
        }
    }

    @Test(arguments: [
        ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], ObjectProblem.truncated),
        ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], .malformedProtobuf),
        ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], .malformedProtobuf),
        ([0x0B], .malformedProtobuf), ([0x02, 0x00], .malformedProtobuf), ([0x0D, 0, 0], .malformedProtobuf),
        ([0x12, 0x00], .missingKind), ([], .truncated), ([0x12, 0x00, 0x1A, 0x01, 0x67], .unknownContentEncoding),
    ])
    func `broken protobuf is named`(_ bytes: [UInt8], _ problem: ObjectProblem) {
        #expect(ObjectMetadata(decoding: Array("k8s\0".utf8) + bytes).problem == problem)
    }

    @Test func `times outside of all calendars are named`() {
        #expect(ObjectMetadata(decoding: ObjectsSamples.object(created: .max)).problem == .timestampOutOfRange)
        #expect(ObjectMetadata(decoding: ObjectsSamples.object(created: .min)).problem == .timestampOutOfRange)
    }

    @Test(arguments: [
        "{", "{\"a\"", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"kind\":5}", "{\"kind\":\"\u{1}\"}",
        "{\"kind\":\"\\x\"}", "{\"kind\":\"\\u12g4\"}", "{\"metadata\":[]}", "{\"metadata\":{\"labels\":{\"a\":1}}}",
        "{\"metadata\":{\"generation\":1e3}}", "{\"metadata\":{\"generation\":99999999999999999999}}", "{\"a\":\"\\",
        "{\"metadata\":{\"generation\":-}}", "{\"kind\":nul}", "{\"a\":{\"b\":[}",
    ])
    func `broken JSON is named`(_ text: String) throws {
        let problem = ObjectMetadata(decoding: Array(text.utf8)).problem
        #expect(problem == .malformedJSON || problem == .truncated)
        try exercise(Array(text.utf8))
    }

    @Test func `a million brackets are no recursion`() throws {
        let text = "{\"a\":" + String(repeating: "[", count: 1_000_000)
        #expect(ObjectMetadata(decoding: Array(text.utf8)).problem == .truncated)
    }
}

/// A generator that is the same in every run (SplitMix64).
struct ObjectsRandom {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
