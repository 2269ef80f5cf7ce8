import Glibc
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

    /// Where the new host's Services have other addresses; of both families, where it has two.
    func warnings(_ host: HostObjects) -> [String] {
        guard let text else { return [] }
        let ranges = text.split(separator: ",").compactMap { Self.range(String($0)) }
        let addresses = host.objects(of: .services).flatMap { service in
            let all = (service["spec", "clusterIPs"]?.arrayValue ?? []).compactMap(\.stringValue)
            return all.isEmpty ? [service["spec", "clusterIP"]?.stringValue].compactMap { $0 } : all
        }
        let other = addresses.first { address in
            guard let bytes = Self.bytes(address) else { return false }
            let family = ranges.filter { $0.lowerBound.count == bytes.count }
            return !family.isEmpty && !family.contains { $0.contains(bytes) }
        }
        guard let other else { return [] }
        return [
            "it gives Services addresses of \(text), and \(host.host) has others (\(other)): Services inside may not get any,"
                + " unless both hosts have the same range"
        ]
    }

    /// The first and the last address of `10.43.0.0/16` or `fd00::/108`; nil for what is no range.
    static func range(_ text: String) -> Range? {
        let parts = text.trimmingPrefix(" ").split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = bytes(String(parts[0])), let bits = Int(parts[1]),
            (1...(address.count * 8)).contains(bits)
        else { return nil }
        func bound(_ fill: UInt8) -> [UInt8] {
            address.enumerated().map { index, byte in
                let mask = UInt8(truncatingIfNeeded: 0xFF00 >> min(8, max(0, bits - index * 8)))
                return byte & mask | fill & ~mask
            }
        }
        return Range(lowerBound: bound(0), upperBound: bound(0xFF))
    }

    /// Addresses of one family, both ends among them.
    struct Range: Hashable {
        let lowerBound: [UInt8]
        let upperBound: [UInt8]

        func contains(_ address: [UInt8]) -> Bool {
            address.count == lowerBound.count && !address.lexicographicallyPrecedes(lowerBound)
                && !upperBound.lexicographicallyPrecedes(address)
        }
    }

    /// The bytes of an address, four or sixteen; nil for what is none.
    static func bytes(_ text: String) -> [UInt8]? {
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: size)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
