import Files

/// Finds single members in JSON and skips the rest without copying and without recursion.
///
/// What is read is held to the JSON grammar. What is skipped is only followed to its end: strings with their escapes,
/// brackets by their number.
struct JSONCursor {
    private let text: UnsafeRawBufferPointer
    private var position: Int

    init(_ text: UnsafeRawBufferPointer, at position: Int = 0) {
        self.text = text
        self.position = position
    }

    /// The next byte that is no white space, without taking it.
    @inline(__always)
    mutating func peek() throws(ObjectProblem) -> UInt8 {
        while position < text.count {
            let byte = text[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position &+= 1
        }
        throw .truncated
    }

    /// Whether only white space is left.
    mutating func isAtEnd() -> Bool {
        do throws(ObjectProblem) {
            _ = try peek()
            return false
        } catch {
            return true
        }
    }

    /// Takes the byte, or throws when there is another.
    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(ObjectProblem) {
        guard try peek() == byte else { throw .malformedJSON }
        position &+= 1
    }

    /// Goes to the next member of an object and gives its name, or nil after the last. `isFirst` is true before the first.
    @inline(__always)
    mutating func nextMember(isFirst: inout Bool) throws(ObjectProblem) -> TextSlice? {
        guard try nextElement(isFirst: &isFirst, closing: UInt8(ascii: "}")) else { return nil }
        let name = try string()
        try expect(UInt8(ascii: ":"))
        return name
    }

    /// Goes to the next element, or takes the closing bracket and gives false.
    @inline(__always)
    mutating func nextElement(isFirst: inout Bool, closing: UInt8) throws(ObjectProblem) -> Bool {
        let byte = try peek()
        if byte == closing {
            position &+= 1
            return false
        }
        if isFirst {
            isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { throw .malformedJSON }
            position &+= 1
        }
        return true
    }

    /// A string without its quotes.
    @inline(__always)
    mutating func string() throws(ObjectProblem) -> TextSlice {
        try expect(UInt8(ascii: "\""))
        let start = position
        var isEscaped = false
        while position < text.count {
            let byte = text[position]
            position &+= 1
            if byte == UInt8(ascii: "\"") {
                return TextSlice(
                    bytes: UnsafeRawBufferPointer(rebasing: text[start..<position - 1]), isEscaped: isEscaped)
            }
            guard byte >= 0x20 else { throw .malformedJSON }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                try escape()
            }
        }
        throw .truncated
    }

    /// A string, or empty text for `null`.
    @inline(__always)
    mutating func stringOrNull() throws(ObjectProblem) -> TextSlice {
        if try peek() == UInt8(ascii: "n") {
            try null()
            return .empty
        }
        return try string()
    }

    /// An integer that fits 64 bits; nil for `null`.
    mutating func integerOrNull() throws(ObjectProblem) -> Int64? {
        if try peek() == UInt8(ascii: "n") {
            try null()
            return nil
        }
        let isNegative = text[position] == UInt8(ascii: "-")
        if isNegative { position &+= 1 }
        var value: Int64 = 0
        let start = position
        while position < text.count, text[position] >= UInt8(ascii: "0"), text[position] <= UInt8(ascii: "9") {
            let digit = Int64(text[position] - UInt8(ascii: "0"))
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.subtractingReportingOverflow(digit)
            guard !overflow, !overflow2 else { throw .malformedJSON }
            value = sum
            position &+= 1
        }
        guard position > start, isNegative || value != .min else { throw .malformedJSON }
        return isNegative ? value : -value
    }

    /// Takes `{`, or `null` and gives false.
    mutating func objectOrNull() throws(ObjectProblem) -> Bool {
        try openingOrNull(UInt8(ascii: "{"))
    }

    /// Takes the opening bracket, or `null` and gives false.
    mutating func openingOrNull(_ bracket: UInt8) throws(ObjectProblem) -> Bool {
        if try peek() == UInt8(ascii: "n") {
            try null()
            return false
        }
        try expect(bracket)
        return true
    }

    /// Goes past one value of any type.
    @inline(__always)
    mutating func skipValue() throws(ObjectProblem) {
        switch try peek() {
        case UInt8(ascii: "\""):
            position &+= 1
            try skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try skipBrackets()
        default:
            try skipLiteral()
        }
    }

    private mutating func skipBrackets() throws(ObjectProblem) {
        var depth = 0
        while position < text.count {
            let byte = text[position]
            position &+= 1
            switch byte {
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth &-= 1
                if depth == 0 { return }
            default: break
            }
        }
        throw .truncated
    }

    /// Goes past a string whose opening quote was taken.
    @inline(__always)
    private mutating func skipString() throws(ObjectProblem) {
        while position < text.count {
            let byte = text[position]
            position &+= 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") { position &+= 1 }
        }
        throw .truncated
    }

    /// Goes past a number, `true`, `false` or `null`.
    private mutating func skipLiteral() throws(ObjectProblem) {
        let start = position
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "E"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                position &+= 1
            default:
                guard position > start else { throw .malformedJSON }
                return
            }
        }
        guard position > start else { throw .malformedJSON }
    }

    private mutating func null() throws(ObjectProblem) {
        for byte in "null".utf8 {
            guard position < text.count else { throw .truncated }
            guard text[position] == byte else { throw .malformedJSON }
            position &+= 1
        }
    }

    private mutating func escape() throws(ObjectProblem) {
        guard position < text.count else { throw .truncated }
        let byte = text[position]
        position &+= 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            guard text.count - position >= 4 else { throw .truncated }
            for _ in 0..<4 {
                guard Hexadecimal.digit(text[position]) != nil else { throw .malformedJSON }
                position &+= 1
            }
        default: throw .malformedJSON
        }
    }
}
