internal import Failures
internal import FoundationEssentials
public import JSONValues

/// What a document of kind `VersionCatalog` looks like.
enum VersionCatalogShape {
    static let spec = MappingShape(keys: [
        .optional(
            "complete", .truth, "Whether it has all releases, so that another one is unknown.", default: "true"),
        .optional("channels", .list(of: .mapping(channel), mayBeEmpty: true), "What channels point at."),
        .optional("releases", .list(of: .mapping(release), mayBeEmpty: true), "The releases."),
    ])

    private static let channel = MappingShape(keys: [
        .required("name", .text(.name), "stable, latest, v1.33."),
        .required("latest", .text(.version), "What it points at."),
        .optional("since", .text(.moment), "Since when it was seen to."),
        .optional("highest", .text(.version), "The newest that it was seen to point at."),
    ])

    private static let release = MappingShape(keys: [
        .required("version", .text(.version), "The release."),
        .optional("released", .text(released), "When it was published."),
        .optional("withdrawn", .text(.any), "Why it is not to be used."),
        .optional("image", .choice(["published", "missing"]), "Whether its image can be pulled."),
    ])

    private static let released = TextFormat(
        expected: "a day like \"2026-08-10\" or a time like \"2026-08-10T12:00:00Z\"",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$"
    ) { VersionCatalogDecoder.time($0) != nil }
}

/// Turns what has its shape into a catalog.
struct VersionCatalogDecoder {
    let report: DocumentReport

    func decode(_ spec: ShapedValue) -> VersionCatalog {
        var releases: [VersionCatalog.Release] = []
        var seen: [K3sVersion: Origin] = [:]
        for value in spec["releases"]?.list ?? [] {
            guard let version = value["version"]?.text.flatMap({ K3sVersion($0) }) else { continue }
            if let first = seen.updateValue(value.origin, forKey: version) {
                report.add(value.origin, "the release \(version) is there already, at \(first)")
            }
            releases.append(
                VersionCatalog.Release(
                    version, releasedAt: value["released"]?.text.flatMap(Self.time),
                    withdrawn: value["withdrawn"]?.text, hasImage: value["image"]?.text.map { $0 == "published" }))
        }
        var channels: [String: VersionCatalog.Channel] = [:]
        for value in spec["channels"]?.list ?? [] {
            guard let name = value["name"]?.text, let latest = value["latest"]?.text.flatMap({ K3sVersion($0) }) else {
                continue
            }
            if channels[name] != nil { report.add(value.origin, "the channel \(name) is there already") }
            channels[name] = VersionCatalog.Channel(
                latest: latest, since: value["since"]?.text.flatMap { UTCMoment.parse($0) },
                highest: value["highest"]?.text.flatMap { K3sVersion($0) })
        }
        return VersionCatalog(
            releases: releases, channels: channels, isComplete: spec["complete"]?.truth ?? true)
    }

    static func time(_ text: String) -> Date? { UTCMoment.parse(text) ?? UTCMoment.parse("\(text)T00:00:00Z") }
}

extension VersionCatalog {
    /// The catalog as a document of its own kind, which JSON and YAML readers take alike.
    public var document: JSONValue {
        func members(_ members: [(String, JSONValue?)]) -> JSONValue {
            .object(members.compactMap { name, value in value.map { JSONMember(name, $0) } })
        }
        let channels = channels.sorted { $0.key < $1.key }.map { name, channel in
            members([
                ("name", .string(name)), ("latest", .string(channel.latest.description)),
                ("since", channel.since.map { .string(UTCMoment.text($0)) }),
                ("highest", channel.highest.map { .string($0.description) }),
            ])
        }
        let releases = releases.map { release in
            members([
                ("version", .string(release.version.description)),
                ("released", release.releasedAt.map { .string(UTCMoment.text($0)) }),
                ("withdrawn", release.withdrawn.map(JSONValue.string)),
                ("image", release.hasImage.map { .string($0 ? "published" : "missing") }),
            ])
        }
        let spec = members([
            ("complete", .bool(isComplete)), ("channels", .array(channels)), ("releases", .array(releases)),
        ])
        return members([
            ("apiVersion", .string(DocumentDecoder.apiVersion)), ("kind", .string("VersionCatalog")),
            ("metadata", members([("name", .string("k3s"))])), ("spec", spec),
        ])
    }
}
