public import FoundationEssentials

/// The releases of k3s and what its channels point at, as somebody says: a file of ours or the channel server.
///
/// It may be wrong. What the planner follows is bounded by its own rules, never by trust in this.
public struct VersionCatalog: Sendable, Hashable {
    /// Releases, the oldest version first, each once.
    public let releases: [Release]
    /// By name.
    public let channels: [String: Channel]
    /// Whether it names all releases that there are, so that another one is unknown; the channels alone do not.
    public let isComplete: Bool

    /// A release of k3s.
    public struct Release: Sendable, Hashable {
        /// Its version.
        public var version: K3sVersion
        /// When it was published, or first seen by us: the later bound of its age; nil where nobody knows.
        public var releasedAt: Date?
        /// Why it is not to be used: `withdrawn`; nil for a good one.
        public var withdrawn: String?
        /// Whether its image can be pulled; nil where nobody looked.
        public var hasImage: Bool?

        /// Tells of a release.
        public init(
            _ version: K3sVersion, releasedAt: Date? = nil, withdrawn: String? = nil, hasImage: Bool? = nil
        ) {
            self.version = version
            self.releasedAt = releasedAt
            self.withdrawn = withdrawn
            self.hasImage = hasImage
        }
    }

    /// A channel.
    public struct Channel: Sendable, Hashable {
        /// What it points at.
        public var latest: K3sVersion
        /// Since when it was seen to point there without a break; nil where it was not watched.
        public var since: Date?
        /// The newest that it was ever seen to point at.
        public var highest: K3sVersion?

        /// Tells of a channel.
        public init(latest: K3sVersion, since: Date? = nil, highest: K3sVersion? = nil) {
            self.latest = latest
            self.since = since
            self.highest = highest
        }
    }

    /// No release at all.
    public static let empty = VersionCatalog(releases: [], channels: [:], isComplete: false)

    /// Gathers releases; what channels point at is one even where the list lacks it.
    public init(releases: [Release], channels: [String: Channel], isComplete: Bool) {
        var byVersion: [K3sVersion: Release] = [:]
        for release in releases { byVersion[release.version] = release }
        for channel in channels.values where byVersion[channel.latest] == nil {
            byVersion[channel.latest] = Release(channel.latest, releasedAt: isComplete ? nil : channel.since)
        }
        self.releases = byVersion.values.sorted { $0.version < $1.version }
        self.channels = channels
        self.isComplete = isComplete
    }

    /// The release of a version.
    public func release(_ version: K3sVersion) -> Release? {
        var (low, high) = (0, releases.count)
        while low < high {
            let middle = (low + high) / 2
            if releases[middle].version < version { low = middle + 1 } else { high = middle }
        }
        return low < releases.count && releases[low].version == version ? releases[low] : nil
    }
}
