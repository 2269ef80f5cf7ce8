import Datastore
import Foundation
import Testing

@Suite("Metadata of stored values")
struct ObjectsMetadataTests {
    @Test(arguments: ObjectsFixtures.sqlite)
    func `every live value decodes`(_ fixture: String) throws {
        let rows = try ObjectsFixtures.liveRows(fixture)
        var seen: [String: Int] = [:]
        for row in rows {
            let metadata = ObjectMetadata(decoding: row.value)
            #expect(metadata.problem == nil, "\(row.key)")
            seen[metadata.encoding, default: 0] += 1
            if metadata.encoding == "protobuf" || (metadata.encoding == "json" && row.key != "/registry/health") {
                #expect(metadata.kind != nil, "\(row.key)")
                #expect(metadata.apiVersion != nil, "\(row.key)")
            }
            if row.key.hasPrefix("/registry/secrets/"), fixture.contains("encrypted") {
                #expect(metadata.encoding == "encrypted:aescbc:v1:aescbckey")
            }
        }
        #expect(seen["protobuf"] == (fixture.contains("encrypted") ? 1214 : 2054))
        #expect(seen["json"] == (fixture.contains("encrypted") ? 140 : 142))
        #expect(seen["opaque"] == 1)
    }

    @Test(arguments: ObjectsFixtures.sqlite)
    func `metadata and lines are those of an independent decoder`(_ fixture: String) throws {
        let rows = Dictionary(uniqueKeysWithValues: try ObjectsFixtures.liveRows(fixture).map { ($0.key, $0) })
        let expected = try ObjectsFixtures.expected(fixture)
        #expect(expected.count > 400)
        var writer = ObjectLineWriter()
        var shortWriter = ObjectLineWriter(uids: .ofVolumes)
        for object in expected {
            let key = try #require(object["key"] as? String)
            let row = try #require(rows[key])
            let metadata = ObjectMetadata(decoding: row.value)
            let text = { (name: String) in (object[name] as? String).flatMap { $0.isEmpty ? nil : $0 } }
            #expect(metadata.encoding == text("encoding"))
            #expect(metadata.kind == text("kind"))
            #expect(metadata.apiVersion == text("apiVersion"))
            #expect(metadata.name == text("name"))
            #expect(metadata.namespace == text("namespace"))
            #expect(metadata.uid == text("uid"))
            #expect(metadata.creationTimestamp == text("created"))
            #expect(metadata.deletionTimestamp == text("deleted"))
            #expect(metadata.labels == object["labels"] as? [String: String] ?? [:])
            #expect(metadata.ownerReferences == object["owners"] as? Int ?? 0)
            #expect(metadata.generation ?? 0 == object["generation"] as? Int64 ?? 0)

            var bytes: [UInt8] = []
            writer.append(key: key, revision: row.revision, value: row.value, to: &bytes)
            // Two readers of one line: Foundation's and daytwo's own, which takes from the key what the line leaves out.
            let json = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
            let line = try ObjectLine(parsing: bytes)
            #expect(json["kind"] as? String == line.kind && json["uid"] as? String == line.uid)
            #expect((json["name"] as? String ?? line.name) == line.name)
            #expect(bytes.last == UInt8(ascii: "\n") && bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
            #expect(line.key == key)
            #expect(line.revision == object["revision"] as? Int64)
            #expect(line.size == object["size"] as? Int64)
            #expect(line.kind == metadata.kind)
            #expect(line.uid == metadata.uid)
            #expect(line.created == metadata.creationTimestamp)
            #expect(line.labels ?? [:] == metadata.labels)
            #expect(line.encoding == metadata.encoding)
            #expect(line.problem == nil)
            var short: [UInt8] = []
            shortWriter.append(key: key, revision: row.revision, value: row.value, to: &short)
            var shortLine = try ObjectLine(parsing: short)
            #expect(shortLine.uid == (key.hasPrefix("/registry/persistentvolume") ? line.uid : nil))
            shortLine.uid = line.uid
            #expect(shortLine == line)
            let parsed = ObjectKey(key)
            if [.object, .allocation, .masterLease].contains(parsed.role) {
                #expect(line.name == parsed.name)
                #expect(line.namespace == parsed.namespace)
            }
        }
        #expect(writer.problemCount == 0)
    }

