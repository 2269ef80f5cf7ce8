internal import CLinux
public import Failures
import Glibc

/// Removes a path and all below it; nothing there is fine. It never follows a link and never enters another mount:
/// one below the path is refused, and what lies beside it may be gone by then.
public func removeTree(_ path: String) throws(Failure) {
    let parts = splitPath(path)
    guard !["", ".", "..", "/"].contains(parts.name) else {
        throw Failure(.refused, "cannot remove \(path)", why: "it names no single directory")
    }
    try refuseNUL(path)
    let parent: FileDescriptor
    do throws(Failure) {
        parent = try FileDescriptor(opening: parts.directory, O_DIRECTORY)
    } catch {
        guard error.code == .notFound else { throw error }
        return
    }
    try removeEntry(Array(parts.name.utf8), in: parent, depth: 0, device: nil)
}

/// Works on raw bytes, because what must go may have a name that is not UTF-8.
private func removeEntry(
    _ name: [UInt8], in directory: borrowing FileDescriptor, depth: Int, device: UInt64?
) throws(Failure) {
    let shown = joinPath(directory.path, String(decoding: name, as: UTF8.self))
    guard depth < deepestTree else {
        throw Failure(.refused, "cannot remove \(shown)", why: "it is more than \(deepestTree) directories deep")
    }
    let raw = directory.raw
    // The kernel's names are bytes; this is the same name with its end mark.
    let bytes = name.map { CChar(bitPattern: $0) } + [0]
    let status: FileStatus
    do throws(Failure) {
        status = try FileStatus.read(raw, bytes, following: false, shown: shown)
    } catch {
        guard error.code == .notFound else { throw error }
        return
    }
    if status.isMountRoot == true || (status.kind == .directory && device != nil && status.device != device) {
        throw Failure(
            .refused, "cannot remove \(shown)", why: "another file system is mounted there", next: "Unmount it first.")
    }
    if status.kind == .directory {
        try removeContents(bytes, in: directory, shown: shown, depth: depth, status: status)
    }
    let flag = status.kind == .directory ? AT_REMOVEDIR : 0
    let number = errorNumber { unlinkat(raw, bytes, flag) }
    guard number == 0 || number == ENOENT else { throw Failure.system("remove", shown, number) }
}

private func removeContents(
    _ name: [CChar], in directory: borrowing FileDescriptor, shown: String, depth: Int, status: FileStatus
) throws(Failure) {
    let raw = directory.raw
    if status.mode & 0o700 != 0o700 {
        // Where this is not allowed, what follows says so.
        _ = fchmodat(raw, name, status.mode | 0o700, AT_SYMLINK_NOFOLLOW)
    }
    let opened = try systemCall("open", shown) { daytwo_open_beneath(raw, name, O_DIRECTORY, 0) }
    let child = FileDescriptor(owning: opened, path: shown)
    guard try child.status().isSameFile(as: status) else {
        throw Failure(.failed, "cannot remove \(shown)", why: "something else changes it at the same time")
    }
    let listing = try listDirectory(child)
    for bytes in listing.names.map({ Array($0.utf8) }) + listing.undecodable {
        try removeEntry(bytes, in: child, depth: depth + 1, device: status.device)
    }
}
