/// One stored object for a person: JSON as it is, protobuf as its metadata, everything else as what is known of it.
public struct ObjectRendering: Sendable {
    /// JSON text without a line feed at its end.
    public let json: [UInt8]
    /// Whether ``json`` is the whole object. If not, the rest is in the value's bytes only.
    public let isWhole: Bool
    /// Where the object's own message lies in the value, for protobuf: the raw bytes without their envelope.
    public let message: Range<Int>?
    /// What could not be read.
    public let problem: ObjectProblem?

    /// Renders a value; `key` gives the names of values that cannot say them.
    public init(key: String, value: UnsafeRawBufferPointer) {
        var json: [UInt8] = []
        var message: Range<Int>?
        let form = ValueForm(of: value)
        do throws(ObjectProblem) {
            switch form {
            case .json:
                json.append(contentsOf: ObjectRendering.trimmed(value))
                problem = ObjectMetadata(decoding: value).problem
            case .protobuf:
                try ObjectRendering.appendProtobuf(value, message: &message, to: &json)
                problem = nil
            default:
                ObjectRendering.appendNames(key: key, value: value, to: &json)
                problem = ObjectMetadata(decoding: value).problem
            }
        } catch {
            json.removeAll()
            ObjectRendering.appendNames(key: key, value: value, to: &json)
            problem = error
        }
        self.json = json
        isWhole = form == .json
        self.message = message
    }

    private static func trimmed(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = value.count
        while end > 0, value[end - 1] <= 0x20 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: value[..<end])
    }

    private static func appendNames(key: String, value: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        let parsed = ObjectKey(key)
        JSONText.append(literal: "{\"key\":", to: &output)
        JSONText.append(text: key, to: &output)
        JSONText.append(literal: ",\"encoding\":", to: &output)
        JSONText.append(text: ObjectMetadata(decoding: value).encoding, to: &output)
        JSONText.append(literal: ",\"size\":", to: &output)
        JSONText.append(number: Int64(value.count), to: &output)
        JSONText.append(literal: ",\"metadata\":{\"name\":", to: &output)
        JSONText.append(text: parsed.name, to: &output)
        if let namespace = parsed.namespace {
            JSONText.append(literal: ",\"namespace\":", to: &output)
            JSONText.append(text: namespace, to: &output)
        }
        JSONText.append(literal: "}}", to: &output)
    }

    private static func appendProtobuf(
        _ value: UnsafeRawBufferPointer, message: inout Range<Int>?, to output: inout [UInt8]
    ) throws(ObjectProblem) {
        var scan = MetadataScan()
        scan.read(value)
        if let problem = scan.problem { throw problem }
        var cursor = ProtobufCursor(UnsafeRawBufferPointer(rebasing: value[4...]))
        var object: UnsafeRawBufferPointer?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            guard tag.field == 2 else {
                try cursor.skip(tag)
                continue
            }
            let bytes = try cursor.bytes(tag)
            object = bytes
            message = (4 + cursor.position - bytes.count)..<(4 + cursor.position)
        }
        JSONText.append(literal: "{\"apiVersion\":", to: &output)
        scan.apiVersion.appendJSON(to: &output)
        JSONText.append(literal: ",\"kind\":", to: &output)
        scan.kind.appendJSON(to: &output)
        JSONText.append(literal: ",\"metadata\":", to: &output)
        var objectCursor = ProtobufCursor(object ?? UnsafeRawBufferPointer(start: nil, count: 0))
        var metadata = ObjectMetaRendering()
        while !objectCursor.isAtEnd {
            let tag = try objectCursor.tag()
            if tag.field == 1 {
                try metadata.append(objectCursor.bytes(tag))
                break
            }
            try objectCursor.skip(tag)
        }
        output.append(contentsOf: metadata.finished())
        output.append(UInt8(ascii: "}"))
    }
}
