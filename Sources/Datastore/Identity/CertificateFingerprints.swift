/// The fingerprints of a server's authorities: who it is. They are recorded in a backup and compared after a restore.
public struct CertificateFingerprints: Sendable, Hashable, Codable {
    /// SHA-256 of the first certificate in each file, by the file's name without its ending: `server-ca`, `client-ca`,
    /// `request-header-ca`, `etcd/server-ca`, `etcd/peer-ca`. Authorities that are not there are left out.
    public let authorities: [String: String]

    /// Takes fingerprints that were recorded before.
    public init(authorities: [String: String]) { self.authorities = authorities }

    /// Reads the authorities by whatever gives the bytes of a file below `server/`, or nil.
    public init(reading file: (IdentityFile) -> [UInt8]?) {
        var authorities: [String: String] = [:]
        for authority in IdentityFile.authorities {
            guard let bytes = file(authority), let first = Certificate.all(inPEM: bytes).first else { continue }
            authorities[CertificateFingerprints.name(of: authority)] = first.fingerprint
        }
        self.authorities = authorities
    }

    /// The authorities in a bootstrap row.
    public init(_ contents: BootstrapContents) {
        self.init { contents[$0] }
    }

    /// The fingerprint of the CA that clients trust: the one that tells clusters apart.
    public var serverCA: String? { authorities[CertificateFingerprints.name(of: .serverCA)] }

    /// The names that both have and that differ, or that only `other` has.
    public func differences(from other: CertificateFingerprints) -> [String] {
        other.authorities.filter { authorities[$0.key] != $0.value }.keys.sorted()
    }

    private static func name(of file: IdentityFile) -> String {
        String(file.path.dropFirst("tls/".count).dropLast(".crt".count))
    }
}

extension Certificate {
    /// The certificate that ends first among PEM files; nil when there is none whose end can be read.
    public static func soonestExpiry(
        of files: some Sequence<(path: String, pem: [UInt8])>
    ) -> (path: String, notAfter: Int64)? {
        var soonest: (path: String, notAfter: Int64)?
        for file in files {
            // The first certificate is the file's own; those after it are its chain.
            guard let end = Certificate.all(inPEM: file.pem).first?.notAfter else { continue }
            if let known = soonest, known.notAfter <= end { continue }
            soonest = (file.path, end)
        }
        return soonest
    }
}
