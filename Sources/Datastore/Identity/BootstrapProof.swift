import Failures

/// Whether a server's token opens the identity that its datastore keeps: without that, a restored datastore has no identity.
public enum BootstrapProof: Sendable {
    /// The row was decrypted and read.
    case opened(Opening)
    /// There are rows, and this token opens none of them.
    case wrongToken(keys: [String])
    /// There are rows that need a token, and none was given.
    case noToken(keys: [String])
    /// The datastore keeps no identity: it was not made by a k3s server, or that one never finished its start.
    case noBootstrapRow
    /// The row is the token's by its name, but cannot be decrypted or read.
    case damaged(key: String, reason: String)

    /// How the row opened.
    public struct Opening: Sendable {
        /// Which password it was encrypted with.
        public enum Password: String, Sendable, Codable {
            /// The token's password.
            case token
            /// None: k3s that was started without `--token`, before about 1.21. The token does not matter for this row.
            case empty
            /// All of the token's text, as k3s before 1.20 used it.
            case wholeToken
        }

        /// The row's key.
        public let key: String
        /// Which password opened it.
        public let password: Password
        /// The files in it.
        public let contents: BootstrapContents
        /// Other bootstrap rows; k3s up to 1.21 refuses to start with more than one.
        public let otherKeys: [String]
        /// Whether the token is the server's in the row's `cred/passwd`; nil without token or file.
        public let tokenIsServersPassword: Bool?
        /// Whether the token's hash is that of the row's server CA; nil when the token has none.
        public let tokenMatchesCA: Bool?
    }

    /// Tries a token on the bootstrap rows of a datastore: all live rows whose key begins with `/bootstrap/`.
    public init(token: ServerToken?, rows: [(key: String, value: [UInt8])]) {
        let rows = rows.filter { $0.key.hasPrefix("/bootstrap/") }
        guard !rows.isEmpty else {
            self = .noBootstrapRow
            return
        }
        let keys = rows.map(\.key).sorted()
        var candidates: [(password: Opening.Password, text: String)] = []
        if let token {
            candidates.append((.token, token.password))
            if token.text != token.password { candidates.append((.wholeToken, token.text)) }
        }
        candidates.append((.empty, ""))
        for candidate in candidates {
            let key = ServerToken.bootstrapKey(password: candidate.text)
            guard let row = rows.first(where: { $0.key == key }) else { continue }
            do throws(Failure) {
                let contents = try BootstrapContents(
                    json: BootstrapCipher.open(row.value, password: Array(candidate.text.utf8)))
                self = .opened(
                    Opening(
                        key: key, password: candidate.password, contents: contents,
                        otherKeys: keys.filter { $0 != key },
                        tokenIsServersPassword: token.flatMap { PasswdFile(contents)?.isServer($0.password) },
                        tokenMatchesCA: token.flatMap { token in
                            contents[.serverCA].flatMap { token.matches(serverCA: $0) }
                        }))
            } catch {
                self = .damaged(key: key, reason: error.description)
            }
            return
        }
        self = token == nil ? .noToken(keys: keys) : .wrongToken(keys: keys)
    }

    /// Whether a server that gets this datastore and this token has its identity.
    public var isProven: Bool {
        guard case .opened(let opening) = self else { return false }
        // A row without a password opens with any token, so there only `cred/passwd` speaks for it.
        return opening.password != .empty || opening.tokenIsServersPassword != false
    }

    /// One sentence for a person, without a secret.
    public var sentence: String {
        switch self {
        case .opened(let opening): opening.sentence
        case .wrongToken(let keys):
            "the token does not open \(keys.joined(separator: ", ")): the datastore was made with another one"
        case .noToken(let keys):
            "no token was found, and \(keys.joined(separator: ", ")) cannot be opened without it"
        case .noBootstrapRow: "the datastore keeps no bootstrap row: the identity is in the server's files alone"
        case .damaged(let key, let reason): "\(key) is the row of this token, but is damaged: \(reason)"
        }
    }
}

extension BootstrapProof.Opening {
    /// One sentence for a person, without a secret.
    fileprivate var sentence: String {
        var text =
            switch password {
            case .token: "the token opens \(key)"
            case .wholeToken: "the whole text of the token opens \(key), as k3s before 1.20 wrote it"
            case .empty: "\(key) opens with the empty password: this server was started without a token of its own"
            }
        text += " (\(contents.entries.count) files)"
        switch tokenIsServersPassword {
        case true?: text += ", and the token is the server's"
        case false?: text += ", but the token is not the server's in cred/passwd"
        case nil: break
        }
        if tokenMatchesCA == false { text += "; the hash in the token is not that of its server CA" }
        if !otherKeys.isEmpty { text += "; there are also \(otherKeys.joined(separator: ", "))" }
        return text
    }
}

/// `cred/passwd`: `password,user,user,role` in lines.
private struct PasswdFile {
    private let serverPasswords: [Substring]

    init?(_ contents: BootstrapContents) {
        guard let bytes = contents[.passwd] else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        serverPasswords = lines.compactMap { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            return fields.count >= 2 && fields[1] == "server" ? fields[0] : nil
        }
        if serverPasswords.isEmpty { return nil }
    }

    func isServer(_ password: String) -> Bool { serverPasswords.contains { $0 == password } }
}
