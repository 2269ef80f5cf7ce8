import Crypto
public import Failures
import Files

/// The token of a k3s server: the password that opens `/bootstrap/…`, and the hash of the CA that it was made with.
///
/// It is never printed: every textual form of it is redacted.
public struct ServerToken: Sendable, Hashable {
    /// Whose token it is.
    public enum User: Sendable, Hashable {
        /// `K10…::server:…`: joins as a server, opens the bootstrap row.
        case server
        /// `K10…::node:…`: joins as an agent; its password may be another.
        case agent
        /// A bare password.
        case none
        /// Another user name.
        case other
    }

    /// The secret, as k3s normalizes it: what follows the user name. Never print it.
    public let password: String
    /// Whose token it is.
    public let user: User
    /// The hash of the server's CA, lower-case hex, when the token has one.
    public let caHash: String?
    /// The text without its line feeds: k3s before 1.20 took all of it as the password.
    let text: String

    /// Reads a token as k3s does: line feeds at the end go, `K10` begins the long form, anything else is a password.
    public init(parsing bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= 64 << 10, let decoded = String(validating: bytes, as: UTF8.self) else {
            throw ServerToken.invalid("it is no text")
        }
        self = try ServerToken(parsing: decoded)
    }

    /// Reads a token as k3s does: line feeds at the end go, `K10` begins the long form, anything else is a password.
    public init(parsing token: String) throws(Failure) {
        var text = token[...]
        while text.unicodeScalars.last == "\n" { text = Substring(text.unicodeScalars.dropLast()) }
        guard !text.isEmpty else { throw ServerToken.invalid("it is empty") }
        self.text = String(text)
        guard text.hasPrefix("K10") else {
            password = self.text
            user = .none
            caHash = nil
            return
        }
        var credentials = text.dropFirst(3)
        var hash: Substring = ""
        if let separator = ServerToken.separator(in: credentials) {
            hash = credentials[..<separator.lowerBound]
            credentials = credentials[separator.upperBound...]
        }
        guard hash.isEmpty || hash.utf8.count == 64 && hash.utf8.allSatisfy({ Hexadecimal.digit($0) != nil }) else {
            throw ServerToken.invalid("the hash after K10 is not 64 hexadecimal digits")
        }
        guard let colon = credentials.firstIndex(of: ":"), credentials.index(after: colon) < credentials.endIndex else {
            throw ServerToken.invalid("it has no USER:PASSWORD after its hash; agents' join tokens open no datastore")
        }
        caHash = hash.isEmpty ? nil : hash.lowercased()
        password = String(credentials[credentials.index(after: colon)...])
        user =
            switch credentials[..<colon] {
            case "server": .server
            case "node": .agent
            case "": .none
            default: .other
            }
    }

    /// The key under which a server with this password keeps its identity.
    public static func bootstrapKey(password: String) -> String {
        "/bootstrap/" + Hexadecimal.text(SHA256.hash(data: Array(password.utf8)).prefix(6))
    }

    /// The key under which a server with this token keeps its identity.
    public var bootstrapKey: String { ServerToken.bootstrapKey(password: password) }

    /// Whether the token was made with this CA; nil when it has no hash.
    ///
    /// The hash is over the file's bytes; for a bundle of several certificates newer k3s takes the DER of the root.
    public func matches(serverCA pem: [UInt8]) -> Bool? {
        guard let caHash else { return nil }
        if Hexadecimal.text(SHA256.hash(data: pem)) == caHash { return true }
        let certificates = PEM.certificates(in: pem)
        guard certificates.count > 1 else { return false }
        return certificates.dropFirst().contains { Hexadecimal.text(SHA256.hash(data: $0)) == caHash }
    }

    private static func separator(in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while let colon = text[index...].firstIndex(of: ":") {
            let next = text.index(after: colon)
            if next < text.endIndex, text[next] == ":" { return colon..<text.index(after: next) }
            index = next
        }
        return nil
    }

    private static func invalid(_ why: String) -> Failure {
        Failure(
            .refused, "the server token cannot be read", why: why,
            next: "Give the server's token: K10<hash>::server:<password>, or the password alone.")
    }
}

extension ServerToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Redacted.
    public var description: String { "a server token (not shown)" }
    /// Redacted.
    public var debugDescription: String { description }
    /// Redacted.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
