public import Failures
internal import Files
public import FoundationEssentials
internal import JSONValues

extension VersionCatalog {
    /// More bytes are no catalog.
    public static let largest = 8 << 20

    /// Reads a file: a document of kind `VersionCatalog`, or the answer of k3s's channel server.
    ///
    /// Throws `.usage` with every problem and its place, `.notFound` without the file.
    public static func load(path: String) throws(Failure) -> VersionCatalog {
        try VersionCatalog(bytes: readFile(path, limit: largest), from: path)
    }

    /// Reads what a file or server gave; `name` is how messages call it.
    public init(bytes: [UInt8], from name: String) throws(Failure) {
        guard bytes.count <= Self.largest else {
            throw Failure(.refused, "\(name) is larger than \(Self.largest >> 20) MiB")
        }
        let first = bytes.first { !" \t\r\n".utf8.contains($0) }
        if first == UInt8(ascii: "{"), let json = try Self.json(bytes, name), json["kind"] == nil {
            try self.init(channelServer: json, from: name)
            return
        }
        let documents = try UpgradeDocuments.decode([.init(name: name, directory: "/", bytes: bytes)])
        guard documents.catalogs.count == 1 else {
            throw Failure(
                .usage, "\(name) has \(documents.catalogs.count) documents of kind VersionCatalog instead of one",
                next: "Write one, or save the answer of https://update.k3s.io/v1-release/channels.")
        }
        self = documents.catalogs[0]
    }

    private static func json(_ bytes: [UInt8], _ name: String) throws(Failure) -> JSONValue? {
        do throws(Failure) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw Failure(.failed, "\(name) cannot be read as a catalog", why: error.description, cause: error)
        }
    }

    /// `{"data": [{"id": "stable", "latest": "v1.33.4+k3s1"}, …]}`; entries of other distributions are left out.
    private init(channelServer json: JSONValue, from name: String) throws(Failure) {
        guard let entries = json["data"]?.arrayValue else {
            throw Failure(
                .failed, "\(name) is no answer of a channel server", why: "it has no list \"data\"",
                next: "Name https://update.k3s.io/v1-release/channels, or a document of kind VersionCatalog.")
        }
        var channels: [String: Channel] = [:]
        var releases: [Release] = []
        for entry in entries {
            let id = entry["id"]?.stringValue ?? entry["name"]?.stringValue
            if let id, TextFormat.name.accepts(id), let latest = entry["latest"]?.stringValue,
                let version = K3sVersion(latest)
            {
                channels[id] = Channel(latest: version)
            } else if let version = (entry["version"]?.stringValue ?? id).flatMap({ K3sVersion($0) }) {
                releases.append(
                    Release(
                        version, releasedAt: entry["released"]?.stringValue.flatMap { VersionCatalogDecoder.time($0) }))
            }
        }
        guard !channels.isEmpty || !releases.isEmpty else {
            throw Failure(
                .failed, "\(name) names no release of k3s", why: "none of its \(entries.count) entries has one",
                next: "Name https://update.k3s.io/v1-release/channels, or a document of kind VersionCatalog.")
        }
        self.init(releases: releases, channels: channels, isComplete: false)
    }

    /// The catalog with what was seen of it before: since when channels point where they do, and since when releases are
    /// known. A channel that changes begins anew, so that one that flaps never settles.
    public func remembering(_ earlier: VersionCatalog?, at now: Date) -> VersionCatalog {
        var known: [K3sVersion: Release] = [:]
        for release in earlier?.releases ?? [] { known[release.version] = release }
        for release in releases {
            var merged = release
            merged.releasedAt = release.releasedAt ?? known[release.version]?.releasedAt ?? now
            known[release.version] = merged
        }
        var channels = channels
        for (name, channel) in channels {
            guard let before = earlier?.channels[name] else { continue }
            channels[name]?.since = before.latest == channel.latest ? before.since : now
            channels[name]?.highest = max(channel.latest, before.latest, before.highest ?? before.latest)
        }
        return VersionCatalog(releases: Array(known.values), channels: channels, isComplete: isComplete)
    }
}
