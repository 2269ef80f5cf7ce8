internal import CLinux
public import Failures
import Glibc

/// Copies a regular file to a new name with mode, owner and modification time. Blocks are shared where the file system
/// can (FICLONE), copied inside the kernel otherwise. Not durable by itself: synchronize the file or the tree.
/// Gives whether the owner is as in the original.
@discardableResult
public func copyFile(
    from source: String, to target: String, owner: OwnerRule = .whenPermitted
) throws(Failure) -> Bool {
    let input = try FileDescriptor(opening: source, O_NOFOLLOW | O_NONBLOCK)
    let status = try input.status()
    guard status.kind == .regular else {
        throw Failure(.refused, "cannot copy \(source)", why: "it is no regular file but a \(status.kind.rawValue)")
    }
    // Only the owner until the bytes are in: the original's mode comes last.
    let output = try FileDescriptor(opening: target, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
    do throws(Failure) {
        try copyContents(of: input, to: output)
        return try output.setMetadata(FileMetadata(status), owner: owner)
    } catch {
        _ = unlink(target)
        throw error
    }
}

/// Copies all bytes into an empty file.
func copyContents(of input: borrowing FileDescriptor, to output: borrowing FileDescriptor) throws(Failure) {
    let (from, to) = (input.raw, output.raw)
    if errorNumber({ daytwo_clone(to, from) }) == 0 { return }
    var done: UInt64 = 0
    kernel: while true {
        let count = copy_file_range(from, nil, to, nil, 1 << 30, 0)
        let number = errno
        switch count {
        case 1...: done += UInt64(count)
        // The end, or one of the file systems that wrongly say so: reading on tells which.
        case 0: break kernel
        default:
            switch number {
            case EINTR: continue
            case EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EBADF, EIO: break kernel
            default: throw Failure.system("copy to", output.path, number)
            }
        }
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = try buffer.withMutableBytes { bytes throws(Failure) in
            let count = try input.read(into: bytes, at: done)
            try output.writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: done)
            return count
        }
        if count == 0 { return }
        done += UInt64(count)
    }
}
