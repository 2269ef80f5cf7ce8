/// Why the metadata of a value could not be read, or not all of it. A backup goes on: the value is kept as it is, and the
/// problem is named in its line.
public enum ObjectProblem: String, Error, Sendable, Hashable, CaseIterable, Codable {
    /// A length or a number reaches past the end of the value.
    case truncated
    /// A protobuf varint is longer than ten bytes, or a tag is none.
    case malformedProtobuf
    /// A protobuf value that does not say which kind it is.
    case missingKind
    /// The JSON is not JSON, or a member has another type than Kubernetes gives it.
    case malformedJSON
    /// A timestamp outside of the years 1 to 9999.
    case timestampOutOfRange
    /// An encryption prefix without provider, version and key name.
    case malformedEncryptionPrefix
    /// The protobuf envelope names a content encoding, which no API server writes to its store.
    case unknownContentEncoding
}