    @Test func `numbers, owners and moments of deletion are read from protobuf`() throws {
        let metadata = ObjectMetadata(decoding: ObjectsSamples.deployment)
        #expect(metadata.generation == 300)
        #expect(metadata.ownerReferences == 2)
        #expect(metadata.creationTimestamp == "2026-11-22T11:19:39Z")
        #expect(metadata.deletionTimestamp == "1969-12-31T23:59:59Z")
        #expect(metadata.labels == ["a": "b\"\n", "ü": ""])
        #expect(metadata.problem == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
    ])
    func `seconds become dates`(_ seconds: Int64, _ text: String) {
        #expect(ObjectMetadata(decoding: ObjectsSamples.object(created: seconds)).creationTimestamp == text)
    }

    @Test func `every day of centuries becomes its date`() {
        for day in Array(-25600..<48000) + Array(155_000..<156_000) + Array(2_932_000..<2_932_896) {
            let seconds = Int64(day) * 86400 + Int64(day & 0xFFFF)
            let text = Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
            let metadata = ObjectMetadata(decoding: ObjectsSamples.object(created: seconds))
            #expect(metadata.creationTimestamp == text)
        }
    }

    @Test func `JSON is read with its escapes`() {
        let json = """
            {"x":{"kind":"no","a":["}",{"b":"\\""}]},"kind" : "A\\u0062\\ud83d\\ude00\\ud800!","metadata":{"uid":null,
            "labels":{"\\u006b":"v\\n"},"name":"n","generation":-7,"ownerReferences":[{},{"a":[1]}],
            "creationTimestamp":"2026-11-22T11:19:39Z"},"apiVersion":"v1"}
            """
        let metadata = ObjectMetadata(decoding: Array(json.utf8))
        #expect(metadata.problem == nil)
        #expect(metadata.kind == "Ab😀\u{FFFD}!")
        #expect(metadata.apiVersion == "v1")
        #expect(metadata.uid == nil)
        #expect(metadata.labels == ["k": "v\n"])
        #expect(metadata.generation == -7)
        #expect(metadata.ownerReferences == 2)
        #expect(metadata.creationTimestamp == "2026-11-22T11:19:39Z")
    }

    @Test func `other encodings are told by their first bytes`() {
        #expect(ObjectMetadata(decoding: [0xD9, 0xD9, 0xF7, 0xA0]).encoding == "cbor")
        #expect(ObjectMetadata(decoding: []).encoding == "empty")
        #expect(ObjectMetadata(decoding: Array("k8s:enc:kms:v2:prov:\u{1}".utf8)).encoding == "encrypted:kms:v2:prov")
        let broken = ObjectMetadata(decoding: Array("k8s:enc:aescbc".utf8))
        #expect(broken.encoding == "encrypted" && broken.problem == .malformedEncryptionPrefix)
    }

    @Test func `an unreadable value still has its line`() throws {
        var writer = ObjectLineWriter()
        var output: [UInt8] = []
        let value = Array("k8s\0".utf8) + [0x0A, 0x7F]
        writer.append(key: "/registry/services/specs/ns/\"name", revision: 7, value: value, to: &output)
        writer.append(key: "/registry/secrets/ns/s", revision: -8, value: Array("k8s:enc:".utf8), to: &output)
        let lines = output.split(separator: UInt8(ascii: "\n")).map(Array.init)
        let line = try ObjectLine(parsing: lines[0])
        #expect(line.problem == "truncated" && line.name == "\"name" && line.namespace == "ns" && line.kind == nil)
        #expect(try ObjectLine(parsing: lines[1]).revision == -8)
        output.removeAll()
        writer.append(
            key: "/registry/services/endpoints/ns/e", revision: 1, value: Array("k8s:enc:a:v1:k:".utf8), to: &output)
        let endpoints = try ObjectLine(parsing: output)
        #expect(endpoints.name == "e" && endpoints.namespace == "ns" && endpoints.encoding == "encrypted:a:v1:k")
        #expect(writer.problemCount == 2)
        #expect(writer.firstProblems.map(\.problem) == [.truncated, .malformedEncryptionPrefix])
    }

    @Test func `lines of a later version are read, and broken ones are named`() throws {
        let line =
            #"{"key":"/k","revision":1,"new":{"a":[1,"]"]},"size":2,"encoding":"x","problem":"novel","labels":null}"#
        let parsed = try ObjectLine(parsing: line)
        #expect(parsed.key == "/k" && parsed.problem == "novel" && parsed.labels == nil)
        for broken in [
            "", "{", "[]", "{\"key\":1}", "{\"key\":\"a\"}", line + "x",
            #"{"key":"a","revision":99999999999999999999}"#,
        ] {
            #expect(throws: (any Error).self) { try ObjectLine(parsing: broken) }
        }
    }
}
