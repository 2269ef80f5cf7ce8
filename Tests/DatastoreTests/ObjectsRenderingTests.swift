import Datastore
import Foundation
import Testing

@Suite("One object for a person")
struct ObjectsRenderingTests {
    private func render(_ key: String, _ value: [UInt8]) -> ObjectRendering {
        value.withUnsafeBytes { ObjectRendering(key: key, value: $0) }
    }

    @Test func `JSON is shown as it is`() throws {
        let rows = try ObjectsFixtures.liveRows(ObjectsFixtures.sqlite[0])
        let row = try #require(rows.first { $0.key.contains("/ledgers/") })
        let rendering = render(row.key, row.value)
        #expect(rendering.isWhole && rendering.problem == nil && rendering.message == nil)
        #expect(rendering.json == Array(row.value.dropLast(row.value.last == UInt8(ascii: "\n") ? 1 : 0)))
    }

    @Test func `protobuf is shown as its metadata with its message at hand`() throws {
        let rendering = render("/registry/deployments/ns/name", ObjectsSamples.deployment)
        #expect(!rendering.isWhole && rendering.problem == nil)
        let expected =
            #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"name","namespace":"ns","uid":"uid","#
            + #""generation":300,"creationTimestamp":"2026-11-22T11:19:39Z","deletionTimestamp":"1969-12-31T23:59:59Z","#
            + #""deletionGracePeriodSeconds":30,"labels":{"a":"b\"\n","ü":""},"annotations":{"note":"text"},"#
            + #""ownerReferences":[{"kind":"Owner","name":"o","uid":"u","apiVersion":"v1","controller":true},"#
            + #"{"kind":"Other"}],"finalizers":["keep.example.com"]}}"#
        #expect(String(decoding: rendering.json, as: UTF8.self) == expected)
        let message = try #require(rendering.message)
        #expect(ObjectsSamples.deployment[message].suffix(4).elementsEqual("spec".utf8))
    }

    @Test(arguments: ObjectsFixtures.sqlite)
    func `every live value renders`(_ fixture: String) throws {
        for row in try ObjectsFixtures.liveRows(fixture) {
            let rendering = render(row.key, row.value)
            #expect(rendering.problem == nil)
            let json = try JSONSerialization.jsonObject(with: Data(rendering.json)) as? [String: Any]
            guard let metadata = json?["metadata"] as? [String: Any] else { continue }
            #expect(metadata["managedFields"] == nil || rendering.isWhole)
            if ObjectKey(row.key).role == .object { #expect(metadata["name"] as? String == ObjectKey(row.key).name) }
        }
    }

    @Test func `an encrypted value is shown by its key`() throws {
        let rendering = render("/registry/secrets/ns/s", Array("k8s:enc:aescbc:v1:aescbckey:\u{1}\u{2}".utf8))
        #expect(
            String(decoding: rendering.json, as: UTF8.self)
                == #"{"key":"/registry/secrets/ns/s","encoding":"encrypted:aescbc:v1:aescbckey","size":30,"metadata":{"name":"s","namespace":"ns"}}"#
        )
    }
}
