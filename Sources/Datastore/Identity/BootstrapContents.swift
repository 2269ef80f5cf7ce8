import Failures
import FoundationEssentials

/// The identity of a server as its bootstrap row keeps it: files by name. It holds private keys and is never printed.
public struct BootstrapContents: Sendable, Hashable {
    /// One file.
    public struct Entry: Sendable, Hashable {
        /// Its bytes.
        public let content: [UInt8]
        /// When it was saved, where the row has it (newer k3s).
        public let timestamp: String?
    }

    /// The files by the names that k3s gives them (``IdentityFile`` knows most of them). Empty ones are left out.
    public let entries: [String: Entry]
    /// Whether the row has timestamps: k3s from about 1.22 on.
    public let hasTimestamps: Bool

    /// The bytes of a known file, or nil.
    public subscript(file: IdentityFile) -> [UInt8]? { entries[file.rawValue]?.content }

    /// Reads the JSON inside the row, with or without timestamps.
    init(json: [UInt8]) throws(Failure) {
        let decoded: [String: StoredEntry?]
        do {
            decoded = try JSONDecoder().decode([String: StoredEntry?].self, from: Data(json))
        } catch {
            // The decoder's error may quote what it read, which is secret.
            throw Failure(.verificationFailed, "the bootstrap row opens, but does not hold the files of a k3s server")
        }
        entries = decoded.compactMapValues { stored in
            guard let stored, !stored.content.isEmpty else { return nil }
            return Entry(content: [UInt8](stored.content), timestamp: stored.timestamp)
        }
        hasTimestamps = entries.values.contains { $0.timestamp != nil }
    }

    private struct StoredEntry: Decodable {
        let content: Data
        let timestamp: String?

        private enum CodingKeys: String, CodingKey {
            case content = "Content"
            case timestamp = "Timestamp"
        }

        init(from decoder: any Decoder) throws {
            let plain: Data?
            do { plain = try decoder.singleValueContainer().decode(Data.self) } catch { plain = nil }
            if let plain {
                content = plain
                timestamp = nil
            } else {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                content = try container.decodeIfPresent(Data.self, forKey: .content) ?? Data()
                timestamp = try container.decodeIfPresent(String.self, forKey: .timestamp)
            }
        }
    }
}

extension BootstrapContents: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The names only.
    public var description: String { "bootstrap contents: " + entries.keys.sorted().joined(separator: ", ") }
    /// The names only.
    public var debugDescription: String { description }
    /// The names only.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
