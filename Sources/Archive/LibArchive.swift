import CArchive
import Failures

/// What a call of libarchive came to. Every return code goes through here.
enum LibArchiveResult {
    case ok
    case end
    case failed(String)

    /// A warning is a failure: it means that a name or a number did not come through as it was.
    static func of(_ code: CInt, _ handle: OpaquePointer) -> LibArchiveResult {
        switch code {
        case ARCHIVE_OK: .ok
        case ARCHIVE_EOF: .end
        default: .failed(archive_error_string(handle).map { String(cString: $0) } ?? "libarchive returned \(code)")
        }
    }
}

/// Makes this thread's character set UTF-8 as long as it works with libarchive.
struct UTF8Locale: ~Copyable {
    // Nil where the C library knows no UTF-8 locale: then libarchive fails on names that are not ASCII.
    private let handle: locale_t?

    init() { handle = daytwo_new_utf8_locale() }

    deinit {
        if let handle { freelocale(handle) }
    }

    borrowing func use<Result, E: Error>(_ body: () throws(E) -> Result) throws(E) -> Result {
        guard let handle else { return try body() }
        let before = uselocale(handle)
        defer { uselocale(before) }
        return try body()
    }
}

/// An entry of libarchive.
private struct ArchiveEntryHandle: ~Copyable {
    let raw: OpaquePointer

    init() throws(Failure) {
        guard let raw = archive_entry_new() else { throw Failure(.failed, "no memory for a tar entry") }
        self.raw = raw
    }

    deinit { archive_entry_free(raw) }
}

/// A libarchive writer that is used for one header.
private struct HeaderWriter: ~Copyable {
    let raw: OpaquePointer

    init() throws(Failure) {
        guard let raw = archive_write_new() else { throw Failure(.failed, "no memory for a tar header") }
        self.raw = raw
    }

    deinit {
        // Without this, freeing would close the entry and write its bytes as zeros.
        archive_write_fail(raw)
        archive_write_free(raw)
    }

    borrowing func check(_ code: CInt, _ path: String) throws(Failure) {
        guard case .ok = LibArchiveResult.of(code, raw) else {
            throw Failure(
                .failed, "a tar header cannot hold \"\(path)\"",
                why: archive_error_string(raw).map { String(cString: $0) })
        }
    }
}

/// A libarchive reader that is used for one header.
private struct HeaderReader: ~Copyable {
    let raw: OpaquePointer

    init() throws(Failure) {
        guard let raw = archive_read_new() else { throw Failure(.failed, "no memory to read a tar header") }
        self.raw = raw
    }

    deinit { archive_read_free(raw) }

    borrowing func check(_ code: CInt) throws(Failure) {
        switch LibArchiveResult.of(code, raw) {
        case .ok: return
        case .end: throw Failure(.verificationFailed, "a tar header is empty")
        case .failed(let why): throw Failure(.verificationFailed, "a tar header cannot be read", why: why)
        }
    }
}

/// Tar headers to and from bytes, in the pax format, through libarchive.
///
/// libarchive sees one whole header at a time and never the stream: it would skip garbage between entries, and
/// return the same error for ever on a cut one. ``TarWalker`` owns the framing.
struct TarHeaderCodec: ~Copyable {
    private let locale = UTF8Locale()

