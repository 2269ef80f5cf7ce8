/// What the API server lets names be, checked again: they become paths, and answers are not believed.
enum ObjectName {
    /// RFC 1123 label: names of namespaces.
    static func isLabel(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            && isAlphanumeric(text.utf8.first) && isAlphanumeric(text.utf8.last)
    }

    /// RFC 1123 subdomain: names of most objects.
    static func isSubdomain(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isSubdomainPart($0.utf8) }
    }

    /// A path segment, as RBAC takes for names, and nothing that a file system could take for something else.
    static func isPathSafe(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { byte in
                isAlphanumeric(byte) || (0x41...0x5A).contains(byte) || "-._:".utf8.contains(byte)
            }
    }

    private static func isSubdomainPart(_ part: Substring.UTF8View) -> Bool {
        !part.isEmpty && part.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            && isAlphanumeric(part.first) && isAlphanumeric(part.last)
    }

    private static func isAlphanumeric(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
