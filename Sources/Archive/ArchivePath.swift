/// Which paths and links an archive may hold.
public enum ArchivePath {
    /// The longest path that is written or read, in bytes; Linux opens no longer one.
    static let longest = 4096

    /// Says what is wrong with a path below the top folder, or nil.
    public static func fault(in path: String) -> String? {
        if path.isEmpty { return "it is empty" }
        if path.utf8.count > longest { return "it is longer than \(longest) bytes" }
        if path.utf8.contains(0) { return "it has a NUL byte" }
        if path.utf8.first == UInt8(ascii: "/") { return "it is absolute" }
        for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if part.isEmpty { return "it has an empty part" }
            if part.count > 255 { return "it has a part longer than 255 bytes" }
            if part.elementsEqual(".".utf8) { return "it has a . part" }
            if part.elementsEqual("..".utf8) { return "it has a .. part" }
        }
        return nil
    }

    /// Says why a link at `path` may not be in an archive, or nil when its target stays inside the top folder.
    ///
    /// `..` may only lead: after a name that is itself a link, it would go up from somewhere else.
    public static func fault(inLinkAt path: String, target: String) -> String? {
        if target.isEmpty { return "its target is empty" }
        if target.utf8.count > longest { return "its target is longer than \(longest) bytes" }
        if target.utf8.contains(0) { return "its target has a NUL byte" }
        if target.utf8.first == UInt8(ascii: "/") { return "its target is absolute" }
        var depth = path.utf8.count { $0 == UInt8(ascii: "/") }
        var named = false
        for part in target.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) {
            if part.elementsEqual("..".utf8) {
                if named { return "its target has .. after a name" }
                if depth == 0 { return "its target leaves the folder" }
                depth -= 1
            } else if !part.elementsEqual(".".utf8) {
                named = true
            }
        }
        return nil
    }
}

/// The paths met so far: each once, and nothing below what is not a directory.
struct EntryTree: Sendable {
    private enum Node { case directory, impliedDirectory, leaf }

    // Keyed by bytes: two spellings of `é` are two files.
    private var nodes: [[UInt8]: Node] = [:]

    /// Adds an entry, or says what is wrong with it.
    mutating func add(_ header: EntryHeader) -> String? {
        if let fault = ArchivePath.fault(in: header.path) { return fault }
        if case .symbolicLink(let target) = header.kind,
            let fault = ArchivePath.fault(inLinkAt: header.path, target: target)
        {
            return fault
        }
        if header.kind != .file, header.size != 0 { return "it is no file and has \(header.size) bytes" }
        if header.mode > 0o7777 { return "it has mode bits that are no permissions" }
        if header.modificationNanoseconds > 999_999_999 { return "its time has more nanoseconds than a second" }
        let path = Array(header.path.utf8)
        for (position, byte) in path.enumerated() where byte == UInt8(ascii: "/") {
            let parent = Array(path[..<position])
            switch nodes[parent] {
            case .leaf: return "\(String(decoding: parent, as: UTF8.self)) above it is no directory"
            case nil: nodes[parent] = .impliedDirectory
            case .directory, .impliedDirectory: break
            }
        }
        switch nodes[path] {
        case .directory, .leaf: return "it is there twice"
        case .impliedDirectory where header.kind != .directory: return "it is no directory, yet entries lie below it"
        case .impliedDirectory, nil: nodes[path] = header.kind == .directory ? .directory : .leaf
        }
        return nil
    }
}
