/// What an entry of an archive is. Hard links, devices, sockets and pipes have no place in one.
public enum EntryKind: Sendable, Hashable {
    /// A regular file.
    case file
    /// A directory.
    case directory
    /// A symbolic link; its target is relative and stays inside the archive's top folder.
    case symbolicLink(target: String)
}

/// An entry without its bytes: what a tar header says.
public struct EntryHeader: Sendable {
    /// The path below the top folder, with `/` between its parts and none at its ends.
    public let path: String
    /// What it is.
    public let kind: EntryKind
    /// The number of bytes; 0 unless it is a file.
    public let size: UInt64
    /// The permission bits, with set-user-id, set-group-id and sticky.
    public let mode: UInt16
    /// The numeric owner.
    public let userID: UInt32
    /// The numeric group.
    public let groupID: UInt32
    /// When it was last changed, in whole seconds since 1970, rounded down.
    public let modificationSeconds: Int64
    /// The nanoseconds after those seconds.
    public let modificationNanoseconds: UInt32

    /// Describes an entry; nothing is checked before it is written or after it was read.
    public init(
        path: String, kind: EntryKind, size: UInt64 = 0, mode: UInt16, userID: UInt32 = 0, groupID: UInt32 = 0,
        modificationSeconds: Int64, modificationNanoseconds: UInt32 = 0
    ) {
        self.path = path
        self.kind = kind
        self.size = size
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
        self.modificationSeconds = modificationSeconds
        self.modificationNanoseconds = modificationNanoseconds
    }

    func renamed(_ path: String) -> EntryHeader {
        EntryHeader(
            path: path, kind: kind, size: size, mode: mode, userID: userID, groupID: groupID,
            modificationSeconds: modificationSeconds, modificationNanoseconds: modificationNanoseconds)
    }
}

extension EntryHeader: Equatable {
    /// Equal when every field is, names byte for byte: Swift's strings take `é` in its two spellings as one.
    public static func == (left: EntryHeader, right: EntryHeader) -> Bool {
        left.path.utf8.elementsEqual(right.path.utf8) && sameKind(left.kind, right.kind) && left.size == right.size
            && left.mode == right.mode && left.userID == right.userID && left.groupID == right.groupID
            && left.modificationSeconds == right.modificationSeconds
            && left.modificationNanoseconds == right.modificationNanoseconds
    }

    private static func sameKind(_ left: EntryKind, _ right: EntryKind) -> Bool {
        switch (left, right) {
        case (.file, .file), (.directory, .directory): true
        case (.symbolicLink(let one), .symbolicLink(let other)): one.utf8.elementsEqual(other.utf8)
        default: false
        }
    }
}
