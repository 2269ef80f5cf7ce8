public import Failures
import Glibc

/// The names in a directory, sorted by bytes; those that are not UTF-8 apart, as raw bytes.
struct DirectoryListing {
    var names: [String] = []
    var undecodable: [[UInt8]] = []
}

func listDirectory(_ directory: borrowing FileDescriptor) throws(Failure) -> DirectoryListing {
    // fdopendir takes the descriptor over, and shares its position: open the directory anew.
    let own = try FileDescriptor(opening: ".", in: directory, O_DIRECTORY)
    let path = directory.path
    let copy = try systemCall("open", path) { fcntl(own.raw, F_DUPFD_CLOEXEC, 3) }
    guard let stream = fdopendir(copy) else {
        let number = errno
        _ = close(copy)
        throw Failure.system("list", path, number)
    }
    defer { closedir(stream) }
    var listing = DirectoryListing()
    while true {
        errno = 0
        guard let entry = readdir(stream) else {
            let number = errno
            if number != 0 { throw Failure.system("list", path, number) }
            break
        }
        // The record is shorter than the struct; copying the struct would read past its end.
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { break }
        let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: UInt8.self)
        let bytes = Array(UnsafeBufferPointer(start: start, count: strlen(UnsafePointer<CChar>(OpaquePointer(start)))))
        if bytes == [0x2E] || bytes == [0x2E, 0x2E] { continue }
        if let name = String(validating: bytes, as: UTF8.self) {
            listing.names.append(name)
        } else {
            listing.undecodable.append(bytes)
        }
    }
    listing.names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return listing
}

/// The names in a directory, sorted by bytes, without `.` and `..`. A name that is not UTF-8 throws.
public func directoryNames(_ path: String) throws(Failure) -> [String] {
    let listing = try listDirectory(FileDescriptor(opening: path, O_DIRECTORY))
    if let name = listing.undecodable.first { throw undecodableName(name, in: path) }
    return listing.names
}

func undecodableName(_ name: [UInt8], in path: String) -> Failure {
    Failure(
        .refused, "a file name in \(path) is not UTF-8: \(String(decoding: name, as: UTF8.self).debugDescription)",
        next: "Rename or remove it.")
}

/// Creates a directory (0700 unless told) and, unless told not to, those above that are missing, each made durable in
/// its parent. One that is there already is fine; anything else in its place is refused.
public func createDirectory(_ path: String, mode: UInt32 = 0o700, parents: Bool = true) throws(Failure) {
    try refuseNUL(path)
    let number = errorNumber { mkdir(path, mode) }
    let parent = splitPath(path).directory
    switch number {
    case 0: try synchronizeDirectory(parent)
    case EEXIST:
        guard try FileStatus(of: path, following: true).kind == .directory else {
            throw Failure(.refused, "\(path) is there already and is no directory")
        }
    case ENOENT where parents && parent != path && parent != ".":
        try createDirectory(parent, mode: mode)
        // Where nothing can be made (/proc), the answer is the same again.
        try createDirectory(path, mode: mode, parents: false)
    default: throw Failure.system("create directory", path, number)
    }
}

/// The absolute path without links, `.` and `..`.
public func realPath(_ path: String) throws(Failure) -> String {
    try refuseNUL(path)
    guard let resolved = realpath(path, nil) else { throw Failure.system("look at", path, errno) }
    defer { free(resolved) }
    guard let text = String(validatingCString: resolved) else {
        throw Failure(.refused, "the real path of \(path) is not UTF-8")
    }
    return text
}
