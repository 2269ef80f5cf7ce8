/// Writes JSON into a byte buffer that is used again for every line.
enum JSONText {
    /// Appends a quoted string; invalid UTF-8 becomes U+FFFD.
    @inline(__always)
    static func append<Output: ByteAppending & ~Copyable>(text: UnsafeRawBufferPointer, to output: inout Output) {
        output.append(UInt8(ascii: "\""))
        if isPlain(text) {
            output.append(contentsOf: text)
        } else {
            appendEscaped(text, to: &output)
        }
        output.append(UInt8(ascii: "\""))
    }

    /// Appends a quoted string.
    static func append<Output: ByteAppending & ~Copyable>(text: String, to output: inout Output) {
        var text = text
        text.withUTF8 { append(text: UnsafeRawBufferPointer($0), to: &output) }
    }

    /// Appends bytes that are JSON already.
    @inline(__always)
    static func append<Output: ByteAppending & ~Copyable>(literal: StaticString, to output: inout Output) {
        output.append(contentsOf: UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends a number.
    static func append<Output: ByteAppending & ~Copyable>(number: Int64, to output: inout Output) {
        if number < 0 { output.append(UInt8(ascii: "-")) }
        append(magnitude: number.magnitude, to: &output)
    }

    /// Appends decimal digits.
    static func append<Output: ByteAppending & ~Copyable>(magnitude: UInt64, to output: inout Output) {
        if magnitude < 10 { return output.append(UInt8(ascii: "0") &+ UInt8(magnitude)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = magnitude
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[start...]))
        }
    }

    /// Whether no byte needs an escape or a look at UTF-8; eight bytes are looked at together.
    @inline(__always)
    private static func isPlain(_ text: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var index = 0
        while index &+ 8 <= text.count {
            let word = text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            // Subtracting borrows from the high bit of a byte that is below what is taken from it.
            let special = (word &- ones &* 0x20) | (quotes &- ones) | (slashes &- ones) | word
            if special & highs != 0 { return false }
            index &+= 8
        }
        while index < text.count {
            if isSpecial(text[index]) { return false }
            index &+= 1
        }
        return true
    }

    @inline(__always)
    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    @inline(never)
    private static func appendEscaped<Output: ByteAppending & ~Copyable>(
        _ text: UnsafeRawBufferPointer, to output: inout Output
    ) {
        // The detour through String replaces what is not UTF-8.
        for byte in String(decoding: text, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case UInt8(ascii: "\n"): append(literal: "\\n", to: &output)
            case UInt8(ascii: "\t"): append(literal: "\\t", to: &output)
            case 0..<0x20:
                append(literal: byte < 0x10 ? "\\u000" : "\\u001", to: &output)
                let digit = byte & 15
                output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            default: output.append(byte)
            }
        }
    }
}
