public import Failures
public import FoundationEssentials

/// The file name of an archive: `NAME_YYYYMMDDTHHMMSSZ_ID.tar.zst`, or `….tar.zst.age` when encrypted.
public struct ArchiveName: Sendable, Hashable, CustomStringConvertible {
    /// The name of the virtual cluster.
    public let name: String
    /// When the backup was made, to the second.
    public let createdAt: Date
    /// The first eight hex digits of the backup's id.
    public let shortID: String
    /// Whether the file is encrypted with age.
    public let isEncrypted: Bool

    /// Builds a name; `id` is the whole random id (32 hex digits).
    public init(name: String, createdAt: Date, id: String, isEncrypted: Bool = false) throws(Failure) {
        try ClusterPath.check(name, "name")
        guard StoredRecord.isID(id) else { throw Failure(.failed, "\(id.debugDescription) is no backup id") }
        guard UTCTime.parse(compact: UTCTime.compact(createdAt)) != nil else {
            throw Failure(.failed, "a backup cannot be from the year that \(createdAt) has")
        }
        self.name = name
        self.createdAt = UTCTime.wholeSecond(createdAt)
        shortID = String(id.prefix(8))
        self.isEncrypted = isEncrypted
    }

    /// Parses a file name; nil when it is not one of this form. The name may hold underscores itself.
    public init?(parsing fileName: String) {
        guard let (stem, isEncrypted) = Self.split(fileName) else { return nil }
        let parts = stem.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count >= 3, let date = UTCTime.parse(compact: String(parts[parts.count - 2])) else { return nil }
        let name = parts.dropLast(2).joined(separator: "_")
        let shortID = String(parts[parts.count - 1])
        do throws(Failure) { try ClusterPath.check(name, "name") } catch { return nil }
        guard shortID.utf8.count == 8, StoredRecord.isHex(shortID) else { return nil }
        self.name = name
        self.createdAt = date
        self.shortID = shortID
        self.isEncrypted = isEncrypted
    }

    /// The name without its endings: also the top folder inside the archive.
    public var stem: String { "\(name)_\(UTCTime.compact(createdAt))_\(shortID)" }

    /// The file name.
    public var fileName: String { stem + (isEncrypted ? Self.encryptedEnding : Self.ending) }

    /// The file name.
    public var description: String { fileName }

    static let ending = ".tar.zst"
    static let encryptedEnding = ".tar.zst.age"

    /// The stem of any file name that ends as an archive does.
    static func split(_ fileName: String) -> (stem: String, isEncrypted: Bool)? {
        for (ending, isEncrypted) in [(encryptedEnding, true), (ending, false)]
        where fileName.hasSuffix(ending) && fileName.utf8.count > ending.utf8.count {
            return (String(fileName.dropLast(ending.count)), isEncrypted)
        }
        return nil
    }
}
