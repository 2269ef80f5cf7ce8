import Failures
import Files

/// The pages of a database file, written from front to back in pieces.
///
/// Numbers of pages begin at 1 (sqlite.org/fileformat2.html, 1.2). Page 1 says where the tables are, so it comes last.
struct PageFile: ~Copyable {
    let pageSize: Int
    /// The page over byte 2^30, where SQLite's locks lie, is part of the file and holds nothing (fileformat2, 1.4).
    private let lockPage: Int
    /// Two of the largest pages: so few that the spool finds them in the processor's cache.
    private static let bufferSize = 128 << 10
    private let spool: any PageSpool
    private let buffer: UnsafeMutableRawBufferPointer
    private var written = 0
    private var used: Int
    /// The number that the next page gets.
    private(set) var next = 2

    init(_ spool: any PageSpool, pageSize: Int) {
        self.spool = spool
        self.pageSize = pageSize
        lockPage = (1 << 30) / pageSize + 1
        buffer = .allocate(byteCount: Self.bufferSize, alignment: 4096)
        used = pageSize
        buffer[..<used].initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { buffer.deallocate() }

    /// The number of the page after another one.
    func following(_ number: Int) -> Int { number + 1 == lockPage ? number + 2 : number + 1 }

    /// The place of the next page. Its bytes are what an earlier page left; all must be set before the next call.
    mutating func append() throws(Failure) -> UnsafeMutableRawBufferPointer {
        // Largest number: fileformat2, 1.3.
        guard next <= 4_294_967_294 else {
            throw Failure(.failed, "the datastore has more pages than SQLite can count")
        }
        if next - 1 == lockPage { try place().initializeMemory(as: UInt8.self, repeating: 0) }
        next = following(next)
        return try place()
    }

    private mutating func place() throws(Failure) -> UnsafeMutableRawBufferPointer {
        if used + pageSize > buffer.count { try flush() }
        used += pageSize
        return UnsafeMutableRawBufferPointer(rebasing: buffer[used - pageSize..<used])
    }

    private mutating func flush() throws(Failure) {
        try spool.append(UnsafeRawBufferPointer(rebasing: buffer[..<used]))
        written += used
        used = 0
    }

    /// Writes what is left, and then page 1, made from the number of pages; returns the whole file.
    mutating func finish(firstPage: (_ pages: Int) -> [UInt8]) throws(Failure) -> any ByteSource {
        try flush()
        let spool = spool
        return try firstPage(written / pageSize).withBytes { (page) throws(Failure) in
            try spool.finish(firstPage: page)
        }
    }
}
