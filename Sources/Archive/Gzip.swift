import CArchive
public import Failures

/// Data that gzip has compressed.
public enum Gzip {
    /// Throws `verificationFailed` for what is no gzip or is damaged, and `refused` for what would be more than `limit` bytes.
    public static func expand(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        let reader = try StreamReader()
        try reader.check(archive_read_support_filter_gzip(reader.raw))
        try reader.check(archive_read_support_format_raw(reader.raw))
        let result: Result<[UInt8], Failure> = bytes.withUnsafeBytes { input in
            do throws(Failure) {
                try reader.check(archive_read_open_memory(reader.raw, input.baseAddress, input.count))
                var entry: OpaquePointer?
                try reader.check(archive_read_next_header(reader.raw, &entry))
                guard archive_filter_code(reader.raw, 0) == ARCHIVE_FILTER_GZIP else {
                    throw Failure(.verificationFailed, "this is not compressed by gzip")
                }
                return .success(try reader.data(limit: limit))
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// A libarchive reader that is used for one stream.
private struct StreamReader: ~Copyable {
    let raw: OpaquePointer

    init() throws(Failure) {
        guard let raw = archive_read_new() else { throw Failure(.failed, "no memory to expand what is compressed") }
        self.raw = raw
    }

    deinit { archive_read_free(raw) }

    borrowing func check(_ code: CInt) throws(Failure) {
        switch LibArchiveResult.of(code, raw) {
        case .ok: return
        case .end: throw Failure(.verificationFailed, "this is not compressed by gzip", why: "it is empty")
        case .failed(let why): throw Failure(.verificationFailed, "what is compressed cannot be expanded", why: why)
        }
    }

    borrowing func data(limit: Int) throws(Failure) -> [UInt8] {
        var data: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = archive_read_data(raw, &piece, piece.count)
            guard count >= 0 else {
                throw Failure(
                    .verificationFailed, "what is compressed cannot be expanded",
                    why: archive_error_string(raw).map { String(cString: $0) })
            }
            if count == 0 { return data }
            guard data.count + count <= limit else {
                throw Failure(.refused, "what is compressed would be more than \(limit) bytes")
            }
            data += piece[..<count]
        }
    }
}
