public import Failures
internal import Files
internal import Foundation
internal import JSONValues
internal import Transfer

extension Kubeconfig {
    /// What the environment may add to a kubeconfig; given, never looked up.
    public struct Environment: Sendable {
        /// The variables that credential plugins get, `PATH` with them.
        public var variables: [String: String]
        /// The proxy for clusters that name none (`HTTPS_PROXY`); nil for none.
        public var proxy: String?
        /// Hosts that are reached without it, in libcurl's spelling.
        public var withoutProxy: String
        /// How long a credential plugin may take.
        public var pluginDeadline: Duration

        /// Creates it.
        public init(
            variables: [String: String], proxy: String? = nil, withoutProxy: String = "",
            pluginDeadline: Duration = .seconds(60)
        ) {
            self.variables = variables
            self.proxy = proxy
            self.withoutProxy = withoutProxy
            self.pluginDeadline = pluginDeadline
        }
    }

    /// The connection of a context, or of the current one. Files that it names are read now, a token file for each
    /// request.
    ///
    /// Throws `notFound` for a context, cluster or user that is not there, `usage` with file and line for what is
    /// wrong, `refused` for what is not supported.
    public func connection(
        context name: String? = nil, in environment: Environment
    ) throws(Failure) -> ClusterConnection {
        guard let name = name ?? currentContext else {
            throw Failure(
                .usage, "the kubeconfig names no current context", why: from,
                next: "Name one with --context: \(known(contextNames)).")
        }
        guard let context = contexts[name] ?? context(plainly: name) else {
            throw Failure(
                .notFound, "there is no context \(name) in the kubeconfig", why: from,
                next: "It has: \(known(contextNames)).")
        }
        guard let clusterName = try context.content.text("cluster") else {
            throw context.content.fault("the context \(name) names no cluster")
        }
        guard let cluster = clusters[clusterName] else {
            throw context.content.fault("the context \(name) names the cluster \(clusterName), which is not there")
        }
        var connection = try cluster.connection(name, environment)
        connection.namespace = try context.content.text("namespace")
        if let userName = try context.content.text("user") {
            guard let user = users[userName] else {
                throw context.content.fault("the context \(name) names the user \(userName), which is not there")
            }
            connection.credentials = try user.credentials(for: connection, cluster: cluster, environment)
            connection.impersonation = try user.impersonation()
        }
        return connection
    }

    /// The name of a context where names are folders: `arn:aws:eks:eu-west-1:1234:cluster/prod` has a `-` for its slash. Such a
    /// name is found as well.
    public static func plainName(ofContext name: String) -> String {
        name.replacing("/", with: "-")
    }

    private func context(plainly name: String) -> ConfigStanza? {
        let meant = contexts.filter { Self.plainName(ofContext: $0.key) == name }
        return meant.count == 1 ? meant.first?.value : nil
    }

    private var from: String { "read: " + sources.joined(separator: ", ") }

    private func known(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}

extension ConfigStanza {
    fileprivate func connection(
        _ name: String, _ environment: Kubeconfig.Environment
    ) throws(Failure) -> ClusterConnection {
        guard var server = try content.text("server") else {
            throw content.fault("the cluster \(self.name) has no server")
        }
        // Without a scheme, kubectl would take http where it finds no certificate; a token must not go that way.
        if !server.contains("://") { server = "https://" + server }
        while server.hasSuffix("/") { server.removeLast() }
        let verifies = try !content.flag("insecure-skip-tls-verify")
        let authorities = try bytes("certificate-authority")
        guard verifies || authorities == nil else {
            throw content.fault(
                "certificate-authority and insecure-skip-tls-verify exclude each other", next: "Keep the authority.")
        }
        let proxy = try content.text("proxy-url")
        if let proxy, !["http://", "https://", "socks5://", "socks5h://"].contains(where: proxy.hasPrefix) {
            throw (try content.member("proxy-url") ?? content).fault("proxy-url is no http, https or socks5 address")
        }
        return ClusterConnection(
            name: name, server: server, tlsServerName: try content.text("tls-server-name"), authorities: authorities,
            verifiesServer: verifies, proxy: proxy ?? environment.proxy,
            // What a cluster says of its proxy holds for its address.
            withoutProxy: proxy == nil ? environment.withoutProxy : "")
    }

    /// What stands inline as `KEY-data` in Base64, or else in the file that `KEY` names.
    fileprivate func bytes(_ key: String) throws(Failure) -> [UInt8]? {
        if let text = try content.text(key + "-data") {
            guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !data.isEmpty else {
                throw (try content.member(key + "-data") ?? content).fault("\(key)-data is not Base64")
            }
            return Array(data)
        }
        guard let file = try content.text(key) else { return nil }
        return try readFile(try path(file, key), limit: CredentialFiles.limit)
    }

    private func path(_ file: String, _ key: String) throws(Failure) -> String {
        guard !directory.isEmpty else {
            throw (try content.member(key) ?? content).fault(
                "\(key) names a file, which a kubeconfig that is no file itself may not")
        }
        return file.hasPrefix("/") ? file : "\(directory)/\(file)"
    }

