public import Failures
import Glibc

/// One file below the root of a walk.
public struct TreeEntry: Sendable, Hashable {
    /// The path relative to the root, without a leading slash.
    public let path: String
    /// What lstat says.
    public let status: FileStatus
    /// Where a symbolic link points, as it is written.
    public let linkTarget: String?
    /// Another file system is mounted here; what lies in it is not walked.
    public let isMountPoint: Bool

    /// Creates an entry; walks do.
    public init(path: String, status: FileStatus, linkTarget: String?, isMountPoint: Bool) {
        self.path = path
        self.status = status
        self.linkTarget = linkTarget
        self.isMountPoint = isMountPoint
    }
}

/// How deep a tree may be; one descriptor is open for each level.
let deepestTree = 200

/// Everything below a directory (not the root itself), sorted by the bytes of the path, so that a directory comes
/// before what it holds. Links are not followed, mounts not entered; files that vanish meanwhile are left out.
///
/// The first thing that cannot be walked (no permission, a name that is not UTF-8) throws, unless `skipping` takes it:
/// it gets the relative path and the reason, and may throw itself.
public func walkTree(
    _ root: String, skipping: ((String, Failure) throws(Failure) -> Void)? = nil
) throws(Failure) -> [TreeEntry] {
    let base = try FileDescriptor(opening: root, O_DIRECTORY)
    var entries: [TreeEntry] = []
    try walk(base, below: "", depth: 0, device: try base.status().device, into: &entries) {
        path, failure throws(Failure) in
        guard let skipping else { throw failure }
        try skipping(path, failure)
    }
    // Depth first with sorted names is not the order of the paths: "a-b" sorts before "a/b".
    entries.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return entries
}

private func walk(
    _ directory: borrowing FileDescriptor, below prefix: String, depth: Int, device: UInt64,
    into entries: inout [TreeEntry], skipping: (String, Failure) throws(Failure) -> Void
) throws(Failure) {
    guard depth < deepestTree else {
        throw Failure(.refused, "\(directory.path) is more than \(deepestTree) directories deep")
    }
    let listing: DirectoryListing
    do throws(Failure) {
        listing = try listDirectory(directory)
    } catch {
        guard depth > 0 else { throw error }
        return try skipping(prefix, error)
    }
    for name in listing.undecodable {
        try skipping(
            joinPath(prefix, String(decoding: name, as: UTF8.self)), undecodableName(name, in: directory.path))
    }
    for name in listing.names {
        let path = joinPath(prefix, name)
        let child: FileDescriptor
        do throws(Failure) {
            let status = try FileStatus(of: name, in: directory)
            let target = status.kind == .symbolicLink ? try readLink(name, in: directory) : nil
            let mounted = status.isMountRoot == true || (status.kind == .directory && status.device != device)
            let entry = TreeEntry(path: path, status: status, linkTarget: target, isMountPoint: mounted)
            entries.append(entry)
            guard status.kind == .directory, !mounted else { continue }
            do throws(Failure) {
                child = try FileDescriptor(openingBeneath: name, in: directory, O_DIRECTORY)
            } catch {
                guard error.systemError == EXDEV else { throw error }
                // Only an older kernel comes here: it has openat2, but does not tell mounts in statx.
                entries[entries.count - 1] = TreeEntry(path: path, status: status, linkTarget: nil, isMountPoint: true)
                continue
            }
        } catch {
            if error.code != .notFound { try skipping(path, error) }
            continue
        }
        try walk(child, below: path, depth: depth + 1, device: device, into: &entries, skipping: skipping)
    }
}

/// Where a symbolic link points, as it is written; one that is not UTF-8 throws.
func readLink(_ name: String, in directory: borrowing FileDescriptor) throws(Failure) -> String {
    let raw = directory.raw
    let path = joinPath(directory.path, name)
    var buffer = [UInt8](repeating: 0, count: 4097)
    let count = try buffer.withMutableBytes { bytes throws(Failure) in
        try systemCall("read the link", path) {
            guard let start = bytes.baseAddress else { return 0 }
            return readlinkat(raw, name, start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
    }
    guard count <= 4096, let target = String(validating: buffer[..<count], as: UTF8.self) else {
        throw Failure(.refused, "the symbolic link \(path) points to something that is not UTF-8 or too long")
    }
    return target
}

/// Where the symbolic link at a path points, as it is written; one that is not UTF-8 throws.
public func readLink(_ path: String) throws(Failure) -> String {
    let parts = splitPath(path)
    return try readLink(parts.name, in: FileDescriptor(opening: parts.directory, O_DIRECTORY))
}
