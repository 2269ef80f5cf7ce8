import Archive

/// Choices about compression that a person may make.
public struct ArchiveChoice: Sendable {
    /// zstd's level; nil for what suits the size.
    public var level: Int32?

    /// The default choices.
    public init() {}

    /// Up to here a database is one frame, as long as the buffers of all workers stay under 96 MB together.
    private static let oneFrame: UInt64 = 12 << 20
    /// Up to here it is compressed in well under a second whatever is tried.
    private static let smallDatabase: UInt64 = 64 << 20

    /// Size comes first where time does not matter: changed rows lie megabytes apart, and are found by long-distance
    /// matching, which finds more than a higher level does.
    func archiveOptions(databaseBytes: UInt64) -> ArchiveOptions {
        if databaseBytes <= Self.oneFrame {
            return ArchiveOptions(level: level ?? 3, ownFrameSize: 12 << 20, longDistanceMatching: true)
        }
        if databaseBytes <= Self.smallDatabase {
            return ArchiveOptions(level: level ?? 1, ownFrameSize: 12 << 20, longDistanceMatching: true, hashLog: 17)
        }
        return largeOptions(isBloated: false)
    }

    /// For databases that take seconds. A source that is much larger than what is used of it has taken long to read, so
    /// that large frames with a large table of matches are worth their time. Else time comes first, with frames that
    /// stay in the processor's cache.
    func largeOptions(isBloated: Bool) -> ArchiveOptions {
        isBloated
            ? ArchiveOptions(level: level ?? 1, ownFrameSize: 5 << 20, hashLog: 17)
            : ArchiveOptions(level: level ?? 1, ownFrameSize: 2 << 20)
    }
}
