import CArchive
import Failures

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
