public import Transfer

/// Where a cluster's API is, how it is known to be the right one, and who we are to it.
public struct ClusterConnection: Sendable {
    /// What messages call it: the context, or `in-cluster`.
    public var name: String
    /// Its address, `https://10.0.0.1:6443`, which may have a path before that of the API; no slash at the end.
    public var server: String
    /// The name that its certificate must have, where that is not the host of ``server``.
    public var tlsServerName: String?
    /// Its certificate authorities, PEM; nil for the system's.
    public var authorities: [UInt8]?
    /// False takes any certificate for good.
    public var verifiesServer: Bool
    /// The proxy on the way, which may hold credentials; nil for none.
    public var proxy: String?
    /// Hosts that are reached without the proxy, in libcurl's spelling.
    public var withoutProxy: String
    /// Who we are.
    public var credentials: Credentials
    /// Whom we act for.
    public var impersonation: Impersonation?
    /// The namespace that the context names.
    public var namespace: String?

    /// Creates a connection.
    public init(
        name: String, server: String, tlsServerName: String? = nil, authorities: [UInt8]? = nil,
        verifiesServer: Bool = true, proxy: String? = nil, withoutProxy: String = "",
        credentials: Credentials = Credentials(), impersonation: Impersonation? = nil, namespace: String? = nil
    ) {
        self.name = name
        self.server = server
        self.tlsServerName = tlsServerName
        self.authorities = authorities
        self.verifiesServer = verifiesServer
        self.proxy = proxy
        self.withoutProxy = withoutProxy
        self.credentials = credentials
        self.impersonation = impersonation
        self.namespace = namespace
    }
}

/// Who we are to a cluster. A token comes before a plugin, as kubectl has it.
public struct Credentials: Sendable {
    /// A client certificate.
    public var identity: ClientIdentity?
    /// A bearer token.
    public var token: Secret?
    /// A file that holds a bearer token and is read for each request, since tokens are replaced; ``token`` is used
    /// while it cannot be read.
    public var tokenFile: String?
    /// A user name for basic authentication.
    public var username: String?
    /// The password that belongs to it.
    public var password: Secret?
    /// A program that gives credentials.
    public var plugin: CredentialPlugin?

    /// Creates credentials; all that is nil is not used.
    public init(
        identity: ClientIdentity? = nil, token: Secret? = nil, tokenFile: String? = nil, username: String? = nil,
        password: Secret? = nil, plugin: CredentialPlugin? = nil
    ) {
        self.identity = identity
        self.token = token
        self.tokenFile = tokenFile
        self.username = username
        self.password = password
        self.plugin = plugin
    }
}

/// Whom we act for (`as` in a kubeconfig).
public struct Impersonation: Sendable, Hashable {
    /// The user.
    public var user: String
    /// The user's UID.
    public var uid: String?
    /// The user's groups.
    public var groups: [String]
    /// Other facts of the user, each with its values.
    public var extra: [String: [String]]

    /// Names somebody.
    public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
        self.user = user
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    var headers: [HTTPHeader] {
        var headers = [HTTPHeader("Impersonate-User", user)]
        if let uid { headers.append(HTTPHeader("Impersonate-Uid", uid)) }
        headers += groups.map { HTTPHeader("Impersonate-Group", $0) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            headers += values.map { HTTPHeader("Impersonate-Extra-" + key.percentEncoded, $0) }
        }
        return headers
    }
}
