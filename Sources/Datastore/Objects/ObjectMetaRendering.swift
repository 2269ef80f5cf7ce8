/// Writes a protobuf `ObjectMeta` as the JSON that the API gives for it, without `managedFields`: they are bookkeeping,
/// and longer than all the rest.
struct ObjectMetaRendering {
    private var members: [UInt8] = []
    private var labels: [UInt8] = []
    private var annotations: [UInt8] = []
    private var owners: [UInt8] = []
    private var finalizers: [UInt8] = []

    /// Reads the message; called once.
    mutating func append(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = ProtobufCursor(message)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: member("name", try cursor.text(tag))
            case 2: member("generateName", try cursor.text(tag))
            case 3: member("namespace", try cursor.text(tag))
            case 5: member("uid", try cursor.text(tag))
            case 7: number("generation", try cursor.integer(tag))
            case 8: moment("creationTimestamp", try cursor.bytes(tag))
            case 9: moment("deletionTimestamp", try cursor.bytes(tag))
            case 10: number("deletionGracePeriodSeconds", try cursor.integer(tag), evenZero: true)
            case 11: ObjectMetaRendering.pair(try MetadataScan.label(cursor.bytes(tag)), to: &labels)
            case 12: ObjectMetaRendering.pair(try MetadataScan.label(cursor.bytes(tag)), to: &annotations)
            case 13: try owner(cursor.bytes(tag))
            case 14:
                ObjectMetaRendering.separate(&finalizers)
                try cursor.text(tag).appendJSON(to: &finalizers)
            default: try cursor.skip(tag)
            }
        }
    }

    /// The JSON object of all that was read.
    func finished() -> [UInt8] {
        var result = Array("{".utf8)
        result += members
        for (name, content, opening, closing) in [
            ("labels", labels, "{", "}"), ("annotations", annotations, "{", "}"), ("ownerReferences", owners, "[", "]"),
            ("finalizers", finalizers, "[", "]"),
        ] where !content.isEmpty {
            if result.count > 1 { result.append(UInt8(ascii: ",")) }
            result += Array("\"\(name)\":\(opening)".utf8)
            result += content
            result += Array(closing.utf8)
        }
        result.append(UInt8(ascii: "}"))
        return result
    }

    private mutating func member(_ name: String, _ text: TextSlice) {
        guard !text.isEmpty else { return }
        ObjectMetaRendering.start(name, &members)
        text.appendJSON(to: &members)
    }

    private mutating func number(_ name: String, _ value: Int64, evenZero: Bool = false) {
        guard value != 0 || evenZero else { return }
        ObjectMetaRendering.start(name, &members)
        JSONText.append(number: value, to: &members)
    }

    private mutating func moment(_ name: String, _ message: UnsafeRawBufferPointer) {
        var moment = MetadataScan.Moment.none
        do throws(ObjectProblem) { moment = try MetadataScan.moment(message) } catch { return }
        guard case .seconds(let seconds) = moment else { return }
        ObjectMetaRendering.start(name, &members)
        members.append(UInt8(ascii: "\""))
        Timestamp.append(seconds: seconds, to: &members)
        members.append(UInt8(ascii: "\""))
    }

    /// Owner references: kind 1, name 3, uid 4, apiVersion 5, controller 6, blockOwnerDeletion 7.
    private mutating func owner(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = ProtobufCursor(message)
        var owner: [UInt8] = []
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1, 3, 4, 5:
                let names = [1: "kind", 3: "name", 4: "uid", 5: "apiVersion"]
                ObjectMetaRendering.start(names[Int(tag.field)] ?? "", &owner)
                try cursor.text(tag).appendJSON(to: &owner)
            case 6, 7:
                ObjectMetaRendering.start(tag.field == 6 ? "controller" : "blockOwnerDeletion", &owner)
                JSONText.append(literal: try cursor.integer(tag) == 0 ? "false" : "true", to: &owner)
            default: try cursor.skip(tag)
            }
        }
        ObjectMetaRendering.separate(&owners)
        owners.append(UInt8(ascii: "{"))
        owners += owner
        owners.append(UInt8(ascii: "}"))
    }

    private static func pair(_ label: MetadataScan.Label, to output: inout [UInt8]) {
        separate(&output)
        label.name.appendJSON(to: &output)
        output.append(UInt8(ascii: ":"))
        label.value.appendJSON(to: &output)
    }

    private static func start(_ name: String, _ output: inout [UInt8]) {
        separate(&output)
        JSONText.append(text: name, to: &output)
        output.append(UInt8(ascii: ":"))
    }

    private static func separate(_ output: inout [UInt8]) {
        if !output.isEmpty { output.append(UInt8(ascii: ",")) }
    }
}
