internal import Failures
internal import Files

/// The files that a configuration names: paths and globs, relative to its own directory.
struct FilePatterns: Sendable {
    var directory: String
    var patterns: [Pattern] = []

    struct Pattern: Sendable {
        var text: String
        var origin: Origin
    }

    /// The paths of a pattern, sorted: those that are there for a glob, the path itself otherwise.
    func paths(of pattern: Pattern) throws(Failure) -> [String] {
        let absolute = Self.absolute(pattern.text, in: directory)
        guard Glob.isPattern(absolute) else { return [absolute] }
        var found = [""]
        for part in absolute.split(separator: "/").map(String.init) {
            guard Glob.isPattern(part) else {
                found = found.map { "\($0)/\(part)" }
                continue
            }
            var next: [String] = []
            let glob = Glob(part)
            for folder in found where try FileStatus.ifPresent(folder + "/", following: true)?.kind == .directory {
                next += try directoryNames(folder + "/").filter { !$0.hasPrefix(".") && glob.matches($0) }
                    .map { "\(folder)/\($0)" }
            }
            found = next
        }
        var files: [String] = []
        for path in found where try FileStatus.ifPresent(path, following: true)?.kind == .regular { files.append(path) }
        return files
    }

    /// A path without `.`, `..` and doubled slashes.
    static func absolute(_ path: String, in directory: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : "\(directory)/\(path)").split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
