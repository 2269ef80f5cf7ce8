import CZstd
import Failures

/// What a call of libzstd came to. Every returned size goes through here.
enum Zstd {
    static let magic: UInt32 = 0xFD2F_B528
    static let maxLevel: Int32 = 19

    static func size(_ returned: Int) throws(ZstdError) -> Int {
        guard ZSTD_isError(returned) == 0 else { throw ZstdError(why: String(cString: ZSTD_getErrorName(returned))) }
        return returned
    }

    /// The most that a frame of so many bytes can take.
    static func bound(_ size: Int) -> Int { ZSTD_compressBound(size) }
}

/// What libzstd says is wrong.
struct ZstdError: Error {
    let why: String
}

/// Compresses frame after frame, each on its own, with one context.
struct ZstdCompressor: ~Copyable {
    private let context: OpaquePointer

    init(options: ArchiveOptions) throws(Failure) {
        context = try Self.context(options)
    }

    private static func context(_ options: ArchiveOptions) throws(Failure) -> OpaquePointer {
        guard let context = ZSTD_createCCtx() else { throw Failure(.failed, "no memory for a zstd compressor") }
        if let error = fault(in: options, for: context) {
            ZSTD_freeCCtx(context)
            throw Failure(.failed, "zstd cannot compress at level \(options.level)", why: error.why)
        }
        return context
    }

    /// A window over the whole frame: rows that changed come again megabytes later, and the frame is in memory anyway.
    private static func windowLog(of size: Int) -> Int32 {
        max(10, Int32(Int.bitWidth - (size - 1).leadingZeroBitCount))
    }

    private static func fault(in options: ArchiveOptions, for context: OpaquePointer) -> ZstdError? {
        let settings: [(ZSTD_cParameter, Int32)] = [
            (ZSTD_c_compressionLevel, options.level), (ZSTD_c_checksumFlag, 1), (ZSTD_c_contentSizeFlag, 1),
            (ZSTD_c_windowLog, windowLog(of: options.ownFrameSize)),
            (ZSTD_c_enableLongDistanceMatching, options.longDistanceMatching ? 1 : 0),
            (ZSTD_c_hashLog, options.hashLog ?? 0),  // 0 is what the level says
        ]
        do throws(ZstdError) {
            for (parameter, value) in settings {
                _ = try Zstd.size(ZSTD_CCtx_setParameter(context, parameter, value))
            }
            return nil
        } catch {
            return error
        }
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Makes one frame of `content` and returns its length.
    borrowing func compress(
        _ content: UnsafeRawBufferPointer, into frame: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        do throws(ZstdError) {
            return try Zstd.size(
                ZSTD_compress2(context, frame.baseAddress, frame.count, content.baseAddress, content.count))
        } catch {
            throw Failure(.failed, "zstd cannot compress \(content.count) bytes", why: error.why)
        }
    }
}

/// Decompresses frame after frame with one context, each exactly as long as it was announced.
struct ZstdDecompressor: ~Copyable {
    private let context: OpaquePointer

    init() throws(Failure) {
        guard let context = ZSTD_createDCtx() else { throw Failure(.failed, "no memory for a zstd decompressor") }
        self.context = context
        // What a window may take when only a frame's beginning is read; whole frames need none.
        _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 26)
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Decompresses what must be one frame, with its content's size and checksum, and nothing else.
    borrowing func decompress(
        _ frame: UnsafeRawBufferPointer, into content: UnsafeMutableRawBufferPointer
    ) throws(ZstdError) {
        guard frame.count > 8, frame.littleEndian32(at: 0) == Zstd.magic else { throw ZstdError(why: "no zstd frame") }
        guard frame[4] & 0b100 != 0 else { throw ZstdError(why: "a frame without a checksum") }
        guard ZSTD_getDictID_fromFrame(frame.baseAddress, frame.count) == 0 else {
            throw ZstdError(why: "a frame that needs a dictionary")
        }
        guard ZSTD_getFrameContentSize(frame.baseAddress, frame.count) == UInt64(content.count) else {
            throw ZstdError(why: "a frame of another size than announced")
        }
        guard try Zstd.size(ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)) == frame.count else {
            throw ZstdError(why: "a frame of another length than announced")
        }
        let size = try Zstd.size(
            ZSTD_decompressDCtx(context, content.baseAddress, content.count, frame.baseAddress, frame.count))
        guard size == content.count else { throw ZstdError(why: "a frame of another size than announced") }
    }

    /// As many bytes as the beginning of a frame gives, up to `most`; fewer when it is cut off or no frame.
    borrowing func beginning(of frame: [UInt8], most: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: most) { content, count in
            frame.withUnsafeBytes { frame in
                var input = ZSTD_inBuffer(src: frame.baseAddress, size: frame.count, pos: 0)
                var output = ZSTD_outBuffer(dst: content.baseAddress, size: content.count, pos: 0)
                _ = ZSTD_decompressStream(context, &output, &input)
                count = output.pos
            }
        }
    }
}
