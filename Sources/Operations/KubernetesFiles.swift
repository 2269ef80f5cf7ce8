import Datastore

/// The certificates and keys of a vcluster with Kubernetes instead of k3s, in the data directory's `pki/`
/// (vcluster pkg/certs/constants.go). What counts at a start is Secret `NAME-certs` of the host: the syncer writes them from
/// there each time, and makes new ones where there is no such Secret.
enum KubernetesFiles {
    /// The directory of them, below the data directory.
    static let directory = "pki"
    /// The authority that clients trust.
    static let authority = "pki/ca.crt"
    /// Without these, it would be another cluster for everyone who knows it.
    static let essential = [authority, "pki/ca.key", "pki/sa.key", "pki/sa.pub"]
    /// Authorities by the names that their like has in k3s, and where they are, the place that counts first: those of servers
    /// and clients are copies of the one authority unless they were rotated.
    static let authorities = [
        ("server-ca", ["pki/server-ca.crt", authority]), ("client-ca", ["pki/client-ca.crt", authority]),
        ("request-header-ca", ["pki/front-proxy-ca.crt"]), ("etcd/server-ca", ["pki/etcd/ca.crt"]),
    ]
    /// What is looked at to tell who a cluster is.
    static var looked: [String] { essential + authorities.flatMap(\.1) }

    /// The path in an archive of the host's Secret that holds them.
    static func secret(of cluster: String) -> String { "\(HostFile.folder)Secret/\(secretName(of: cluster)).yaml" }

    /// The name of that Secret.
    static func secretName(of cluster: String) -> String { "\(cluster)-certs" }

    /// The fingerprints of the authorities, from whatever gives the bytes of a file below the data directory, or nil.
    static func fingerprints(_ bytes: (String) -> [UInt8]?) -> CertificateFingerprints {
        let found = authorities.compactMap { name, paths -> (String, String)? in
            guard let pem = paths.lazy.compactMap(bytes).first, let first = Certificate.all(inPEM: pem).first else {
                return nil
            }
            return (name, first.fingerprint)
        }
        return CertificateFingerprints(authorities: Dictionary(found) { first, _ in first })
    }

    /// Whether they are whole, in the words of `backup.json`.
    static func state(_ bytes: (String) -> [UInt8]?) -> (state: String, sentence: String) {
        let missing = essential.filter { bytes($0) == nil }
        if missing.isEmpty { return ("complete", "all \(essential.count) files of its identity are there") }
        if missing.count == essential.count { return ("absent", "pki/ has none of the files of its identity") }
        return ("incomplete", "files of its identity are missing: \(missing.joined(separator: ", "))")
    }
}
