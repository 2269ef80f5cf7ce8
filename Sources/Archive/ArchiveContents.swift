public import Files
public import JSONValues

/// An entry to be written.
public struct ArchiveInput: Sendable {
    /// Path, kind, size, mode, owner and time.
    public let header: EntryHeader
    /// The bytes of a file; nil for what is no file.
    public let content: (any ByteSource)?
    /// The SHA-256 of those bytes; the writer computes it again and throws when it is another.
    public let sha256: SHA256Sum?
    /// Nobody else can change the bytes, so that they are not hashed a second time while they are written.
    public let isPrivate: Bool

    /// A file. `isPrivate` says that its bytes lie where nobody else can change them.
    public init(file header: EntryHeader, content: any ByteSource, sha256: SHA256Sum, isPrivate: Bool = false) {
        self.header = header
        self.content = content
        self.sha256 = sha256
        self.isPrivate = isPrivate
    }

    /// A directory or a symbolic link.
    public init(_ header: EntryHeader) {
        self.header = header
        content = nil
        sha256 = nil
        isPrivate = false
    }

    /// A small file that is in memory.
    public init(path: String, bytes: [UInt8], mode: UInt16 = 0o600, modificationSeconds: Int64) {
        self.init(
            file: EntryHeader(
                path: path, kind: .file, size: UInt64(bytes.count), mode: mode,
                modificationSeconds: modificationSeconds),
            content: MemorySource(bytes), sha256: SHA256Sum(of: bytes))
    }
}

/// Everything that goes into one archive.
public struct ArchiveContents: Sendable {
    /// The name of the folder that all entries lie in.
    public let topFolder: String
    /// The time of the entries that the archive makes itself, in seconds since 1970.
    public let creationSeconds: Int64
    /// `backup.json`, with `"formatVersion":1` in it.
    public let backupJSON: [UInt8]
    /// The members of `inventory.json` beside `formatVersion` and `entries`.
    public let facts: [JSONMember]
    /// The other entries, in the order in which they are written.
    public let entries: [ArchiveInput]

    /// Puts the parts together; the writer checks them.
    public init(
        topFolder: String, creationSeconds: Int64, backupJSON: [UInt8], facts: [JSONMember], entries: [ArchiveInput]
    ) {
        self.topFolder = topFolder
        self.creationSeconds = creationSeconds
        self.backupJSON = backupJSON
        self.facts = facts
        self.entries = entries
    }
}
