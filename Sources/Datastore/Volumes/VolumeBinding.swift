import Foundation

/// What a volume claim or a volume says of the other one; empty where it says nothing, or cannot be read.
struct VolumeBinding {
    /// `spec.volumeName` of a claim.
    var volumeName: String?
    /// `spec.claimRef` of a volume.
    var claim: (namespace: String, name: String)?

    init(kind: NewerVolume.Kind, value: [UInt8]) {
        do throws(ObjectProblem) {
            switch value.withUnsafeBytes({ ValueForm(of: $0) }) {
            case .protobuf: try readProtobuf(kind, value)
            case .json: readJSON(kind, value)
            default: break
            }
        } catch {
            // The metadata, read by itself, tells that the value is damaged.
        }
    }

    /// Numbers of the fields in k8s.io/api/core/v1/generated.proto.
    private mutating func readProtobuf(_ kind: NewerVolume.Kind, _ value: [UInt8]) throws(ObjectProblem) {
        let envelope = Array(value.dropFirst(4))
        guard let object = try Self.field(2, of: envelope), let spec = try Self.field(2, of: object) else { return }
        switch kind {
        case .claim: volumeName = try Self.field(3, of: spec).flatMap(Self.text)
        case .volume:
            guard let reference = try Self.field(4, of: spec) else { return }
            setClaim(
                namespace: try Self.field(2, of: reference).flatMap(Self.text),
                name: try Self.field(3, of: reference).flatMap(Self.text))
        case .namespace: break
        }
    }

    private mutating func readJSON(_ kind: NewerVolume.Kind, _ value: [UInt8]) {
        struct Claim: Decodable {
            var namespace: String?
            var name: String?
        }
        struct Spec: Decodable {
            var volumeName: String?
            var claimRef: Claim?
        }
        struct Object: Decodable { var spec: Spec? }
        // What is no such object says nothing of another one.
        guard let spec = (try? JSONDecoder().decode(Object.self, from: Data(value)))?.spec else { return }
        switch kind {
        case .claim: volumeName = spec.volumeName.flatMap { $0.isEmpty ? nil : $0 }
        case .volume: setClaim(namespace: spec.claimRef?.namespace, name: spec.claimRef?.name)
        case .namespace: break
        }
    }

    private mutating func setClaim(namespace: String?, name: String?) {
        guard let namespace, let name, !namespace.isEmpty, !name.isEmpty else { return }
        claim = (namespace, name)
    }

    private static func field(_ number: UInt64, of message: [UInt8]) throws(ObjectProblem) -> [UInt8]? {
        let result = message.withUnsafeBytes { bytes in
            Result { () throws(ObjectProblem) -> [UInt8]? in
                var cursor = ProtobufCursor(bytes)
                while !cursor.isAtEnd {
                    let tag = try cursor.tag()
                    guard tag.field != number else { return Array(try cursor.bytes(tag)) }
                    try cursor.skip(tag)
                }
                return nil
            }
        }
        return try result.get()
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
