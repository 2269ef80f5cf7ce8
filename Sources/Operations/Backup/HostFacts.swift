public import Archive
public import Failures
public import Files

/// What its host knows of a virtual cluster, as `backup.json` has it. What is not known is not there.
public struct HostFacts: Codable, Sendable, Equatable {
    /// How a virtual cluster is reached from outside.
    public struct Exposure: Codable, Sendable, Equatable {
        /// `load balancer`, `ingress`, `node port` or `cluster IP`.
        public var kind: String
        /// The object that does it: `Service/NAME`, `Ingress/NAME`.
        public var object: String
        /// Addresses or host names, with ports where they matter.
        public var addresses: [String]
        /// An ingress that passes TLS through; nil for what is none.
        public var passesTLSThrough: Bool?

        /// Names a way.
        public init(kind: String, object: String, addresses: [String], passesTLSThrough: Bool? = nil) {
            self.kind = kind
            self.object = object
            self.addresses = addresses
            self.passesTLSThrough = passesTLSThrough
        }
    }

    /// The Helm release.
    public var release: String?
    /// The generation of its layout.
    public var layoutGeneration: String?
    /// The image that k3s comes from.
    public var image: String?
    /// How it is reached.
    public var exposure: [Exposure]
    /// What of it on the host is not in the archive, as reasons why that is only partial.
    public var missing: [String]?

    /// Names what is known.
    public init(
        release: String? = nil, layoutGeneration: String? = nil, image: String? = nil, exposure: [Exposure] = []
    ) {
        self.release = release
        self.layoutGeneration = layoutGeneration
        self.image = image
        self.exposure = exposure
    }
}

/// A host object that belongs to a virtual cluster, as a file of the archive: `host/KIND.GROUP/NAME.yaml`.
public struct HostFile: Sendable {
    /// The path in the archive.
    public let path: String
    /// The bytes; they do not change.
    public let content: any ByteSource
    /// Their SHA-256.
    public let sha256: SHA256Sum

    static let folder = "host/"

    /// The manifest of an object; `group` is empty for the core group. Throws `refused` for names that are no names.
    public init(kind: String, group: String, name: String, manifest: [UInt8]) throws(Failure) {
        let type = group.isEmpty ? kind : "\(kind).\(group)"
        try self.init(
            path: "\(Self.folder)\(type)/\(name).yaml", content: MemorySource(manifest), sha256: SHA256Sum(of: manifest)
        )
    }

    /// Any file of the host's part of the archive; refused where its path leaves that.
    init(path: String, content: any ByteSource, sha256: SHA256Sum) throws(Failure) {
        try Self.check(path)
        self.path = path
        self.content = content
        self.sha256 = sha256
    }

    static func check(_ path: String) throws(Failure) {
        let fault = ArchivePath.fault(in: path) ?? (path.hasPrefix(folder) ? nil : "it is not below \(folder)")
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let why = fault ?? (parts.count == 3 ? nil : "it is not host/KIND.GROUP/NAME.yaml") else { return }
        throw Failure(.refused, "\(String(path.prefix(200)).debugDescription) is no file of a host object", why: why)
    }
}
