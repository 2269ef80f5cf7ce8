import JSONValues
import Testing

@testable import Datastore

@Suite("What is known of the protobuf of kinds")
struct ProtobufSchemaTests {
    @Test("Every message that is named is there, and no number stands twice")
    func whole() {
        let schema = ProtobufSchema.known
        #expect(schema.kinds.count >= 36 && schema.kinds["apps/v1/Deployment"] != nil)
        for message in schema.kinds.values { #expect(schema.messages[message] != nil, "\(message)") }
        for (name, fields) in schema.messages {
            #expect(Set(fields.map(\.number)).count == fields.count, "\(name)")
            for field in fields {
                guard case .message(let message) = field.content else { continue }
                #expect(schema.messages[message] != nil, "\(name).\(field.name): \(message)")
            }
        }
    }

    /// `k8s\0`, the envelope, and an object's bytes.
    private func stored(_ apiVersion: String, _ kind: String, _ object: [UInt8]) -> [UInt8] {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        return [0x6B, 0x38, 0x73, 0] + field(1, field(1, Array(apiVersion.utf8)) + field(2, Array(kind.utf8)))
            + field(2, object)
    }

    @Test("What a kind has got since is named; what is no object of a known kind is not decoded; damage is found")
    func unknown() throws {
        // ConfigMap: data (2) is a map; 60 is no field of it; empty and zero say nothing.
        let object: [UInt8] = [0x12, 6, 0x0A, 1, 0x61, 0x12, 1, 0x62, 0xE2, 3, 1, 0x78, 0xEA, 3, 0, 0xF0, 3, 0]
        let decoded = try #require(try self.decoded(stored("v1", "ConfigMap", object)))
        #expect(decoded.json["data", "a"] == .string("b"))
        #expect(decoded.unknownFields == ["ConfigMap field 60"])
        let unheard = try self.decoded(stored("v1", "Unheard", object))
        #expect(unheard?.json == nil)
        let json = try self.decoded(Array("{}".utf8))
        #expect(json?.json == nil)
        #expect(throws: ObjectProblem.self) { try self.decoded(stored("v1", "ConfigMap", Array(object.dropLast(13)))) }
    }

    private func decoded(_ value: [UInt8]) throws -> ProtobufObject? {
        try value.withUnsafeBytes { bytes in try ProtobufObject(decoding: bytes) }
    }
}
