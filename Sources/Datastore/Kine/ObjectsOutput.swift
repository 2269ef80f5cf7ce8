import Crypto
import Failures
public import Files

/// `objects.ndjson` in a scratch file without a name.
public struct ObjectsFile: Sendable {
    /// Its bytes.
    public let file: any ByteSource
    /// Its SHA-256, in hex.
    public let sha256: String
}

/// Collects lines, and writes and hashes them in large pieces.
struct ObjectsOutput: ~Copyable {
    /// Begins a spool for lines that are more than a piece.
    typealias MakeSpool = () throws(Failure) -> any PageSpool

    /// Bytes above which a spool is begun, and which are written to a scratch file at once.
    private static let piece = 1 << 20
    /// So few that a spool finds them in the processor's cache.
    private static let spooledPiece = 128 << 10
    private let scratchDirectory: String
    private let makeSpool: MakeSpool?
    private var spool: (any PageSpool)?
    private var scratch: OpenScratch?
    private var buffer = ByteBuffer(capacity: Self.piece + 1 << 16)
    private var hasher = SHA256()

    init(scratchDirectory: String, spool: MakeSpool? = nil) {
        self.scratchDirectory = scratchDirectory
        makeSpool = spool
    }

    mutating func appendLine(
        key: UnsafeRawBufferPointer, revision: Int64, rest: UnsafeRawBufferPointer
    ) throws(Failure) {
        ObjectLineWriter.appendStart(key: key, revision: revision, to: &buffer)
        buffer.append(contentsOf: rest)
        guard buffer.count >= (spool == nil ? Self.piece : Self.spooledPiece) else { return }
        if spool == nil, let makeSpool { spool = try makeSpool() }
        try flush()
    }

    private mutating func flush() throws(Failure) {
        hasher.update(bufferPointer: buffer.bytes)
        if let spool {
            try spool.append(buffer.bytes)
            buffer.removeAll()
        } else {
            try opened().append(&buffer)
        }
    }

    private mutating func opened() throws(Failure) -> OpenScratch {
        if let scratch { return scratch }
        let file = try OpenScratch(in: scratchDirectory)
        scratch = file
        return file
    }

    mutating func finish() throws(Failure) -> ObjectsFile {
        try flush()
        let file: any ByteSource
        if let spool {
            file = try spool.finish(firstPage: UnsafeRawBufferPointer(start: nil, count: 0))
        } else {
            file = try opened().opened()
        }
        return ObjectsFile(file: file, sha256: hasher.finalize().hex)
    }
}
