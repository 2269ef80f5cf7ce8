import CArchive
import Failures
import Files
import Glibc

/// Unpacks a zip file of one entry, as k3s compresses a snapshot, into a scratch file without a name.
///
/// The list of entries at the end of a zip file is read first, so one that is still being written is refused.
func unpackZippedSnapshot(_ path: String, scratchDirectory: String) throws(Failure) -> OpenFile {
    let reader = try ZipReader(path)
    try reader.open()
    guard let size = try reader.nextEntry() else { throw ZipReader.unreadable(path, "there is nothing in it") }
    let free = try FileSystemFacts(of: scratchDirectory).freeBytes
    guard free >= size else {
        throw Failure(
            .refused, "there is too little space in \(scratchDirectory) to unpack \(path)",
            why: "\(free >> 20) MiB are free, and it has \(size >> 20) MiB",
            next: "free space, or give another place for scratch files with --scratch")
    }
    let scratch = try FileDescriptor.temporary(in: scratchDirectory)
    var written: UInt64 = 0
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = try reader.read(into: &buffer)
        guard count > 0 else { break }
        guard UInt64(count) <= size - written else { throw ZipReader.unreadable(path, "it holds more than it says") }
        try buffer.withBytes { (bytes) throws(Failure) in
            try scratch.writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: written)
        }
        written += UInt64(count)
    }
    guard written == size else { throw ZipReader.unreadable(path, "it holds less than it says") }
    guard try reader.nextEntry() == nil else { throw ZipReader.unreadable(path, "it holds more than one file") }
    return try OpenFile(scratch)
}

/// libarchive's reader of zip files with their list at the end.
private struct ZipReader: ~Copyable {
    private let handle: OpaquePointer
    private let file: FileDescriptor
    private let path: String

    init(_ path: String) throws(Failure) {
        let file = try FileDescriptor(opening: path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        guard try file.status().kind == .regular else { throw Failure(.refused, "\(path) is no regular file") }
        guard let handle = archive_read_new() else { throw Failure(.failed, "no memory to read \(path)") }
        self.path = path
        self.file = file
        self.handle = handle
    }

    deinit { archive_read_free(handle) }

    /// Finds the list of entries.
    func open() throws(Failure) {
        guard archive_read_support_format_zip_seekable(handle) == ARCHIVE_OK,
            archive_read_open_fd(handle, file.raw, 1 << 16) == ARCHIVE_OK
        else { throw failure() }
    }

    /// The size of the next entry; nil after the last.
    func nextEntry() throws(Failure) -> UInt64? {
        var entry: OpaquePointer?
        let code = archive_read_next_header(handle, &entry)
        if code == ARCHIVE_EOF { return nil }
        guard code == ARCHIVE_OK, let entry, archive_entry_size_is_set(entry) != 0 else { throw failure() }
        guard let size = UInt64(exactly: archive_entry_size(entry)) else { throw failure() }
        return size
    }

    /// Reads at most the buffer; 0 at the end of the entry. A wrong CRC is a failure as well.
    func read(into buffer: inout [UInt8]) throws(Failure) -> Int {
        let count = buffer.withUnsafeMutableBytes { archive_read_data(handle, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw failure() }
        return count
    }

    private func failure() -> Failure {
        Self.unreadable(path, archive_error_string(handle).map { String(cString: $0) } ?? "libarchive cannot read it")
    }

    static func unreadable(_ path: String, _ why: String) -> Failure {
        Failure(
            .verificationFailed, "\(path) is no whole etcd snapshot", why: why,
            next: "take another with: k3s etcd-snapshot save")
    }
}
