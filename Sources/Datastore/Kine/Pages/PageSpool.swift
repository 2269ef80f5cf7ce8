public import Failures
public import Files
import Threads

/// Where the pages of a snapshot's database go, or the text of its objects, from front to back. One thread writes.
public protocol PageSpool: Sendable {
    /// Takes the next bytes.
    func append(_ bytes: UnsafeRawBufferPointer) throws(Failure)
    /// Ends it: `firstPage` replaces the beginning. The result is the whole file.
    func finish(firstPage: UnsafeRawBufferPointer) throws(Failure) -> any ByteSource
}

/// Pages in a scratch file, as they are.
final class FilePages: PageSpool {
    private let file: FileDescriptor
    private let size = Monitor<UInt64>(0)

    init(_ file: consuming FileDescriptor) { self.file = file }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try file.writeAll(bytes, at: size.change { $0 })
        size.change { $0 += UInt64(bytes.count) }
    }

    func finish(firstPage: UnsafeRawBufferPointer) throws(Failure) -> any ByteSource {
        try file.writeAll(firstPage, at: 0)
        return try OpenFile(file.duplicate())
    }
}
