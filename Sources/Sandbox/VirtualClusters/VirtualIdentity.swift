internal import Crypto
internal import Failures
internal import Files
internal import FoundationEssentials

/// The files that a k3s server is known by, and its password.
struct VirtualIdentity: Sendable {
    /// Where each file of the bootstrap row is, below `server/`.
    static let paths = [
        "ServerCA": "tls/server-ca.crt", "ServerCAKey": "tls/server-ca.key", "ClientCA": "tls/client-ca.crt",
        "ClientCAKey": "tls/client-ca.key", "RequestHeaderCA": "tls/request-header-ca.crt",
        "RequestHeaderCAKey": "tls/request-header-ca.key", "ETCDServerCA": "tls/etcd/server-ca.crt",
        "ETCDServerCAKey": "tls/etcd/server-ca.key", "ETCDPeerCA": "tls/etcd/peer-ca.crt",
        "ETCDPeerCAKey": "tls/etcd/peer-ca.key", "ServiceKey": "tls/service.key", "PasswdFile": "cred/passwd",
        "IPSECKey": "cred/ipsec.psk",
    ]

    var files: [String: [UInt8]]
    var password: String

    /// A new one.
    init(newWithPassword password: String) throws(Failure) {
        self.password = password
        files = [:]
        let stamp = String(Int(Date().timeIntervalSince1970))
        for (name, subject) in [
            ("ServerCA", "k3s-server-ca"), ("ClientCA", "k3s-client-ca"), ("RequestHeaderCA", "k3s-request-header-ca"),
            ("ETCDServerCA", "etcd-server-ca"), ("ETCDPeerCA", "etcd-peer-ca"),
        ] {
            let authority = try KeyedCertificate.authority("\(subject)@\(stamp)")
            files[name] = Array(authority.certificatePEM.utf8)
            files["\(name)Key"] = Array(authority.keyPEM.utf8)
        }
        files["ServiceKey"] = Array((P256.Signing.PrivateKey().pemRepresentation + "\n").utf8)
        files["PasswdFile"] = Array("\(password),node,node,k3s:agent\n\(password),server,server,k3s:server\n".utf8)
        files["IPSECKey"] = Array(Self.randomHexadecimal(48).utf8)
    }

    init(files: [String: [UInt8]], password: String) {
        self.files = files
        self.password = password
    }

    static func randomHexadecimal(_ count: Int) -> String {
        (0..<count).map { _ in RandomNames.hexadecimal(UInt8.random(in: 0...255)) }.joined()
    }

    /// What is on disk; nil where `tls/` or `cred/` is missing or empty.
    static func onDisk(_ server: String) -> [String: [UInt8]]? {
        var files: [String: [UInt8]] = [:]
        for (name, path) in paths { files[name] = PlainFile.read("\(server)/\(path)") }
        let isThere = ["ServerCA", "ServerCAKey", "ClientCA", "ClientCAKey", "PasswdFile"].allSatisfy {
            files[$0].map { !$0.isEmpty } ?? false
        }
        return isThere ? files : nil
    }

    /// Writes the files and the token.
    func lay(out server: String) throws(Failure) {
        for directory in ["tls/etcd", "cred"] { try createDirectory("\(server)/\(directory)") }
        for (name, path) in Self.paths {
            guard let bytes = files[name], PlainFile.read("\(server)/\(path)") != bytes else { continue }
            try PlainFile.write(bytes, to: "\(server)/\(path)")
        }
        let token = "K10\(caHash)::server:\(password)\n"
        if PlainFile.read("\(server)/token") != Array(token.utf8) {
            try PlainFile.write(token.utf8, to: "\(server)/token")
        }
    }

    private var caHash: String {
        SHA256.hash(data: files["ServerCA"] ?? []).map { RandomNames.hexadecimal($0) }.joined()
    }

    func authority(_ name: String) throws(Failure) -> KeyedCertificate {
        try KeyedCertificate(certificatePEM: files[name] ?? [], keyPEM: files["\(name)Key"] ?? [])
    }

    /// The password in a token's text: all of it, or what follows `::USER:`.
    static func password(ofToken text: [UInt8]) -> String? {
        let line = String(decoding: text, as: UTF8.self).trimmed
        guard !line.isEmpty else { return nil }
        guard line.hasPrefix("K10"), let mark = line.firstRange(of: "::") else { return line }
        let rest = line[mark.upperBound...]
        return rest.firstIndex(of: ":").map { String(rest[rest.index(after: $0)...]) }
    }

    /// The server's password in `cred/passwd`.
    static func password(inPasswd bytes: [UInt8]) -> String? {
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ",")
            if fields.count > 1, fields[1] == "server" { return String(fields[0]) }
        }
        return nil
    }
}