    /// Encodes a header; the same header always gives the same bytes.
    borrowing func encode(_ header: EntryHeader) throws(Failure) -> [UInt8] {
        try locale.use { () throws(Failure) in
            let entry = try ArchiveEntryHandle()
            archive_entry_set_pathname(entry.raw, header.path)
            switch header.kind {
            case .file: archive_entry_set_filetype(entry.raw, UInt32(S_IFREG))
            case .directory: archive_entry_set_filetype(entry.raw, UInt32(S_IFDIR))
            case .symbolicLink(let target):
                archive_entry_set_filetype(entry.raw, UInt32(S_IFLNK))
                archive_entry_set_symlink(entry.raw, target)
            }
            archive_entry_set_perm(entry.raw, UInt32(header.mode))
            archive_entry_set_size(entry.raw, Int64(clamping: header.size))
            archive_entry_set_uid(entry.raw, Int64(header.userID))
            archive_entry_set_gid(entry.raw, Int64(header.groupID))
            archive_entry_set_mtime(
                entry.raw, Int(header.modificationSeconds), Int(header.modificationNanoseconds))

            let writer = try HeaderWriter()
            try writer.check(archive_write_set_format_pax(writer.raw), header.path)
            try writer.check(archive_write_add_filter_none(writer.raw), header.path)
            try writer.check(archive_write_set_bytes_per_block(writer.raw, 0), header.path)
            var failure: Failure?
            let bytes = [UInt8](unsafeUninitializedCapacity: TarWalker.longestHeader) { buffer, count in
                do throws(Failure) {
                    try writer.check(
                        archive_write_open_memory(writer.raw, buffer.baseAddress, buffer.count, &count), header.path)
                    try writer.check(archive_write_header(writer.raw, entry.raw), header.path)
                } catch {
                    failure = error
                    count = 0
                }
            }
            if let failure { throw failure }
            return bytes
        }
    }

    /// Decodes exactly one header; a warning of libarchive is a failure.
    borrowing func decode(_ bytes: [UInt8]) throws(Failure) -> EntryHeader {
        let records = try PaxRecords(header: bytes)
        return try locale.use { () throws(Failure) in
            let reader = try HeaderReader()
            try reader.check(archive_read_support_format_tar(reader.raw))
            return try bytes.withBytes { buffer throws(Failure) in
                try reader.check(archive_read_open_memory(reader.raw, buffer.baseAddress, buffer.count))
                var entry: OpaquePointer?
                try reader.check(archive_read_next_header(reader.raw, &entry))
                guard let entry else { throw Failure(.verificationFailed, "a tar header is empty") }
                return try Self.header(of: entry, records)
            }
        }
    }

    private static func header(of entry: OpaquePointer, _ records: PaxRecords) throws(Failure) -> EntryHeader {
        func text(_ pointer: UnsafePointer<CChar>?) throws(Failure) -> String {
            guard let pointer, let text = String(validatingCString: pointer) else {
                throw Failure(.verificationFailed, "a tar header has a name that is not UTF-8")
            }
            return text
        }
        func number<Value: FixedWidthInteger>(_ value: some FixedWidthInteger) throws(Failure) -> Value {
            guard let exact = Value(exactly: value) else {
                throw Failure(.verificationFailed, "a tar header has a number out of range", why: "\(value)")
            }
            return exact
        }
        let path = try records.exact("path", read: text(archive_entry_pathname(entry)))
        guard archive_entry_hardlink(entry) == nil, archive_entry_sparse_count(entry) == 0 else {
            throw Failure(.verificationFailed, "a tar header makes \"\(path)\" a hard link or a sparse file")
        }
        let kind: EntryKind
        switch UInt32(archive_entry_filetype(entry)) {
        case UInt32(S_IFREG): kind = .file
        case UInt32(S_IFDIR): kind = .directory
        case UInt32(S_IFLNK):
            kind = .symbolicLink(target: try records.exact("linkpath", read: text(archive_entry_symlink(entry))))
        default: throw Failure(.verificationFailed, "a tar header makes \"\(path)\" neither file, directory nor link")
        }
        return EntryHeader(
            path: path, kind: kind, size: try number(archive_entry_size(entry)),
            mode: try number(archive_entry_perm(entry)), userID: try number(archive_entry_uid(entry)),
            groupID: try number(archive_entry_gid(entry)), modificationSeconds: Int64(archive_entry_mtime(entry)),
            modificationNanoseconds: try number(archive_entry_mtime_nsec(entry)))
    }
}
