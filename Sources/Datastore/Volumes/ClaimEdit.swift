import Failures
import JSONValues

/// Takes from the value of a claim what binds it to a volume: `spec.volumeName` and the annotations of whoever bound it; or from
/// any object owners that are not there. All other bytes of a protobuf value stay as they are, of fields that nobody here knows
/// as well.
enum ClaimEdit {
    private static let annotations: Set<String> = [
        "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller", "volume.kubernetes.io/selected-node",
    ]

    /// The claim without them; nil where there are none.
    static func unbound(_ value: [UInt8]) throws(ObjectProblem) -> [UInt8]? {
        switch value.withUnsafeBytes({ ValueForm(of: $0) }) {
        case .protobuf:
            // Numbers of the fields in k8s.io/apimachinery/pkg/runtime and k8s.io/api/core/v1/generated.proto.
            let envelope = Array(value.dropFirst(4))
            let bindings = Edit.fields { (field, annotation) throws(ObjectProblem) in
                guard field == 12 else { return .keep }
                return annotations.contains(try text(1, of: annotation)) ? .drop : .keep
            }
            let edited = try rewritten(envelope, [2: .message([1: bindings, 2: .message([3: .empty])])])
            return edited == envelope ? nil : value.prefix(4) + edited
        case .json: return try unboundJSON(value)
        default: throw .unknownContentEncoding
        }
    }

    private static func unboundJSON(_ value: [UInt8]) throws(ObjectProblem) -> [UInt8]? {
        let object = try parsed(value)
        var edited = object.removing("spec", "volumeName")
        if let members = object["metadata", "annotations"]?.members {
            let kept = members.filter { !annotations.contains($0.name) }
            if kept.count != members.count {
                edited = edited.setting(
                    ["metadata", "annotations"], to: kept.isEmpty ? nil : .object(kept))
            }
        }
        return edited == object ? nil : edited.serialized() + [UInt8(ascii: "\n")]
    }

    private static func parsed(_ value: [UInt8]) throws(ObjectProblem) -> JSONValue {
        do throws(Failure) { return try JSONValue(parsing: value) } catch { throw .malformedJSON }
    }

    /// An object without some of its owners, told by their UIDs and names; nil where it has none of them. A garbage collector
    /// deletes what belongs to something that is not there.
    static func withoutOwners(
        _ value: [UInt8], where isLost: @escaping (_ uid: String, _ name: String) -> Bool
    ) throws(ObjectProblem) -> [UInt8]? {
        switch value.withUnsafeBytes({ ValueForm(of: $0) }) {
        case .protobuf:
            // Numbers of the fields in k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto.
            let envelope = Array(value.dropFirst(4))
            let owners = Edit.fields { (field, owner) throws(ObjectProblem) in
                guard field == 13 else { return .keep }
                return isLost(try text(4, of: owner), try text(3, of: owner)) ? .drop : .keep
            }
            let edited = try rewritten(envelope, [2: .message([1: owners])])
            return edited == envelope ? nil : value.prefix(4) + edited
        case .json:
            let object = try parsed(value)
            let owners = object["metadata", "ownerReferences"]?.arrayValue ?? []
            let kept = owners.filter { !isLost($0["uid"]?.stringValue ?? "", $0["name"]?.stringValue ?? "") }
            guard kept.count != owners.count else { return nil }
            let edited = object.setting(["metadata", "ownerReferences"], to: kept.isEmpty ? nil : .array(kept))
            return edited.serialized() + [UInt8(ascii: "\n")]
        default: throw .unknownContentEncoding
        }
    }

    /// What is done to a field.
    private indirect enum Edit {
        /// An API server writes empty strings as well.
        case empty
        case message([UInt64: Edit])
        /// A message whose fields are looked at one by one.
        case fields((UInt64, [UInt8]) throws(ObjectProblem) -> Fate)
    }

    private static func rewritten(_ message: [UInt8], _ edits: [UInt64: Edit]) throws(ObjectProblem) -> [UInt8] {
        try eachField(of: message) { (field, content) throws(ObjectProblem) in
            switch edits[field] {
            case nil: return .keep
            case .empty: return .replace([])
            case .message(let inner): return .replace(try rewritten(content, inner))
            case .fields(let decide): return .replace(try eachField(of: content, decide))
            }
        }
    }

    private static func text(_ number: UInt64, of message: [UInt8]) throws(ObjectProblem) -> String {
        var text = ""
        _ = try eachField(of: message) { (field, content) throws(ObjectProblem) in
            if field == number { text = String(decoding: content, as: UTF8.self) }
            return .keep
        }
        return text
    }

    private enum Fate {
        case keep
        case drop
        case replace([UInt8])
    }

    /// The message with what `decide` says of each field that has a length; all others stay. What is kept is kept byte for byte.
    private static func eachField(
        of message: [UInt8], _ decide: (UInt64, [UInt8]) throws(ObjectProblem) -> Fate
    ) throws(ObjectProblem) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        while position < message.count {
            let (field, content, end) = try next(in: message, from: position)
            let fate = try content.map { content throws(ObjectProblem) in try decide(field, content) } ?? .keep
            switch fate {
            case .keep: result += message[position..<end]
            case .drop: break
            case .replace(let bytes):
                if bytes == content {
                    result += message[position..<end]
                } else {
                    append(field << 3 | 2, to: &result)
                    append(UInt64(bytes.count), to: &result)
                    result += bytes
                }
            }
            position = end
        }
        return result
    }

    /// The field at a position: its number, its bytes where it has a length, and where the next one begins.
    private static func next(
        in message: [UInt8], from position: Int
    ) throws(ObjectProblem) -> (UInt64, [UInt8]?, Int) {
        let result = message.withUnsafeBytes { bytes in
            Result { () throws(ObjectProblem) -> (UInt64, [UInt8]?, Int) in
                var cursor = ProtobufCursor(UnsafeRawBufferPointer(rebasing: bytes[position...]))
                let tag = try cursor.tag()
                guard tag.type == .bytes else {
                    try cursor.skip(tag)
                    return (tag.field, nil, position + cursor.position)
                }
                let content = Array(try cursor.bytes())
                return (tag.field, content, position + cursor.position)
            }
        }
        return try result.get()
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
