public import Failures
import Glibc

/// The names of temporary files: `.NAME.XXXXXXXX.partial`.
public enum PartialName {
    static let ending = ".partial"

    static func make(for name: String) -> String {
        // Room for two dots, eight digits and the ending within the 255 bytes of a name.
        var stem = Substring(name)
        while stem.utf8.count > 255 - 2 - 8 - ending.utf8.count { stem.removeLast() }
        return ".\(stem).\(randomHex8())\(ending)"
    }

    /// Whether a file name is one of a temporary file of ours.
    public static func matches(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(ending) else { return false }
        let stem = name.utf8.dropLast(ending.utf8.count)
        guard stem.count >= 10, stem.dropLast(8).last == UInt8(ascii: ".") else { return false }
        return stem.suffix(8).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// Removes the temporary files of dead writers from one directory, and gives their names. A live writer holds the
/// lock of its file, so that its file stays. Where locks may not reach all the writers (a network file system),
/// `untouchedSince` spares files that were modified later.
@discardableResult
public func sweepPartialFiles(in path: String, untouchedSince: FileTime? = nil) throws(Failure) -> [String] {
    let directory = try FileDescriptor(opening: path, O_DIRECTORY)
    var removed: [String] = []
    for name in try listDirectory(directory).names where PartialName.matches(name) {
        if try removeIfAbandoned(name, in: directory, untouchedSince: untouchedSince) { removed.append(name) }
    }
    return removed
}

private func removeIfAbandoned(
    _ name: String, in directory: borrowing FileDescriptor, untouchedSince: FileTime?
) throws(Failure) -> Bool {
    let file: FileDescriptor
    do throws(Failure) {
        let status = try FileStatus(of: name, in: directory)
        guard status.kind == .regular else { return false }
        if let untouchedSince, status.modified > untouchedSince { return false }
        // NFS grants an exclusive lock only on what is open for writing.
        file = try FileDescriptor(opening: name, in: directory, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    } catch {
        // Committed or removed meanwhile.
        guard error.code == .notFound else { throw error }
        return false
    }
    guard try file.lockExclusive() else { return false }
    let raw = directory.raw
    do throws(Failure) {
        // Under the lock the name must still be this file: it may have been renamed and made anew.
        guard try file.status().isSameFile(as: FileStatus(of: name, in: directory)) else { return false }
        try systemCall("remove", joinPath(directory.path, name)) { unlinkat(raw, name, 0) }
    } catch {
        guard error.code == .notFound else { throw error }
        return false
    }
    return true
}
