import Failures

/// The records of a pax header, as its bytes spell them.
///
/// libarchive gives names in Unicode's composed form; two files whose names differ only in that would become one.
struct PaxRecords {
    private static let known: Set<String> = ["path", "linkpath", "size", "uid", "gid", "mtime"]

    private var values: [String: ArraySlice<UInt8>] = [:]

    /// Reads the records of a whole header: none when it is a single block.
    ///
    /// A record that this format does not write is refused: it might change what the entry is.
    init(header: [UInt8]) throws(Failure) {
        guard header.count > TarWalker.block else { return }
        guard let size = TarBlock.size(in: header[...]), size <= UInt64(header.count - 2 * TarWalker.block) else {
            throw Self.fault("a pax header has no size")
        }
        var rest = header[TarWalker.block..<(TarWalker.block + Int(size))]
        guard header[rest.endIndex..<(header.count - TarWalker.block)].allSatisfy({ $0 == 0 }) else {
            throw Self.fault("there are bytes after the records")
        }
        while !rest.isEmpty {
            let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            guard let length = Int(String(decoding: digits, as: UTF8.self)), length <= rest.count,
                digits.count + 1 < length, rest.dropFirst(digits.count).first == UInt8(ascii: " "),
                let equals = rest.prefix(length).firstIndex(of: UInt8(ascii: "=")),
                rest.prefix(length).last == UInt8(ascii: "\n")
            else {
                throw Self.fault("a record is not well formed")
            }
            let name = String(decoding: rest[(rest.startIndex + digits.count + 1)..<equals], as: UTF8.self)
            let value = rest.prefix(length)[(equals + 1)...].dropLast()
            guard Self.known.contains(name) else { throw Self.fault("the unknown record \(name)") }
            guard !value.contains(0) else { throw Self.fault("the record \(name) has a NUL byte") }
            guard Self.isWellFormed(value, of: name) else { throw Self.fault("the record \(name) is no number") }
            guard values.updateValue(value, forKey: name) == nil else { throw Self.fault("the record \(name) twice") }
            rest = rest.dropFirst(length)
        }
    }

    /// The exact spelling of a name that libarchive read.
    func exact(_ record: String, read text: String) throws(Failure) -> String {
        guard let value = values[record] else { return text }
        // Swift's strings are equal across the forms of Unicode, which is just what may differ.
        guard let exact = String(validating: value, as: UTF8.self), exact == text else {
            throw Self.fault("the record \(record) does not read as \(text)")
        }
        return exact
    }

    /// libarchive reads as many digits as there are, and takes what follows them for nothing.
    private static func isWellFormed(_ value: ArraySlice<UInt8>, of name: String) -> Bool {
        func isDigits(_ part: ArraySlice<UInt8>) -> Bool {
            1...19 ~= part.count && part.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        switch name {
        case "size", "uid", "gid": return isDigits(value)
        case "mtime":
            let unsigned = value.first == UInt8(ascii: "-") ? value.dropFirst() : value
            let parts = unsigned.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
            return parts.allSatisfy(isDigits)
        default: return true
        }
    }

    private static func fault(_ why: String) -> Failure {
        Failure(.verificationFailed, "a tar header cannot be read", why: why)
    }
}
