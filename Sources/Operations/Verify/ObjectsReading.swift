public import Archive
public import Datastore
public import Failures
import Files

/// Reads `objects.ndjson` of an archive, one object after another, in memory that does not grow with it.
public struct ObjectsReading: Sendable {
    /// The entry that lists the objects.
    public static let path = "objects.ndjson"

    private let reader: ArchiveReader
    private let index: ArchiveIndex

    /// Prepares to read the objects of an archive.
    public init(_ reader: ArchiveReader, _ index: ArchiveIndex) {
        self.reader = reader
        self.index = index
    }

    /// Gives every object to `visit`, in the order of their keys.
    public func each(_ visit: @escaping (ObjectLine) throws(Failure) -> Void) throws(Failure) {
        guard let entry = index.inventory.entry(Self.path) else {
            throw Failure(.notFound, "the archive \(reader.name) has no list of its objects")
        }
        let sink = LineSink { line throws(Failure) in try visit(ObjectLine(parsing: line)) }
        try reader.read(entry, of: index, to: sink)
        try sink.finish()
    }

    /// Whether the archive lists the same objects as a file: what the same daytwo wrote must say the same of them, what
    /// another one wrote must have the same keys and revisions.
    func isSame(as other: ObjectsFile, wholly: Bool) throws(Failure) -> Bool {
        let lines = LineReader(other.file)
        let result = Agreement()
        try each { object throws(Failure) in
            guard let line = try lines.next() else {
                result.holds = false
                return
            }
            let found = try ObjectLine(parsing: line)
            var said = object
            // Versions of one number have said UIDs, and have not.
            if said.uid == nil || found.uid == nil { said.uid = found.uid }
            let agrees = wholly ? found == said : found.key == object.key && found.revision == object.revision
            if !agrees { result.holds = false }
        }
        let rest = try lines.next()
        return result.holds && rest == nil
    }

    private final class Agreement {
        var holds = true
    }
}

/// Cuts the bytes that it gets into lines.
private final class LineSink: ByteSink, @unchecked Sendable {
    // Unchecked: one thread reads an archive and so writes here.
    private var rest: [UInt8] = []
    private let take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    private static let longest = 64 << 20

    init(_ take: @escaping (UnsafeRawBufferPointer) throws(Failure) -> Void) {
        self.take = take
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var start = 0
        while start < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start...])
            guard let end = part.firstIndex(of: UInt8(ascii: "\n")) else {
                guard rest.count + part.count <= Self.longest else {
                    throw Failure(.verificationFailed, "a line of objects.ndjson is longer than \(Self.longest) bytes")
                }
                rest.append(contentsOf: part)
                return
            }
            let line = UnsafeRawBufferPointer(rebasing: part[..<end])
            if rest.isEmpty {
                try take(line)
            } else {
                rest.append(contentsOf: line)
                let whole = rest
                rest.removeAll(keepingCapacity: true)
                try whole.withBytes(take)
            }
            start += end + 1
        }
    }

    /// The last line must have had its end.
    func finish() throws(Failure) {
        guard rest.isEmpty else {
            throw Failure(.verificationFailed, "objects.ndjson ends in the middle of a line", next: "verify the backup")
        }
    }
}

/// Gives the lines of a file that we wrote ourselves.
private final class LineReader {
    private let file: any ByteSource
    private var offset: UInt64 = 0
    private var buffer: [UInt8] = []
    private var start = 0

    init(_ file: any ByteSource) { self.file = file }

    func next() throws(Failure) -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            searched = buffer.count - start
            buffer.removeSubrange(..<start)
            start = 0
            let count = Int(min(file.size - offset, 1 << 20))
            guard count > 0 else { return nil }
            var part = [UInt8](repeating: 0, count: count)
            let position = offset
            try part.withMutableBytes { bytes throws(Failure) in try file.read(into: bytes, at: position) }
            buffer += part
            offset += UInt64(count)
        }
    }
}
