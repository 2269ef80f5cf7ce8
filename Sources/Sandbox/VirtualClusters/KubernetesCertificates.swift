internal import Crypto
internal import Failures
internal import Files
internal import FoundationEssentials

/// What makes up the identity of a vcluster with Kubernetes: files of `pki/`, and the same in Secret `NAME-certs`.
struct KubernetesCertificates: Sendable {
    /// By their names in `pki/`; those of etcd are in a directory of their own there, and have a prefix in the Secret.
    private let files: [String: [UInt8]]

    /// New ones.
    init() throws(Failure) {
        let authority = try KeyedCertificate.authority("kubernetes")
        let frontProxy = try KeyedCertificate.authority("front-proxy-ca")
        let etcd = try KeyedCertificate.authority("etcd-ca")
        let key = P256.Signing.PrivateKey()
        files = [
            "ca.crt": Array(authority.certificatePEM.utf8), "ca.key": Array(authority.keyPEM.utf8),
            "server-ca.crt": Array(authority.certificatePEM.utf8), "server-ca.key": Array(authority.keyPEM.utf8),
            "client-ca.crt": Array(authority.certificatePEM.utf8), "client-ca.key": Array(authority.keyPEM.utf8),
            "front-proxy-ca.crt": Array(frontProxy.certificatePEM.utf8),
            "front-proxy-ca.key": Array(frontProxy.keyPEM.utf8), "etcd/ca.crt": Array(etcd.certificatePEM.utf8),
            "etcd/ca.key": Array(etcd.keyPEM.utf8), "sa.key": Array(key.pemRepresentation.utf8),
            "sa.pub": Array(key.publicKey.pemRepresentation.utf8),
        ]
    }

    init(secret: [String: String]) {
        var files: [String: [UInt8]] = [:]
        for (name, text) in secret {
            files[name.hasPrefix("etcd-") ? "etcd/" + name.dropFirst(5) : name] = Array(Base64.text(text).utf8)
        }
        self.files = files
    }

    /// The data of the Secret.
    var secret: [String: String] {
        var data: [String: String] = [:]
        for (name, bytes) in files {
            data[name.replacing("/", with: "-")] = Base64.encode(String(decoding: bytes, as: UTF8.self))
        }
        return data
    }

    func lay(out directory: String) throws(Failure) {
        try createDirectory("\(directory)/pki/etcd")
        for (name, bytes) in files { try PlainFile.write(bytes, to: "\(directory)/pki/\(name)") }
    }

    /// The same by the names that k3s has for its own.
    var identity: VirtualIdentity {
        let names = [
            "ServerCA": "server-ca.crt", "ServerCAKey": "server-ca.key", "ClientCA": "client-ca.crt",
            "ClientCAKey": "client-ca.key",
        ]
        return VirtualIdentity(files: names.compactMapValues { files[$0] }, password: "")
    }
}
