internal import Crypto
internal import CryptoExtras
internal import Failures
internal import FoundationEssentials
internal import JSONValues

/// The row in which k3s keeps its identity: `SALT:base64(NONCE + AES-256-GCM)` under the hash of the token's password.
enum BootstrapRow {
    private static let rounds = 4096

    static func key(password: String) -> String {
        "/bootstrap/" + SHA256.hash(data: Array(password.utf8)).prefix(6).map { RandomNames.hexadecimal($0) }.joined()
    }

    static func seal(_ files: [String: [UInt8]], password: String, withTimes: Bool) throws(Failure) -> [UInt8] {
        let time = Moment.now()
        let json = JSONValue.object(
            files.sorted { $0.key < $1.key }.map { name, bytes in
                let content = JSONValue.string(Data(bytes).base64EncodedString())
                return JSONMember(
                    name, withTimes ? .members(["Timestamp": .string(time), "Content": content]) : content)
            })
        var random = SystemRandomNumberGenerator()
        let salt = (0..<8).map { _ in RandomNames.hexadecimal(UInt8.random(in: 0...255, using: &random)) }.joined()
        do {
            let sealed = try AES.GCM.seal(json.serialized(), using: key(password, Array(salt.utf8)))
            guard let combined = sealed.combined else { throw Failure(.failed, "cannot seal the bootstrap row") }
            return Array("\(salt):\(combined.base64EncodedString())".utf8)
        } catch {
            throw Failure(.failed, "cannot seal the bootstrap row", why: "\(error)")
        }
    }

    /// The files of a row and when the newest was saved; nil for another password.
    static func open(_ value: [UInt8], password: String) -> (files: [String: [UInt8]], saved: Date?)? {
        guard let colon = value.firstIndex(of: UInt8(ascii: ":")),
            let sealed = Data(base64Encoded: Data(value[(colon + 1)...]))
        else { return nil }
        do {
            let plain = try AES.GCM.open(
                AES.GCM.SealedBox(combined: sealed), using: key(password, Array(value[..<colon])))
            var files: [String: [UInt8]] = [:]
            var saved: Date?
            for member in try JSONValue(parsing: Array(plain)).members ?? [] {
                let content = member.value.stringValue ?? member.value.text("Content") ?? ""
                files[member.name] = Data(base64Encoded: content).map { Array($0) }
                if let time = Moment.parse(member.value.text("Timestamp") ?? "") { saved = max(saved ?? time, time) }
            }
            return (files, saved)
        } catch {
            return nil
        }
    }

    private static func key(_ password: String, _ salt: [UInt8]) throws -> SymmetricKey {
        try KDF.Insecure.PBKDF2.deriveKey(
            from: Array(password.utf8), salt: salt, using: .insecureSHA1, outputByteCount: 32,
            unsafeUncheckedRounds: rounds)
    }
}

/// Base64 of the API's secrets.
enum Base64 {
    static func text(_ encoded: String) -> String {
        Data(base64Encoded: encoded).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
