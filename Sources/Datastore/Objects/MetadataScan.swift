/// The metadata of one value as slices of its bytes: what the line of an object is made from.
///
/// One scan is used for many values, so that nothing is allocated for each. The slices are valid only while the value is.
struct MetadataScan {
    struct Label {
        let name: TextSlice
        let value: TextSlice
    }

    /// A moment as the two encodings keep it.
    enum Moment {
        case none
        case seconds(Int64)
        case text(TextSlice)
    }

    var form = ValueForm.empty
    var problem: ObjectProblem?
    var encryption: TextSlice?
    var apiVersion = TextSlice.empty
    var kind = TextSlice.empty
    var name = TextSlice.empty
    var namespace = TextSlice.empty
    var uid = TextSlice.empty
    var generation: Int64 = 0
    var created = Moment.none
    var deleted = Moment.none
    var labels: [Label] = []
    var ownerReferences = 0

    /// Reads a value of any encoding. What could be read before a problem stays.
    mutating func read(_ value: UnsafeRawBufferPointer) {
        reset()
        form = ValueForm(of: value)
        do throws(ObjectProblem) {
            switch form {
            case .protobuf: try readProtobuf(UnsafeRawBufferPointer(rebasing: value[4...]))
            case .json: try readJSON(value)
            case .encrypted:
                guard let prefix = EncryptionPrefix(of: value) else { throw .malformedEncryptionPrefix }
                encryption = prefix.text
            case .cbor, .opaque, .empty: break
            }
        } catch {
            problem = error
        }
    }

    /// Lets go of every slice, so that none outlives its value.
    mutating func reset() {
        problem = nil
        encryption = nil
        apiVersion = .empty
        kind = .empty
        name = .empty
        namespace = .empty
        uid = .empty
        generation = 0
        created = .none
        deleted = .none
        labels.removeAll(keepingCapacity: true)
        ownerReferences = 0
    }

    /// The encoding with the names of an encrypted value.
    var encoding: String {
        if form == .encrypted {
            return encryption.map { "encrypted:\($0.string)" } ?? "encrypted"
        }
        return String(describing: form)
    }
}

/// Protobuf: `runtime.Unknown` around the object, `ObjectMeta` as the object's field 1.
extension MetadataScan {
    private mutating func readProtobuf(_ envelope: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = ProtobufCursor(envelope)
        var object: UnsafeRawBufferPointer?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: try readType(cursor.bytes(tag))
            case 2: object = try cursor.bytes(tag)
            case 3:
                guard try cursor.bytes(tag).isEmpty else { throw .unknownContentEncoding }
            default: try cursor.skip(tag)
            }
        }
        guard let object else { throw .truncated }
        try readObject(object)
        if kind.isEmpty { throw .missingKind }
    }

    private mutating func readType(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = ProtobufCursor(message)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: apiVersion = try cursor.text(tag)
            case 2: kind = try cursor.text(tag)
            default: try cursor.skip(tag)
            }
        }
    }

    private mutating func readObject(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = ProtobufCursor(message)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.field == 1 {
                try readObjectMeta(cursor.bytes(tag))
                return
            }
            try cursor.skip(tag)
        }
    }

    private mutating func readObjectMeta(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = ProtobufCursor(message)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: name = try cursor.text(tag)
            case 3: namespace = try cursor.text(tag)
            case 5: uid = try cursor.text(tag)
            case 7: generation = try cursor.integer(tag)
            case 8: created = try MetadataScan.moment(cursor.bytes(tag))
            case 9: deleted = try MetadataScan.moment(cursor.bytes(tag))
            case 11: labels.append(try MetadataScan.label(cursor.bytes(tag)))
            case 13:
                try cursor.skip(tag)
                ownerReferences += 1
            default: try cursor.skip(tag)
            }
        }
    }

    static func label(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) -> Label {
        var cursor = ProtobufCursor(message)
        var name = TextSlice.empty
        var value = TextSlice.empty
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            switch tag.field {
            case 1: name = try cursor.text(tag)
            case 2: value = try cursor.text(tag)
            default: try cursor.skip(tag)
            }
        }
        return Label(name: name, value: value)
    }

    /// An empty message is the zero time: no time at all.
    static func moment(_ message: UnsafeRawBufferPointer) throws(ObjectProblem) -> Moment {
        var cursor = ProtobufCursor(message)
        var seconds: Int64?
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            if tag.field == 1 {
                seconds = try cursor.integer(tag)
            } else {
                try cursor.skip(tag)
            }
        }
        guard let seconds else { return .none }
        guard Timestamp.range.contains(seconds) else { throw .timestampOutOfRange }
        return .seconds(seconds)
    }
}
