internal import Crypto
internal import Failures
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A certificate authority with its key, or a certificate with its own.
struct KeyedCertificate: Sendable {
    let certificatePEM: String
    let keyPEM: String
    let certificate: Certificate
    let key: P256.Signing.PrivateKey

    private init(_ certificate: Certificate, _ key: P256.Signing.PrivateKey) throws {
        self.certificate = certificate
        self.key = key
        certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
        keyPEM = key.pemRepresentation + "\n"
    }

    /// Reads what was written before.
    init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(Failure) {
        do {
            self = try KeyedCertificate(
                Certificate(pemEncoded: String(decoding: certificatePEM, as: UTF8.self)),
                P256.Signing.PrivateKey(pemRepresentation: String(decoding: keyPEM, as: UTF8.self)))
        } catch {
            throw Failure(.verificationFailed, "a certificate authority cannot be read", why: "\(error)")
        }
    }

    private static func making(_ what: String, _ body: () throws -> KeyedCertificate) throws(Failure)
        -> KeyedCertificate
    {
        do { return try body() } catch {
            throw Failure(.failed, "cannot make the certificate \(what)", why: "\(error)", cause: error)
        }
    }

    /// A new authority, good for ten years.
    static func authority(_ name: String) throws(Failure) -> KeyedCertificate {
        try making(name) {
            let key = P256.Signing.PrivateKey()
            let subject = try DistinguishedName { CommonName(name) }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
                notValidBefore: Date().addingTimeInterval(-60), notValidAfter: Date().addingTimeInterval(315_360_000),
                issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                }, issuerPrivateKey: Certificate.PrivateKey(key))
            return try KeyedCertificate(certificate, key)
        }
    }

    /// A client's certificate: a user and its groups; `lifetime` in seconds may be negative, for one that is over.
    func client(_ name: String, groups: [String], lifetime: Double = 31_536_000) throws(Failure) -> KeyedCertificate {
        try Self.making(name) {
            let subject = try DistinguishedName {
                for group in groups { OrganizationName(group) }
                CommonName(name)
            }
            return try issue(subject, lifetime: lifetime, usage: .clientAuth, names: [])
        }
    }

    /// A server's certificate for names and addresses.
    func server(_ name: String, names: [String], addresses: [String]) throws(Failure) -> KeyedCertificate {
        try Self.making(name) {
            let all =
                names.map { GeneralName.dnsName($0) }
                + addresses.map { address in
                    GeneralName.ipAddress(
                        ASN1OctetString(contentBytes: address.split(separator: ".").compactMap { UInt8($0) }[...]))
                }
            return try issue(
                DistinguishedName { CommonName(name) }, lifetime: 31_536_000, usage: .serverAuth, names: all)
        }
    }

    private func issue(
        _ subject: DistinguishedName, lifetime: Double, usage: ExtendedKeyUsage.Usage, names: [GeneralName]
    ) throws -> KeyedCertificate {
        let own = P256.Signing.PrivateKey()
        let start = Date().addingTimeInterval(min(-60, lifetime - 60))
        let issued = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(own.publicKey),
            notValidBefore: start, notValidAfter: Date().addingTimeInterval(lifetime), issuer: certificate.subject,
            subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
                try ExtendedKeyUsage([usage])
                if !names.isEmpty { SubjectAlternativeNames(names) }
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return try KeyedCertificate(issued, own)
    }

    /// Who a certificate of this authority is for; nil for one that is not its own, or not valid now.
    func caller(of der: [UInt8]) -> Caller? {
        do {
            let presented = try Certificate(derEncoded: der)
            let now = Date()
            guard certificate.publicKey.isValidSignature(presented.signature, for: presented),
                presented.notValidBefore <= now, now <= presented.notValidAfter
            else { return nil }
            var name = ""
            var groups: [String] = []
            for part in presented.subject {
                for attribute in part {
                    let text = String(describing: attribute.value)
                    if attribute.type == .RDNAttributeType.commonName { name = text }
                    if attribute.type == .RDNAttributeType.organizationName { groups.append(text) }
                }
            }
            return Caller(name: name, groups: groups + ["system:authenticated"])
        } catch {
            return nil
        }
    }
}

/// What a host identifies itself and its callers with.
struct ClusterCertificates: Sendable {
    let serverAuthority: KeyedCertificate
    let clientAuthority: KeyedCertificate
    let serving: KeyedCertificate
    let admin: KeyedCertificate
    /// A bearer token of the administrator.
    let adminToken: String

    init(name: String, address: String) throws(Failure) {
        serverAuthority = try .authority("\(name)-server-ca")
        clientAuthority = try .authority("\(name)-client-ca")
        serving = try serverAuthority.server(
            "kube-apiserver",
            names: ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", name],
            addresses: [address, "127.0.0.1"])
        admin = try clientAuthority.client("system:admin", groups: ["system:masters"])
        adminToken = SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
            bytes.map { RandomNames.hexadecimal($0) }.joined()
        }
    }
}
