import Datastore
import Failures

/// The server's token, tried on the datastore; where there are two, they are compared.
struct TokenTrial {
    private(set) var proof: BootstrapProof
    /// Why the token itself cannot be read.
    private(set) var fault: String?
    /// What of the host's Secret makes the backup a partial one.
    private(set) var disagreement: String?

    private init(_ bytes: [UInt8]?, _ rows: [(key: String, value: [UInt8])]) {
        guard let bytes else {
            proof = BootstrapProof(token: nil, rows: rows)
            return
        }
        do throws(Failure) {
            proof = BootstrapProof(token: try ServerToken(parsing: bytes), rows: rows)
        } catch {
            proof = BootstrapProof(token: nil, rows: rows)
            fault = error.description
        }
    }

    /// `told` goes before `file` (`server/token`), and that before the one in the host's `secret`; but where the file's does
    /// not open the datastore and the Secret's does, that is the token.
    init(told: [UInt8]?, file: [UInt8]?, secret: [UInt8]?, rows: [(key: String, value: [UInt8])]) {
        self.init(told ?? file ?? secret, rows)
        guard let file, let secret, !Self.areSame(file, secret) else { return }
        let difference = "the token in the host's Secret is another than server/token"
        if proof.isProven {
            disagreement = "\(difference), which opens the datastore"
            return
        }
        let other = TokenTrial(secret, rows)
        if other.proof.isProven {
            self = other
            disagreement = "\(difference), and opens the datastore: server/token does not"
        } else {
            disagreement = difference
        }
    }

    /// One may be the long form and the other the password alone.
    private static func areSame(_ file: [UInt8], _ secret: [UInt8]) -> Bool {
        do throws(Failure) {
            return try ServerToken(parsing: file).password == ServerToken(parsing: secret).password
        } catch {
            return false
        }
    }
}
