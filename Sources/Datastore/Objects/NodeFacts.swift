/// What a node object says of the k3s that runs on its node (k8s.io/api/core/v1 generated.proto: Node.status 3,
/// NodeStatus.nodeInfo 7, NodeSystemInfo.kubeletVersion 7; labels in ObjectMeta 11).
struct NodeFacts {
    let isControlPlane: Bool
    /// The version of the k3s that the kubelet is a part of.
    let version: String

    private static let longest = 64
    private static let roles = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"]

    /// Appends the facts of a value as they are kept in an ``ObjectRecord``; nothing where it has none.
    static func append(of value: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        guard ValueForm(of: value) == .protobuf else { return }
        do throws(ObjectProblem) {
            guard let object = try field(2, of: UnsafeRawBufferPointer(rebasing: value[4...])),
                let status = try field(3, of: object), let info = try field(7, of: status),
                let version = try field(7, of: info), isVersion(version)
            else { return }
            output.append(try isControlPlane(object) ? 1 : 0)
            output.append(contentsOf: version)
        } catch {
            // A value that cannot be read is told by its line already, and says nothing certain here.
            return
        }
    }

    /// Reads what ``append(of:to:)`` wrote.
    init?(_ head: UnsafeRawBufferPointer) {
        guard head.count > 1 else { return nil }
        isControlPlane = head[0] == 1
        version = String(decoding: head.dropFirst(), as: UTF8.self)
    }

    /// Of a k3s: another kubelet says nothing of the server.
    private static func isVersion(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count <= longest, text.first == UInt8(ascii: "v") else { return false }
        let isPlain = text.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
        }
        return isPlain && String(decoding: text, as: UTF8.self).contains("+k3s")
    }

    private static func isControlPlane(_ object: UnsafeRawBufferPointer) throws(ObjectProblem) -> Bool {
        guard let metadata = try field(1, of: object) else { return false }
        var cursor = ProtobufCursor(metadata)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag.field == 11 else {
                try cursor.skip(tag)
                continue
            }
            let label = try MetadataScan.label(cursor.bytes(tag))
            if roles.contains(label.name.string), label.value.string == "true" { return true }
        }
        return false
    }

    /// The last message or text in this field, as protobuf has it.
    private static func field(
        _ number: UInt64, of message: UnsafeRawBufferPointer
    ) throws(ObjectProblem) -> UnsafeRawBufferPointer? {
        var cursor = ProtobufCursor(message)
        var found: UnsafeRawBufferPointer?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.field == number { found = try cursor.bytes(tag) } else { try cursor.skip(tag) }
        }
        return found
    }
}
