public import Failures
import FoundationEssentials

/// What is known of the encryption of Secrets at rest: names of providers and keys, never a key.
public struct SecretsEncryption: Sendable, Hashable, Codable {
    /// Whether new Secrets are written encrypted.
    public let isEnabled: Bool
    /// The providers for Secrets in their order; the first one writes, all of them read.
    public let providers: [String]
    /// The names of all their keys.
    public let keyNames: [String]
    /// All resources that the configuration names.
    public let resources: [String]

    /// No `encryption-config.json`: nothing is encrypted.
    public static let none = SecretsEncryption(isEnabled: false, providers: [], keyNames: [], resources: [])

    private init(isEnabled: Bool, providers: [String], keyNames: [String], resources: [String]) {
        self.isEnabled = isEnabled
        self.providers = providers
        self.keyNames = keyNames
        self.resources = resources
    }

    /// Reads `cred/encryption-config.json`.
    public init(config bytes: [UInt8]) throws(Failure) {
        let decoded: Configuration
        do {
            guard bytes.count <= 4 << 20 else { throw CocoaError(.fileReadTooLarge) }
            decoded = try JSONDecoder().decode(Configuration.self, from: Data(bytes))
        } catch {
            // The decoder's error may quote what it read, which is secret.
            throw Failure(
                .failed, "cred/encryption-config.json cannot be read", why: "it is no EncryptionConfiguration in JSON",
                next: "Check the file on the server; Secrets cannot be read without its keys.")
        }
        let all = decoded.resources ?? []
        let secretProviders =
            all.first { entry in
                (entry.resources ?? []).contains { ["secrets", "*.", "*.*"].contains($0) }
            }?.providers ?? []
        providers = secretProviders.compactMap { $0.keys.sorted().first }
        keyNames = secretProviders.flatMap { provider in provider.values.flatMap { $0?.names ?? [] } }
        resources = all.flatMap { $0.resources ?? [] }
        isEnabled = providers.first.map { $0 != "identity" } ?? false
    }

    /// Key names that live values were encrypted with and that the configuration does not have: those values are lost.
    public func missingKeys(_ sample: Sample) -> [String] {
        sample.keyNames.filter { !keyNames.contains($0) }
    }

    /// What live Secrets are encrypted with, told by how their values begin.
    public struct Sample: Sendable, Hashable, Codable {
        /// How many values have each encoding.
        public private(set) var encodings: [String: Int] = [:]
        /// The key names in them.
        public private(set) var keyNames: [String] = []

        /// Nothing sampled yet.
        public init() {}

        /// Counts one value of a Secret.
        public mutating func add(_ value: UnsafeRawBufferPointer) {
            let encoding = ValueEncoding(of: value)
            encodings[encoding?.description ?? "encrypted", default: 0] += 1
            if case .encrypted(_, _, let key) = encoding, !keyNames.contains(key) { keyNames.append(key) }
        }

        /// How many of them are encrypted.
        public var encryptedCount: Int {
            encodings.filter { $0.key.hasPrefix("encrypted") }.values.reduce(0, +)
        }
    }

    private struct Configuration: Decodable {
        let resources: [Entry]?

        struct Entry: Decodable {
            let resources: [String]?
            let providers: [[String: Provider?]]?
        }

        struct Provider: Decodable {
            let keys: [Key]?
            let name: String?

            var names: [String] { (keys ?? []).compactMap(\.name) + [name].compactMap { $0 } }
        }

        struct Key: Decodable {
            let name: String?
        }
    }
}
