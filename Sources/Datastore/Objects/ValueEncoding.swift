/// How the bytes of a value are to be read, told by how they begin.
public enum ValueEncoding: Sendable, Hashable, CustomStringConvertible {
    /// `k8s\0` and a protobuf `runtime.Unknown`: every built-in kind.
    case protobuf
    /// A JSON object: custom resources, definitions, API services.
    case json
    /// Self-described CBOR: custom resources where the API server was told so. Its metadata is not decoded.
    case cbor
    /// `k8s:enc:PROVIDER:VERSION:KEY:` and ciphertext. The key is a name, never key material.
    case encrypted(provider: String, version: String, key: String)
    /// Nothing that an API server writes: bootstrap rows, bookkeeping of kine and others.
    case opaque
    /// No bytes at all.
    case empty

    /// The text that stands in `objects.ndjson`: `protobuf`, `json`, `encrypted:aescbc:v1:aescbckey`.
    public var description: String {
        switch self {
        case .protobuf: "protobuf"
        case .json: "json"
        case .cbor: "cbor"
        case .encrypted(let provider, let version, let key): "encrypted:\(provider):\(version):\(key)"
        case .opaque: "opaque"
        case .empty: "empty"
        }
    }

    /// Looks at the first bytes of a value; nil when they begin as an encrypted value and go on as none.
    public init?(of value: UnsafeRawBufferPointer) {
        switch ValueForm(of: value) {
        case .protobuf: self = .protobuf
        case .json: self = .json
        case .cbor: self = .cbor
        case .opaque: self = .opaque
        case .empty: self = .empty
        case .encrypted:
            guard let prefix = EncryptionPrefix(of: value) else { return nil }
            let parts = prefix.text.string.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            self = .encrypted(provider: String(parts[0]), version: String(parts[1]), key: String(parts[2]))
        }
    }
}

/// The form of a value without what costs memory to say.
enum ValueForm {
    case protobuf, json, cbor, encrypted, opaque, empty

    @inline(__always)
    init(of value: UnsafeRawBufferPointer) {
        guard let first = value.first else {
            self = .empty
            return
        }
        switch first {
        case UInt8(ascii: "{"): self = .json
        case UInt8(ascii: "k"):
            if ValueForm.starts(value, with: "k8s\0") {
                self = .protobuf
            } else {
                self = ValueForm.starts(value, with: "k8s:enc:") ? .encrypted : .opaque
            }
        case 0xD9: self = value.count >= 3 && value[1] == 0xD9 && value[2] == 0xF7 ? .cbor : .opaque
        default: self = .opaque
        }
    }

    @inline(__always)
    static func starts(_ value: UnsafeRawBufferPointer, with prefix: StaticString) -> Bool {
        let count = prefix.utf8CodeUnitCount
        guard value.count >= count else { return false }
        for index in 0..<count where value[index] != prefix.utf8Start[index] { return false }
        return true
    }
}

/// The part of an encrypted value that is not secret: `PROVIDER:VERSION:KEY`.
struct EncryptionPrefix {
    /// The three names with the colons between them.
    let text: TextSlice
    /// Where the ciphertext begins.
    let end: Int

    /// Longer names are not found in any configuration, and ciphertext must not be taken for one.
    private static let longest = 512

    init?(of value: UnsafeRawBufferPointer) {
        let start = 8
        guard ValueForm.starts(value, with: "k8s:enc:") else { return nil }
        var colons = 0
        var partStart = start
        for index in start..<min(value.count, start + EncryptionPrefix.longest) {
            let byte = value[index]
            if byte == UInt8(ascii: ":") {
                guard index > partStart else { return nil }
                partStart = index + 1
                colons += 1
                if colons == 3 {
                    text = TextSlice(bytes: UnsafeRawBufferPointer(rebasing: value[start..<index]), isEscaped: false)
                    end = index + 1
                    return
                }
            } else if byte <= 0x20 || byte >= 0x7F {
                return nil
            }
        }
        return nil
    }
}
