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
struct ArchiveEntryHandle: ~Copyable {
    let raw: OpaquePointer

    init() throws(Failure) {
        guard let raw = archive_entry_new() else { throw Failure(.failed, "no memory for a tar entry") }
        self.raw = raw
    }

    deinit { archive_entry_free(raw) }
}

/// A libarchive writer that is used for one header.
struct HeaderWriter: ~Copyable {
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
struct HeaderReader: ~Copyable {
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
