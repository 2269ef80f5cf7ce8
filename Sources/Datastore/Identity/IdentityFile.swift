/// The files that are a server's identity, by the names that they have in the bootstrap row.
public enum IdentityFile: String, Sendable, Hashable, CaseIterable {
    /// The CA of the API server and the supervisor.
    case serverCA = "ServerCA"
    /// Its key.
    case serverCAKey = "ServerCAKey"
    /// The CA of client certificates.
    case clientCA = "ClientCA"
    /// Its key.
    case clientCAKey = "ClientCAKey"
    /// The CA of the aggregation layer.
    case requestHeaderCA = "RequestHeaderCA"
    /// Its key.
    case requestHeaderCAKey = "RequestHeaderCAKey"
    /// The CA of etcd's servers.
    case etcdServerCA = "ETCDServerCA"
    /// Its key.
    case etcdServerCAKey = "ETCDServerCAKey"
    /// The CA of etcd's peers.
    case etcdPeerCA = "ETCDPeerCA"
    /// Its key.
    case etcdPeerCAKey = "ETCDPeerCAKey"
    /// The key that signs service account tokens.
    case serviceKey = "ServiceKey"
    /// The passwords of servers and agents.
    case passwd = "PasswdFile"
    /// The key of flannel's IPsec backend.
    case ipsecKey = "IPSECKey"
    /// The keys that encrypt Secrets.
    case encryptionConfig = "EncryptionConfig"
    /// The stage of their rotation.
    case encryptionState = "EncryptionHash"

    /// The file below `server/`.
    public var path: String {
        switch self {
        case .serverCA: "tls/server-ca.crt"
        case .serverCAKey: "tls/server-ca.key"
        case .clientCA: "tls/client-ca.crt"
        case .clientCAKey: "tls/client-ca.key"
        case .requestHeaderCA: "tls/request-header-ca.crt"
        case .requestHeaderCAKey: "tls/request-header-ca.key"
        case .etcdServerCA: "tls/etcd/server-ca.crt"
        case .etcdServerCAKey: "tls/etcd/server-ca.key"
        case .etcdPeerCA: "tls/etcd/peer-ca.crt"
        case .etcdPeerCAKey: "tls/etcd/peer-ca.key"
        case .serviceKey: "tls/service.key"
        case .passwd: "cred/passwd"
        case .ipsecKey: "cred/ipsec.psk"
        case .encryptionConfig: "cred/encryption-config.json"
        case .encryptionState: "cred/encryption-state.json"
        }
    }

    /// The certificates whose fingerprints are recorded.
    public static let authorities: [IdentityFile] = [
        .serverCA, .clientCA, .requestHeaderCA, .etcdServerCA, .etcdPeerCA,
    ]

    /// Without any of these a server makes itself a new identity, or loses the old one in part.
    public static let essential: [IdentityFile] = [
        .serverCA, .serverCAKey, .clientCA, .clientCAKey, .requestHeaderCA, .requestHeaderCAKey, .serviceKey, .passwd,
    ]
}
