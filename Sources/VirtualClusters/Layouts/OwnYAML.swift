/// The YAML that daytwo writes itself: each line a key, an item or both with a scalar in JSON's spelling. Nothing in it spans lines, so a text
/// that looks like an anchor is in quotes.
enum OwnYAML {
    static func isWhole(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "\n")).allSatisfy(isLine)
    }

    private static func isLine(_ line: Substring.UTF8View) -> Bool {
        var rest = line.drop { $0 == UInt8(ascii: " ") }
        if rest.first == UInt8(ascii: "-") {
            rest = rest.dropFirst()
        } else {
            guard let key = afterKey(rest), key.first == UInt8(ascii: ":") else { return false }
            rest = key.dropFirst()
        }
        guard let space = rest.first else { return true }
        return space == UInt8(ascii: " ") && isScalar(rest.dropFirst())
    }

    private static func afterKey(_ text: Substring.UTF8View) -> Substring.UTF8View? {
        if text.first == UInt8(ascii: "\"") { return afterString(text) }
        let rest = text.drop { isAlphanumeric($0) }
        return rest.startIndex == text.startIndex ? nil : rest
    }

    private static func isScalar(_ text: Substring.UTF8View) -> Bool {
        if text.first == UInt8(ascii: "\"") { return afterString(text)?.isEmpty ?? false }
        if text.elementsEqual("[]".utf8) || text.elementsEqual("{}".utf8) { return true }
        return !text.isEmpty && text.allSatisfy { isAlphanumeric($0) || "+-.".utf8.contains($0) }
    }

    /// What comes after a string in quotes; nil where it does not end.
    private static func afterString(_ text: Substring.UTF8View) -> Substring.UTF8View? {
        var isEscaped = false
        for index in text.indices.dropFirst() {
            if isEscaped {
                isEscaped = false
            } else if text[index] == UInt8(ascii: "\\") {
                isEscaped = true
            } else if text[index] == UInt8(ascii: "\"") {
                return text[text.index(after: index)...]
            }
        }
        return nil
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
