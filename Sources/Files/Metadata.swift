import CLinux
public import Failures
import Glibc

/// What is kept of a file besides its bytes. A nil part is left as it is.
public struct FileMetadata: Sendable, Hashable {
    /// Permission bits, with setuid, setgid and sticky (0o7777).
    public var mode: UInt32?
    /// The numeric owner.
    public var uid: UInt32?
    /// The numeric group.
    public var gid: UInt32?
    /// When the content changed last.
    public var modified: FileTime?

    /// Creates metadata.
    public init(mode: UInt32? = nil, uid: UInt32? = nil, gid: UInt32? = nil, modified: FileTime? = nil) {
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.modified = modified
    }

    /// The metadata that a status tells.
    public init(_ status: FileStatus) {
        self.init(mode: status.mode, uid: status.uid, gid: status.gid, modified: status.modified)
    }
}

/// What to do about an owner that only root may set.
public enum OwnerRule: Sendable {
    /// It must be as asked, or the operation fails.
    case required
    /// It is set when that is allowed, and left otherwise.
    case whenPermitted
    /// It is left as it is.
    case ignored
}

/// Sets metadata by path; of a symbolic link its own owner and time. Gives whether the owner is as asked.
@discardableResult
public func setMetadata(
    _ path: String, _ metadata: FileMetadata, owner: OwnerRule = .required
) throws(Failure) -> Bool {
    try refuseNUL(path)
    let status = try FileStatus(of: path)
    guard status.kind == .symbolicLink else {
        guard status.kind == .regular || status.kind == .directory else {
            throw Failure(.refused, "cannot set the mode of \(path)", why: "it is a \(status.kind.rawValue)")
        }
        return try FileDescriptor(opening: path, O_NOFOLLOW | O_NONBLOCK).setMetadata(metadata, owner: owner)
    }
    let (directory, name) = splitPath(path)
    return try setLinkMetadata(name, in: FileDescriptor(opening: directory, O_DIRECTORY), metadata, owner: owner)
}

func setLinkMetadata(
    _ name: String, in directory: borrowing FileDescriptor, _ metadata: FileMetadata, owner: OwnerRule
) throws(Failure) -> Bool {
    let raw = directory.raw
    let path = joinPath(directory.path, name)
    let status = try FileStatus(of: name, in: directory)
    let kept = try applyOwner(metadata, over: status, path: path, rule: owner) { uid, gid in
        fchownat(raw, name, uid, gid, AT_SYMLINK_NOFOLLOW)
    }
    if let modified = metadata.modified {
        let times = [timespec(tv_sec: 0, tv_nsec: Int(omitTime)), modified.specification]
        try systemCall("set the time of", path) { utimensat(raw, name, times, AT_SYMLINK_NOFOLLOW) }
    }
    return kept
}

/// UTIME_OMIT: leave this time as it is.
private let omitTime = (1 << 30) - 2

private func applyOwner(
    _ metadata: FileMetadata, over status: FileStatus, path: String, rule: OwnerRule,
    _ change: (UInt32, UInt32) -> Int32
) throws(Failure) -> Bool {
    let uid = metadata.uid ?? status.uid
    let gid = metadata.gid ?? status.gid
    if (uid, gid) == (status.uid, status.gid) { return true }
    if rule == .ignored { return false }
    let number = errorNumber { change(uid, gid) }
    if number == 0 { return true }
    if rule == .whenPermitted, number == EPERM || number == EINVAL { return false }
    throw Failure.system("change the owner to \(uid):\(gid) of", path, number)
}

extension FileDescriptor {
    /// Sets metadata of the open file; gives whether the owner is as asked.
    @discardableResult
    public func setMetadata(_ metadata: FileMetadata, owner: OwnerRule = .required) throws(Failure) -> Bool {
        let kept = try applyOwner(metadata, over: status(), path: path, rule: owner) { fchown(raw, $0, $1) }
        // After the owner: chown clears setuid and setgid.
        if let mode = metadata.mode { try systemCall("change the mode of", path) { fchmod(raw, mode & 0o7777) } }
        if let modified = metadata.modified {
            let times = [timespec(tv_sec: 0, tv_nsec: Int(omitTime)), modified.specification]
            try systemCall("set the time of", path) { futimens(raw, times) }
        }
        return kept
    }
}
