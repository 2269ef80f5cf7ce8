import Files

/// A piece of text inside a value that somebody else owns; valid only while that value is.
struct TextSlice {
    /// Its bytes, without quotes.
    var bytes: UnsafeRawBufferPointer
    /// Whether the bytes hold JSON escapes (they were checked when they were found).
    var isEscaped: Bool

    static var empty: TextSlice { TextSlice(bytes: UnsafeRawBufferPointer(start: nil, count: 0), isEscaped: false) }

    var isEmpty: Bool { bytes.isEmpty }

    /// The text as a string; invalid UTF-8 and lone surrogates become U+FFFD.
    var string: String {
        isEscaped ? String(decoding: unescaped(), as: UTF8.self) : String(decoding: bytes, as: UTF8.self)
    }

    /// The string, or nil when there is no text.
    var stringOrNil: String? { isEmpty ? nil : string }

    /// Appends the text as a JSON string with its quotes.
    @inline(__always)
    func appendJSON<Output: ByteAppending & ~Copyable>(to output: inout Output) {
        if isEscaped {
            unescaped().withUnsafeBytes { JSONText.append(text: $0, to: &output) }
        } else {
            JSONText.append(text: bytes, to: &output)
        }
    }

    /// The bytes with their escapes resolved. Escapes are rare in names and labels, so this may allocate.
    private func unescaped() -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < bytes.count else {
                result.append(byte)
                continue
            }
            let escape = bytes[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                let first = hexUnit(at: index)
                index += 4
                var scalar = Unicode.Scalar(UInt32(first))
                if (0xD800..<0xDC00).contains(first), index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"),
                    bytes[index + 1] == UInt8(ascii: "u")
                {
                    let second = hexUnit(at: index + 2)
                    if (0xDC00..<0xE000).contains(second) {
                        scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
                        index += 6
                    }
                }
                result.append(contentsOf: Character(scalar ?? "\u{FFFD}").utf8)
            default: result.append(escape)
            }
        }
        return result
    }

    private func hexUnit(at index: Int) -> UInt16 {
        var unit: UInt16 = 0
        for position in index..<min(index + 4, bytes.count) {
            unit = unit << 4 | UInt16(Hexadecimal.digit(bytes[position]) ?? 0)
        }
        return unit
    }
}
