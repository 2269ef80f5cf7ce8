import Crypto
import CryptoExtras
import Failures
import FoundationEssentials

/// How k3s encrypts its bootstrap row: `SALT:base64(NONCE + AES-256-GCM)`, the key from PBKDF2-HMAC-SHA1.
enum BootstrapCipher {
    /// What k3s uses; too few for a new design, and not ours to choose.
    private static let rounds = 4096
    /// The row holds some twenty small files.
    private static let largest = 16 << 20

    /// Decrypts a row, or says why not; a wrong password and changed bytes cannot be told apart.
    static func open(_ value: [UInt8], password: [UInt8]) throws(Failure) -> [UInt8] {
        guard value.count <= largest, let colon = value.firstIndex(of: UInt8(ascii: ":")) else {
            throw damaged("it is not SALT:DATA")
        }
        guard let sealed = Data(base64Encoded: Data(value[(colon + 1)...])), sealed.count >= 12 + 16 else {
            throw damaged("its data is not base64, or cut off")
        }
        do {
            let key = try KDF.Insecure.PBKDF2.deriveKey(
                from: password, salt: Array(value[..<colon]), using: .insecureSHA1, outputByteCount: 32,
                unsafeUncheckedRounds: rounds)
            return try [UInt8](AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key))
        } catch {
            throw damaged("it does not decrypt")
        }
    }

    private static func damaged(_ why: String) -> Failure {
        Failure(.verificationFailed, "the bootstrap row cannot be opened", why: why)
    }
}
