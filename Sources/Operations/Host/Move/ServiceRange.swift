import JSONValues
import Kubernetes
import VirtualClusters

/// The range of addresses that a virtual cluster gives its Services: those of the host that it was on, since its syncer takes the
/// host's addresses over.
struct ServiceRange {
    private let text: String?

    init(_ moved: [MovePlanner.Moved]) {
        let noted = moved.first { $0.manifest.type == .configMaps && $0.manifest.object.name.hasPrefix("vc-cidr-") }
        let containers = moved.filter { MovePlanner.isWorkload($0.manifest.type) }.flatMap { one in
            one.object["spec", "template", "spec", "containers"]?.arrayValue ?? []
        }
        let words = containers.flatMap { container in
            ["command", "args"].flatMap { container[$0]?.arrayValue ?? [] }.compactMap(\.stringValue)
        }.flatMap { $0.split { $0.isWhitespace } }
        let flag = "--service-cidr="
        let told = words.first { $0.hasPrefix(flag) }.map { String($0.dropFirst(flag.count)) }
        text = noted?.object["data", "cidr"]?.stringValue ?? told
    }

    /// Where the new host's Services have other addresses.
    func warnings(_ host: HostObjects) -> [String] {
        guard let text, let range = Self.range(text) else { return [] }
        let addresses = host.objects(of: .services).compactMap { $0["spec", "clusterIP"]?.stringValue }
        guard
            let other = addresses.first(where: { address in Self.number(address).map { !range.contains($0) } ?? false })
        else { return [] }
        return [
            "it gives Services addresses of \(text), and \(host.host) has others (\(other)): Services inside may not get any,"
                + " unless both hosts have the same range"
        ]
    }

    /// nil for what is no range of IPv4, which is not compared.
    static func range(_ text: String) -> ClosedRange<UInt32>? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = number(String(parts[0])), let bits = UInt32(parts[1]),
            (1...32).contains(bits)
        else { return nil }
        let mask: UInt32 = .max << (32 - bits)
        return (first & mask)...(first & mask | ~mask)
    }

    private static func number(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(UInt32?(0)) { sum, part in
            guard let sum, let part else { return nil }
            return sum << 8 | UInt32(part)
        }
    }
}
