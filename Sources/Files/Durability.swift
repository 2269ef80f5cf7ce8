public import Failures
import Glibc

/// Makes the names in a directory durable.
public func synchronizeDirectory(_ path: String) throws(Failure) {
    try FileDescriptor(opening: path, O_DIRECTORY).synchronizeNames()
}

extension FileDescriptor {
    /// Makes the names in an open directory durable.
    func synchronizeNames() throws(Failure) {
        do throws(Failure) {
            try synchronize()
        } catch {
            // The answer of file systems whose directories have no fsync (vboxsf): there is nothing to ask for.
            guard error.systemError == EINVAL else { throw error }
        }
    }
}

/// Makes a whole tree durable: every file, then every directory, the deepest first.
///
/// Not syncfs: that waits for every other writer of the file system, and before Linux 5.8 hides write errors. fsync of
/// each file reports exactly its own. A first pass starts all the write-back, so that the second finds most of it done.
public func synchronizeTree(_ root: String) throws(Failure) {
    let entries = try walkTree(root)
    let base = try FileDescriptor(opening: root, O_DIRECTORY)
    for entry in entries where entry.status.kind == .regular {
        let file = try FileDescriptor(openingBeneath: entry.path, in: base, O_NONBLOCK)
        try file.startWriteBack(at: 0, length: entry.status.size)
    }
    for entry in entries where entry.status.kind == .regular {
        try FileDescriptor(openingBeneath: entry.path, in: base, O_NONBLOCK).synchronize()
    }
    for entry in entries.reversed() where entry.status.kind == .directory {
        guard !entry.isMountPoint else {
            throw Failure(.refused, "cannot make \(joinPath(root, entry.path)) durable", why: "it is another mount")
        }
        try FileDescriptor(openingBeneath: entry.path, in: base, O_DIRECTORY).synchronizeNames()
    }
    try base.synchronizeNames()
}
