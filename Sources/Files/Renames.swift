internal import CLinux
public import Failures
import Glibc

/// Exchanges two paths in one step; both must exist, on one file system. Synchronize their directories afterwards.
///
/// Refused where the file system cannot do it: two renames in its place would leave a moment with neither.
public func exchange(_ first: String, _ second: String) throws(Failure) {
    try refuseNUL(first)
    try refuseNUL(second)
    let number = errorNumber { daytwo_exchange(AT_FDCWD, first, AT_FDCWD, second) }
    switch number {
    case 0: return
    case EINVAL, ENOSYS, EOPNOTSUPP:
        throw Failure(
            .refused, "cannot exchange \(first) and \(second) in one step",
            why: "this file system has no RENAME_EXCHANGE", next: "Use a directory on ext4, xfs or btrfs.",
            cause: SystemError(number))
    case EXDEV:
        throw Failure(
            .refused, "cannot exchange \(first) and \(second) in one step",
            why: "they are on different file systems, mounts or overlay layers", cause: SystemError(number))
    default: throw Failure.system("exchange \(first) with", second, number)
    }
}

/// Renames, and is refused where the new name is taken. Synchronize the directories afterwards.
public func renameNew(_ old: String, to new: String) throws(Failure) {
    let from = splitPath(old)
    let to = splitPath(new)
    let oldDirectory = try FileDescriptor(opening: from.directory, O_DIRECTORY)
    let newDirectory = try FileDescriptor(opening: to.directory, O_DIRECTORY)
    try renameNew(from.name, in: oldDirectory, to: to.name, in: newDirectory)
}

/// Renames over whatever the new name is.
func renameOver(
    _ old: String, in oldDirectory: borrowing FileDescriptor, to new: String, in newDirectory: borrowing FileDescriptor
) throws(Failure) {
    let (a, b) = (oldDirectory.raw, newDirectory.raw)
    try systemCall("rename to", joinPath(newDirectory.path, new)) { renameat(a, old, b, new) }
}

func renameNew(
    _ old: String, in oldDirectory: borrowing FileDescriptor, to new: String, in newDirectory: borrowing FileDescriptor
) throws(Failure) {
    try refuseNUL(old)
    try refuseNUL(new)
    let (a, b) = (oldDirectory.raw, newDirectory.raw)
    let number = errorNumber { daytwo_rename_new(a, old, b, new) }
    switch number {
    case 0: return
    // NFS and some FUSE file systems know no RENAME_NOREPLACE; a hard link is just as exclusive.
    case EINVAL, ENOSYS: try linkNew(old, in: oldDirectory, to: new, in: newDirectory)
    default: throw Failure.system("rename to", joinPath(newDirectory.path, new), number)
    }
}

func linkNew(
    _ old: String, in oldDirectory: borrowing FileDescriptor, to new: String, in newDirectory: borrowing FileDescriptor
) throws(Failure) {
    let (a, b) = (oldDirectory.raw, newDirectory.raw)
    let target = joinPath(newDirectory.path, new)
    let before = try FileStatus(of: old, in: oldDirectory)
    guard before.kind != .directory else {
        throw Failure(
            .refused, "cannot rename a directory to \(target)",
            why: "this file system has no RENAME_NOREPLACE, so that something there could be overwritten")
    }
    let number = errorNumber { linkat(a, old, b, new, 0) }
    switch number {
    case 0: break
    case EEXIST:
        // A repeated NFS request may say so of the link that it made itself.
        guard try before.isSameFile(as: FileStatus(of: new, in: newDirectory)) else {
            throw Failure.system("rename to", target, EEXIST)
        }
    case EPERM, EOPNOTSUPP, ENOSYS, EMLINK:
        throw Failure(
            .refused, "cannot rename to \(target) without the risk of overwriting",
            why: "this file system has neither RENAME_NOREPLACE nor hard links", next: "Choose another file system.",
            cause: SystemError(number))
    default: throw Failure.system("link", target, number)
    }
    let unlinked = errorNumber { unlinkat(a, old, 0) }
    if unlinked != 0 {
        // As a rename: either done or not begun.
        _ = unlinkat(b, new, 0)
        throw Failure.system("unlink", joinPath(oldDirectory.path, old), unlinked)
    }
}
