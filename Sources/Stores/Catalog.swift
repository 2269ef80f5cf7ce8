public import FoundationEssentials

/// One archive that lies in a store, with what is known of it.
public struct CatalogEntry: Sendable, Hashable {
    /// Where it lies: the path below the store, or an absolute path for a file outside of any.
    public let location: String
    /// What its file name says; nil when somebody renamed it.
    public let name: ArchiveName?
    /// Whose backup it is: from the record, else from the folders.
    public let cluster: ClusterPath?
    /// The whole id from the record, else its first eight digits from the name.
    public let id: String?
    /// From the record, else the name, else the time of the file.
    public let createdAt: Date
    /// The size of the file as it lies there.
    public let size: UInt64
    /// Whether it is encrypted.
    public let isEncrypted: Bool
    /// Its record, when there is one that can be read and is of this file. Copied by hand means none: that is no fault.
    public let record: StoredRecord?
    /// What is wrong with it. Whoever needs a backup to rely on takes one without.
    public let problems: [String]

    /// Creates an entry; stores do.
    public init(
        location: String, name: ArchiveName?, cluster: ClusterPath?, id: String?, createdAt: Date, size: UInt64,
        isEncrypted: Bool, record: StoredRecord?, problems: [String]
    ) {
        self.location = location
        self.name = name
        self.cluster = cluster
        self.id = id
        self.createdAt = createdAt
        self.size = size
        self.isEncrypted = isEncrypted
        self.record = record
        self.problems = problems
    }

    /// The last part of the location.
    public var fileName: String { String(location.split(separator: "/").last ?? "") }

    /// The first eight digits of the id, or the file name where there is none.
    public var shortID: String { id.map { String($0.prefix(8)) } ?? fileName }

    func with(problem: String) -> CatalogEntry {
        CatalogEntry(
            location: location, name: name, cluster: cluster, id: id, createdAt: createdAt, size: size,
            isEncrypted: isEncrypted, record: record, problems: problems + [problem])
    }

    /// The order of a catalog: by creation, then by location.
    static func precedes(_ left: CatalogEntry, _ right: CatalogEntry) -> Bool {
        if left.createdAt != right.createdAt { return left.createdAt < right.createdAt }
        return left.location.utf8.lexicographicallyPrecedes(right.location.utf8)
    }
}

/// What lies in a store: derived from the store alone, each time.
public struct Catalog: Sendable {
    /// The archives, the oldest first.
    public var entries: [CatalogEntry]
    /// What does not belong to any archive or could not be looked at: records whose archive is gone, folders
    /// without permission. A reader must not take the catalog for complete while there are some.
    public var problems: [String]

    /// Creates a catalog, and sorts it.
    public init(entries: [CatalogEntry] = [], problems: [String] = []) {
        self.entries = entries.sorted(by: CatalogEntry.precedes)
        self.problems = problems
    }

    /// The archives of one cluster, the oldest first.
    public func entries(for cluster: ClusterPath) -> [CatalogEntry] { entries.filter { $0.cluster == cluster } }
}
