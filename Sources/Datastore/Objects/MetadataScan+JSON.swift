/// JSON: `apiVersion`, `kind` and the members of `metadata`; everything else is skipped, and nothing after them is read.
extension MetadataScan {
    mutating func readJSON(_ value: UnsafeRawBufferPointer) throws(ObjectProblem) {
        var cursor = JSONCursor(value)
        try cursor.expect(UInt8(ascii: "{"))
        var isFirst = true
        var found: UInt8 = 0
        while found != 7, let member = try cursor.nextMember(isFirst: &isFirst) {
            switch member.bytes.count {
            case 4 where member.equals("kind"):
                kind = try cursor.stringOrNull()
                found |= 1
            case 10 where member.equals("apiVersion"):
                apiVersion = try cursor.stringOrNull()
                found |= 2
            case 8 where member.equals("metadata"):
                try readMetadata(&cursor)
                found |= 4
            default: try cursor.skipValue()
            }
        }
    }

    private mutating func readMetadata(_ cursor: inout JSONCursor) throws(ObjectProblem) {
        guard try cursor.objectOrNull() else { return }
        var isFirst = true
        while let member = try cursor.nextMember(isFirst: &isFirst) {
            switch member.bytes.count {
            case 4 where member.equals("name"): name = try cursor.stringOrNull()
            case 9 where member.equals("namespace"): namespace = try cursor.stringOrNull()
            case 3 where member.equals("uid"): uid = try cursor.stringOrNull()
            case 10 where member.equals("generation"): generation = try cursor.integerOrNull() ?? 0
            case 17 where member.equals("creationTimestamp"): created = try MetadataScan.moment(&cursor)
            case 17 where member.equals("deletionTimestamp"): deleted = try MetadataScan.moment(&cursor)
            case 6 where member.equals("labels"): try readLabels(&cursor)
            case 15 where member.equals("ownerReferences"): try countOwners(&cursor)
            default: try cursor.skipValue()
            }
        }
    }

    private static func moment(_ cursor: inout JSONCursor) throws(ObjectProblem) -> Moment {
        let text = try cursor.stringOrNull()
        return text.isEmpty ? .none : .text(text)
    }

    private mutating func readLabels(_ cursor: inout JSONCursor) throws(ObjectProblem) {
        labels.removeAll(keepingCapacity: true)
        guard try cursor.objectOrNull() else { return }
        var isFirst = true
        while let label = try cursor.nextMember(isFirst: &isFirst) {
            labels.append(Label(name: label, value: try cursor.stringOrNull()))
        }
    }

    private mutating func countOwners(_ cursor: inout JSONCursor) throws(ObjectProblem) {
        ownerReferences = 0
        guard try cursor.openingOrNull(UInt8(ascii: "[")) else { return }
        var isFirst = true
        while try cursor.nextElement(isFirst: &isFirst, closing: UInt8(ascii: "]")) {
            try cursor.skipValue()
            ownerReferences += 1
        }
    }
}

extension TextSlice {
    /// Whether the bytes are exactly this text; escaped names are not unescaped, because no encoder escapes letters.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        bytes.count == text.utf8CodeUnitCount && ValueForm.starts(bytes, with: text)
    }
}