    fileprivate func credentials(
        for connection: ClusterConnection, cluster: ConfigStanza, _ environment: Kubeconfig.Environment
    ) throws(Failure) -> Credentials {
        if let provider = try content.member("auth-provider") {
            throw Failure(
                .refused, "the user \(name) of the kubeconfig logs in by auth-provider, which is not supported",
                why: provider.fault("Kubernetes took it out in 1.26").why,
                next: "Use a credential plugin (exec) instead: gke-gcloud-auth-plugin, kubelogin.")
        }
        var credentials = Credentials()
        let certificate = try bytes("client-certificate")
        let key = try bytes("client-key")
        guard (certificate == nil) == (key == nil) else {
            throw content.fault("the user \(name) has a client certificate or a client key without the other")
        }
        if let certificate, let key { credentials.identity = ClientIdentity(certificate: certificate, key: key) }
        credentials.token = try content.text("token").map { Secret($0) }
        if let file = try content.text("tokenFile") { credentials.tokenFile = try path(file, "tokenFile") }
        credentials.username = try content.text("username")
        credentials.password = try content.text("password").map { Secret($0) }
        if let exec = try content.member("exec") {
            credentials.plugin = try plugin(exec, for: connection, cluster: cluster, environment)
        }
        return credentials
    }

    private func plugin(
        _ exec: ConfigNode, for connection: ClusterConnection, cluster: ConfigStanza,
        _ environment: Kubeconfig.Environment
    ) throws(Failure) -> CredentialPlugin {
        guard !directory.isEmpty else {
            throw exec.fault("exec names a program, which a kubeconfig that is no file itself may not")
        }
        guard let version = try exec.text("apiVersion"), let command = try exec.text("command") else {
            throw exec.fault("exec needs apiVersion and command")
        }
        let known = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]
        guard known.contains(version) else {
            throw Failure(
                .refused, "the credential plugin of user \(name) speaks a version that is not supported",
                why: exec.fault("apiVersion is none of \(known.joined(separator: ", "))").why,
                next: "Update the plugin, and write the kubeconfig anew with it.")
        }
        switch try exec.text("interactiveMode") {
        case nil where version.hasSuffix("v1"): throw exec.fault("exec of version v1 needs interactiveMode")
        case nil, "Never", "IfAvailable": break
        case "Always":
            throw Failure(
                .refused, "the credential plugin of user \(name) needs a terminal, and gets none here",
                why: exec.fault("interactiveMode is Always").why, next: "Use a user with a token or certificate.")
        default: throw exec.fault("interactiveMode is none of Never, IfAvailable, Always")
        }
        var variables = environment.variables
        var own: Set<String> = []
        for entry in try exec.list("env") {
            guard let variable = try entry.text("name") else { throw entry.fault("an entry of env has no name") }
            variables[variable] = try entry.text("value") ?? ""
            own.insert(variable)
        }
        var arguments: [String] = []
        for argument in try exec.list("args") { arguments.append(try argument.text()) }
        return CredentialPlugin(
            apiVersion: version, command: command, arguments: arguments, environment: variables, ownVariables: own,
            directory: try absolute(directory, exec), installHint: try exec.text("installHint"),
            cluster: try exec.flag("provideClusterInfo") ? try cluster.information(for: connection) : nil,
            deadline: environment.pluginDeadline)
    }

    /// Programs are started by absolute paths.
    private func absolute(_ directory: String, _ exec: ConfigNode) throws(Failure) -> String {
        directory.hasPrefix("/") ? directory : URL(filePath: directory).path
    }

    /// What a plugin gets to know of the cluster.
    private func information(for connection: ClusterConnection) throws(Failure) -> JSONValue {
        var members = [JSONMember("server", .string(connection.server))]
        if let name = connection.tlsServerName { members.append(JSONMember("tls-server-name", .string(name))) }
        if !connection.verifiesServer { members.append(JSONMember("insecure-skip-tls-verify", .bool(true))) }
        if let authorities = connection.authorities {
            members.append(
                JSONMember("certificate-authority-data", .string(Data(authorities).base64EncodedString())))
        }
        if let proxy = try content.text("proxy-url") { members.append(JSONMember("proxy-url", .string(proxy))) }
        for entry in try content.list("extensions")
        where try entry.text("name") == "client.authentication.k8s.io/exec" {
            if let config = try entry.member("extension") { members.append(JSONMember("config", try config.json())) }
        }
        return .object(members)
    }

    fileprivate func impersonation() throws(Failure) -> Impersonation? {
        guard let user = try content.text("as") else {
            let groups = try content.member("as-groups")
            guard groups == nil, try content.member("as-uid") == nil else {
                throw content.fault("as-groups and as-uid need as")
            }
            return nil
        }
        var groups: [String] = []
        for group in try content.list("as-groups") { groups.append(try group.text()) }
        var extra: [String: [String]] = [:]
        for (key, _) in try content.members("as-user-extra") {
            var values: [String] = []
            for value in try content.member("as-user-extra")?.list(key) ?? [] { values.append(try value.text()) }
            extra[key] = values
        }
        return Impersonation(user: user, uid: try content.text("as-uid"), groups: groups, extra: extra)
    }
}
