import Failures
internal import Transfer

/// The parts of a server's address, and how it is reached under another name.
struct ServerAddress {
    /// What comes before the API's paths: `https://10.0.0.1:6443/prefix`.
    let base: String
    /// `HOST:PORT` that is connected to, where that differs from ``base``.
    var connectsTo: String?
    /// The `Host` field, where that differs from ``base``.
    var host: String?

    init(_ connection: ClusterConnection) throws(Failure) {
        func refuse(_ why: String) -> Failure {
            Failure(
                .usage, "the server of the context \(connection.name) is no address that can be used", why: why,
                next: "Write it like https://HOST:PORT.")
        }
        let server = connection.server
        guard let scheme = server.firstRange(of: "://"), ["http", "https"].contains(server[..<scheme.lowerBound]) else {
            throw refuse("it begins neither with https:// nor with http://")
        }
        let rest = server[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard !authority.isEmpty, !authority.contains("@"), !rest.contains("?"), !rest.contains("#") else {
            throw refuse("it has a user, a query or a fragment, or no host")
        }
        let path = rest.dropFirst(authority.count)
        guard let name = connection.tlsServerName else {
            base = "\(server[..<scheme.upperBound])\(authority)\(path)"
            return
        }
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#@\\[]".utf8.contains($0) }) else {
            throw refuse("tls-server-name is no name of a host")
        }
        let (target, port) = Self.split(authority)
        let isHTTPS = server.hasPrefix("https")
        let number = port ?? (isHTTPS ? "443" : "80")
        // libcurl takes the name of TLS from the address alone, so the address names it and the connection goes elsewhere.
        base = "\(server[..<scheme.upperBound])\(name.contains(":") ? "[\(name)]" : name):\(number)\(path)"
        connectsTo = "\(target):\(number)"
        host = String(authority)
    }

    /// Host, in brackets where it has them, and port.
    private static func split(_ authority: Substring) -> (Substring, Substring?) {
        let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
        guard let colon = authority[afterBracket...].lastIndex(of: ":") else { return (authority, nil) }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }
}
