import Crypto
public import Failures
public import Files

/// An etcd snapshot as `etcdctl snapshot save` and `k3s etcd-snapshot save` write it: a bbolt database and its SHA-256.
///
/// It is only read. Nothing in it is trusted: a file made to hurt is refused in bounded time and memory.
public struct EtcdSnapshot: Sendable {
    /// What `etcdutl snapshot status -w json` prints.
    public struct Status: Sendable, Hashable, Codable {
        /// CRC-32C over all bucket names, keys and values.
        public let hash: UInt32
        /// The last revision.
        public let revision: Int64
        /// The number of entries in all buckets, old revisions and bookkeeping too.
        public let totalKey: Int
        /// The size of the database without the SHA-256 at its end.
        public let totalSize: Int64
        /// The storage version, from etcd 3.6 on.
        public let version: String?
    }

    /// The revisions that can be read from it.
    public struct Window: Sendable, Hashable {
        /// The revision up to which history was compacted; 0 when it never was.
        public let compactRevision: Int64
        /// The last revision.
        public let revision: Int64
    }

    /// Whether the SHA-256 is there; a copy of a member's own `db` has none.
    public let hasChecksum: Bool
    let file: BoltFile
    private let source: any ByteSource
    private let size: UInt64

    /// Reads the head of a snapshot. The SHA-256 is checked by ``verifyChecksum()`` alone.
    public init(_ source: any ByteSource) throws(Failure) {
        // etcd's own test: pages are multiples of 512 bytes.
        hasChecksum = source.size % 512 == 32
        size = hasChecksum ? source.size - 32 : source.size
        self.source = source
        file = try BoltFile(source, size: size)
    }

    /// Compares the SHA-256 at the end with the bytes before it; a file without one is refused.
    public func verifyChecksum() throws(Failure) {
        guard hasChecksum else {
            throw Failure(
                .verificationFailed, "the etcd snapshot has no checksum", why: "it is a copy of a member's files",
                next: "Take a snapshot with `k3s etcd-snapshot save`.")
        }
        var hash = SHA256()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { memory.deallocate() }
        var offset: UInt64 = 0
        while offset < size {
            let part = UnsafeMutableRawBufferPointer(rebasing: memory.prefix(Int(min(size - offset, 1 << 20))))
            try source.read(into: part, at: offset)
            hash.update(bufferPointer: UnsafeRawBufferPointer(part))
            offset += UInt64(part.count)
        }
        let stored = UnsafeMutableRawBufferPointer(rebasing: memory.prefix(32))
        try source.read(into: stored, at: size)
        guard hash.finalize().elementsEqual(stored) else {
            throw EtcdSnapshot.damaged("its SHA-256 is not that of its bytes")
        }
    }

    /// Reads every entry and gives what `etcdutl snapshot status` gives.
    public func status() throws(Failure) -> Status { try history().status }

    static func damaged(_ why: String) -> Failure {
        Failure(
            .verificationFailed, "the etcd snapshot is damaged", why: why,
            next: "Take another snapshot; this one cannot be restored.")
    }
}

/// A revision as etcd keeps it as a key: eight bytes, `_`, eight bytes, and `t` for a deletion.
struct EtcdRevision {
    let main: Int64
    let isTombstone: Bool

    init(key: [UInt8]) throws(Failure) {
        let result = key.withUnsafeBytes { bytes in
            Result { () throws(Failure) in try EtcdRevision(bytes) }
        }
        self = try result.get()
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard bytes.count == 17 || bytes.count == 18 && bytes[17] == UInt8(ascii: "t"), bytes[8] == UInt8(ascii: "_"),
            let main = Int64(exactly: bytes.bigEndian64(0))
        else { throw EtcdSnapshot.damaged("a key of its history is no revision") }
        self.main = main
        isTombstone = bytes.count == 18
    }
}
