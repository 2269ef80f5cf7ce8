public import Failures

/// A relative path from outside (an archive, a record) that is proved to stay below wherever it is put.
public struct TreePath: Sendable, Hashable {
    /// The parts, none of them empty, `.` or `..`.
    public let components: [String]
    /// The path, without a slash at either end.
    public var string: String { components.joined(separator: "/") }

    /// Checks a path: relative, no `.` or `..` or empty part, no NUL, at most 255 bytes a part and 4096 altogether.
    public init(_ path: String) throws(Failure) {
        func refuse(_ why: String) -> Failure {
            Failure(.refused, "unsafe path \(String(path.prefix(200)).debugDescription)", why: why)
        }
        if path.isEmpty { throw refuse("it is empty") }
        if path.utf8.count > 4096 { throw refuse("it is longer than 4096 bytes") }
        if path.utf8.contains(0) { throw refuse("it holds a NUL byte") }
        if path.utf8.first == UInt8(ascii: "/") { throw refuse("it is absolute") }
        // By bytes: a combining mark after a slash would make one character with it.
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if parts.count >= deepestTree { throw refuse("it is more than \(deepestTree) directories deep") }
        var components: [String] = []
        for part in parts {
            let name = String(Substring(part))
            if name.isEmpty { throw refuse("it has an empty part") }
            if name == "." || name == ".." { throw refuse("it has a part that leaves the tree") }
            if name.utf8.count > 255 { throw refuse("a part is longer than 255 bytes") }
            components.append(name)
        }
        self.components = components
    }

    /// Refuses the target of a symbolic link at this path unless it is relative and stays in the tree, whatever other
    /// links are there: `..` only in front (there it climbs real directories, which hold no surprises).
    public func checkLink(to target: String) throws(Failure) {
        func refuse(_ why: String) -> Failure {
            Failure(
                .refused,
                "unsafe symbolic link \(string.debugDescription) to \(String(target.prefix(200)).debugDescription)",
                why: why)
        }
        if target.isEmpty || target.utf8.count > 4096 || target.utf8.contains(0) { throw refuse("no valid target") }
        if target.utf8.first == UInt8(ascii: "/") { throw refuse("it is absolute") }
        var climbed = 0
        var descended = false
        for part in target.utf8.split(separator: UInt8(ascii: "/")) {
            switch String(Substring(part)) {
            case ".": continue
            case "..":
                if descended { throw refuse("it climbs again after going down") }
                climbed += 1
            default: descended = true
            }
        }
        if climbed > components.count - 1 { throw refuse("it leaves the tree") }
    }
}
