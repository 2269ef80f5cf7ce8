import Datastore
import Foundation
import Testing

@Suite("Identity files")
struct IdentityFilesTests {
    static let fixture = IdentityBootstrapTests.withToken

    private func contents() throws -> BootstrapContents {
        let rows = try IdentityBootstrapTests.rows(Self.fixture)
        return try IdentityBootstrapTests.opening(
            BootstrapProof(token: try IdentityBootstrapTests.token(Self.fixture), rows: rows)
        ).contents
    }

    private func files(_ fixture: String) throws -> [IdentityFile: [UInt8]] {
        var files: [IdentityFile: [UInt8]] = [:]
        for file in IdentityFile.allCases {
            files[file] = try ObjectsFixtures.bytesIfThere(fixture, "server/" + file.path)
        }
        return files
    }

    @Test func `fingerprints are those that openssl prints`() throws {
        let files = try files(Self.fixture)
        let fingerprints = CertificateFingerprints { files[$0] }
        for (name, fingerprint) in fingerprints.authorities {
            let path = try ObjectsFixtures.folder(Self.fixture).appendingPathComponent("server/tls/\(name).crt").path
            let printed = try ObjectsFixtures.run("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256")
            let digits = String(decoding: printed, as: UTF8.self).split(separator: "=").last?
                .filter(\.isHexDigit).lowercased()
            #expect(digits == fingerprint)
        }
        #expect(fingerprints.authorities.count == 5)
        #expect(fingerprints == CertificateFingerprints(try contents()))
        #expect(fingerprints.serverCA == "3d496f1937d71c2eaaba7b0dfcaef32f3de11de94206441f5da34ed4f6f55c90")
        let other = try self.files(IdentityBootstrapTests.withoutToken)
        let others = CertificateFingerprints { other[$0] }
        #expect(others.differences(from: fingerprints).count == 5)
        #expect(fingerprints.differences(from: fingerprints).isEmpty)
    }

    @Test func `whole, missing and changed files are told apart`() throws {
        let contents = try contents()
        var files = try files(Self.fixture)
        #expect(IdentitySet(contents: contents) { files[$0] }.state == .complete)
        files[.serviceKey]?.append(0)
        let changed = IdentitySet(contents: contents) { files[$0] }
        #expect(changed.state == .differs && changed.differing == ["tls/service.key"])
        files[.clientCAKey] = nil
        let half = IdentitySet(contents: contents) { files[$0] }
        #expect(half.state == .incomplete && half.missing == ["tls/client-ca.key"])
        #expect(half.sentence.contains("tls/client-ca.key") && half.sentence.contains("tls/service.key"))
        let none = IdentitySet(contents: contents) { _ in nil }
        #expect(none.state == .absent && none.missing.count == 13)
    }

    @Test(arguments: ObjectsFixtures.sqlite + ["k3s-1.21.2-etcd"])
    func `without a row the essential files are expected`(_ fixture: String) throws {
        var files = try files(fixture)
        let whole = IdentitySet(contents: nil) { files[$0] }
        #expect(whole.state == .complete && !whole.isCompared && whole.expected == 8)
        files[.passwd] = nil
        #expect(IdentitySet(contents: nil) { files[$0] }.missing == ["cred/passwd"])
    }

    @Test(arguments: ObjectsFixtures.sqlite + ["k3s-1.21.2-etcd"])
    func `certificates end when openssl says`(_ fixture: String) throws {
        let folder = try ObjectsFixtures.folder(fixture).appendingPathComponent("server/tls")
        let names = try #require(FileManager.default.subpaths(atPath: folder.path)).filter { $0.hasSuffix(".crt") }
        #expect(names.count > 12)
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "MMM d HH:mm:ss yyyy 'GMT'"
        var ends: [Int64] = []
        var read: [(path: String, pem: [UInt8])] = []
        for name in names {
            let path = folder.appendingPathComponent(name).path
            let printed = try ObjectsFixtures.run("openssl", "x509", "-in", path, "-noout", "-enddate")
            let text = String(decoding: printed, as: UTF8.self).dropFirst("notAfter=".count).replacing("  ", with: " ")
            let date = try #require(format.date(from: text.trimmingCharacters(in: .whitespacesAndNewlines)))
            let bytes = try ObjectsFixtures.bytes(fixture, "server/tls/\(name)")
            let certificate = try #require(Certificate.all(inPEM: bytes).first)
            #expect(certificate.notAfter == Int64(date.timeIntervalSince1970), "\(name)")
            ends.append(Int64(date.timeIntervalSince1970))
            read.append((name, bytes))
        }
        #expect(Certificate.soonestExpiry(of: read)?.notAfter == ends.min())
    }

    @Test func `a broken certificate has no end`() throws {
        let pem = try ObjectsFixtures.bytes(Self.fixture, "server/tls/server-ca.crt")
        let text = String(decoding: pem, as: UTF8.self)
        let der = try #require(Data(base64Encoded: text.split(separator: "\n").dropFirst().dropLast().joined()))
        let wrap = { (bytes: Data) in
            Array("-----BEGIN CERTIFICATE-----\n\(bytes.base64EncodedString())\n-----END CERTIFICATE-----\n".utf8)
        }
        #expect(Certificate.all(inPEM: wrap(der)).first?.notAfterText == "2036-11-19T11:19:35Z")
        for end in 1..<der.count { #expect(Certificate.all(inPEM: wrap(der.prefix(end))).first?.notAfter == nil) }
        var random = ObjectsRandom(state: 7)
        for _ in 0..<3000 {
            var bytes = der
            for _ in 0..<3 { bytes[Int(random.next() % 200)] = UInt8(truncatingIfNeeded: random.next() >> 32) }
            _ = Certificate.all(inPEM: wrap(bytes))
        }
        #expect(Certificate.all(inPEM: Array("-----BEGIN CERTIFICATE-----\nAAAA".utf8)).isEmpty)
        #expect(Certificate.all(inPEM: []).isEmpty)
    }

    @Test func `the encryption of Secrets is known without its keys`() throws {
        let config = try ObjectsFixtures.bytes(
            IdentityBootstrapTests.withoutToken, "server/cred/encryption-config.json")
        let encryption = try SecretsEncryption(config: config)
        #expect(encryption.isEnabled && encryption.providers == ["aescbc", "identity"])
        #expect(encryption.keyNames == ["aescbckey"] && encryption.resources == ["secrets"])
        #expect(!String(decoding: try JSONEncoder().encode(encryption), as: UTF8.self).contains("rxsHVPE"))
        var sample = SecretsEncryption.Sample()
        for row in try ObjectsFixtures.liveRows(IdentityBootstrapTests.withoutToken) where row.key.contains("/secrets/")
        {
            row.value.withUnsafeBytes { sample.add($0) }
        }
        #expect(sample.encodings == ["encrypted:aescbc:v1:aescbckey": 137] && sample.encryptedCount == 137)
        #expect(encryption.missingKeys(sample).isEmpty)
        #expect(SecretsEncryption.none.missingKeys(sample) == ["aescbckey"])
        let off =
            #"{"resources":[{"resources":["secrets"],"providers":[{"identity":{}},{"secretbox":{"keys":[{"name":"k","secret":"s"}]}}]}]}"#
        let disabled = try SecretsEncryption(config: Array(off.utf8))
        #expect(!disabled.isEnabled && disabled.keyNames == ["k"])
        do {
            _ = try SecretsEncryption(config: Array(#"{"resources":"hushhush"}"#.utf8))
            Issue.record("was not refused")
        } catch {
            #expect(!"\(error)".contains("hushhush"))
        }
    }
}
