import Failures
import Foundation
import Kubernetes
import Testing
import Transfer

@Suite struct KubeconfigTests {
    let folder: TestFolder
    private let environment = Kubeconfig.Environment(variables: ["PATH": "/usr/bin:/bin"])

    init() throws { folder = try TestFolder() }

    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    private let small = """
        apiVersion: v1
        kind: Config
        current-context: one
        clusters:
        - name: c
          cluster: {server: "https://10.0.0.1:6443/"}
        contexts:
        - name: one
          context: {cluster: c, user: u, namespace: team-a}
        users:
        - name: u
          user: {token: abc}

        """

    private func connection(_ text: String, context: String? = nil) throws -> ClusterConnection {
        try Kubeconfig(file: folder.write("config", text)).connection(context: context, in: environment)
    }

    @Test func `a context is a server, who we are and a namespace`() throws {
        let connection = try connection(small)
        #expect(connection.name == "one")
        #expect(connection.server == "https://10.0.0.1:6443")
        #expect(connection.namespace == "team-a")
        #expect(connection.credentials.token?.value == "abc")
        #expect(connection.verifiesServer)
        #expect(connection.authorities == nil)
    }

    @Test func `a context with slashes is found by the name that folders have`() throws {
        let name = "arn:aws:eks:eu-west-1:1234:cluster/prod"
        let text = """
            {"clusters": [{"name": "a", "cluster": {"server": "https://a:1"}}, {"name": "b", "cluster": {"server": "https://b:1"}}],
             "contexts": [{"name": "\(name)", "context": {"cluster": "a"}}, {"name": "x/y-z", "context": {"cluster": "a"}},
                          {"name": "x-y/z", "context": {"cluster": "b"}}]}
            """
        #expect(Kubeconfig.plainName(ofContext: name) == "arn:aws:eks:eu-west-1:1234:cluster-prod")
        let found = try connection(text, context: Kubeconfig.plainName(ofContext: name))
        #expect(found.server == "https://a:1")
        #expect(throws: Failure.self, "two are meant") { try connection(text, context: "x-y-z") }
    }

    @Test func `JSON is read as well`() throws {
        let text =
            "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"host:6443\",\"insecure-skip-tls-verify\":true,\"tls-server-name\":\"api\",\"proxy-url\":\"socks5://p:1080\"}}]}"
        let connection = try connection(text)
        #expect(connection.server == "https://host:6443")
        #expect(!connection.verifiesServer)
        #expect(connection.tlsServerName == "api")
        #expect(connection.proxy == "socks5://p:1080")
    }

    @Test func `files are merged as kubectl does: what is named first, is said`() throws {
        let first = try folder.write("first", small.replacing("current-context: one", "current-context: \"\""))
        let second = try folder.write(
            "second",
            """
            current-context: two
            clusters:
            - {name: c, cluster: {server: "https://other"}}
            - {name: d, cluster: {server: "https://second"}}
            users:
            - {name: u, user: {username: not-mine}}
            contexts:
            - {name: one, context: {cluster: d}}
            - {name: two, context: {cluster: d, user: u}}
            """)
        let list = "\(folder.path)/missing:\(first)::\(second)"
        let config = try Kubeconfig(list: list)
        #expect(config.contextNames == ["one", "two"])
        #expect(config.currentContext == "two")
        let two = try config.connection(in: environment)
        #expect(two.server == "https://second")
        // Not even what the first leaves open is taken from the second.
        #expect(two.credentials.username == nil)
        #expect(two.credentials.token?.value == "abc")
        #expect(try config.connection(context: "one", in: environment).server == "https://10.0.0.1:6443")
        let none = failure { _ = try Kubeconfig(list: "\(folder.path)/missing:") }
        #expect(none.code == .notFound)
        #expect(none.description.contains("\(folder.path)/missing"))
        #expect(failure { _ = try Kubeconfig(list: "") }.code == .notFound)
        #expect(failure { _ = try Kubeconfig(file: "\(folder.path)/missing") }.code == .notFound)
    }

    @Test func `certificates and keys are inline, or in files beside the kubeconfig`() throws {
        try folder.write("ca.pem", "CA")
        try folder.write("token", " from-file\n")
        let text = """
            current-context: files
            clusters:
            - {name: files, cluster: {server: "https://a", certificate-authority: ca.pem}}
            - {name: inline, cluster: {server: "https://a", certificate-authority-data: \(base64("INLINE")), certificate-authority: none.pem}}
            users:
            - {name: files, user: {client-certificate: \(folder.path)/ca.pem, client-key: ./ca.pem, tokenFile: token, token: fallback}}
            - {name: inline, user: {client-certificate-data: \(base64("CERT")), client-key-data: \(base64("KEY")), username: me, password: "1 2"}}
            contexts:
            - {name: files, context: {cluster: files, user: files}}
            - {name: inline, context: {cluster: inline, user: inline}}
            """
        let files = try connection(text)
        #expect(files.authorities == Array("CA".utf8))
        #expect(files.credentials.identity == ClientIdentity(certificate: Array("CA".utf8), key: Array("CA".utf8)))
        #expect(files.credentials.tokenFile == "\(folder.path)/token")
        #expect(files.credentials.token?.value == "fallback")
        let inline = try connection(text, context: "inline")
        #expect(inline.authorities == Array("INLINE".utf8))
        #expect(inline.credentials.identity == ClientIdentity(certificate: Array("CERT".utf8), key: Array("KEY".utf8)))
        #expect(inline.credentials.password?.value == "1 2")
    }

    @Test func `impersonation is read, and sent`() throws {
        let text = small.replacing(
            "{token: abc}",
            "{token: abc, as: jane, as-uid: \"7\", as-groups: [a, b], as-user-extra: {\"x/y\": [one, two]}}")
        let server = try KubeServer()
        try server.script("who", "[{\"body\":\"ok\"}]")
        var connection = try connection(text)
        #expect(
            connection.impersonation
                == Impersonation(user: "jane", uid: "7", groups: ["a", "b"], extra: ["x/y": ["one", "two"]]))
        connection.server = server.url("who")
        _ = try KubernetesClient(connection, surroundings: FakeTime().surroundings()).raw("/x")
        let pairs = try #require(try server.requests().first?.pairs).filter { $0[0].hasPrefix("impersonate") }
        #expect(
            pairs == [
                ["impersonate-user", "jane"], ["impersonate-uid", "7"], ["impersonate-group", "a"],
                ["impersonate-group", "b"], ["impersonate-extra-x%2fy", "one"], ["impersonate-extra-x%2fy", "two"],
            ])
    }

    @Test(
        arguments: [
            ("server: \"https://10.0.0.1:6443/\"", "servers: x", 6, "has no server"),
            ("{cluster: c, user: u, namespace: team-a}", "{cluster: d, user: u}", 9, "names the cluster d"),
            ("{cluster: c, user: u, namespace: team-a}", "{cluster: c, user: v}", 9, "names the user v"),
            ("{cluster: c, user: u, namespace: team-a}", "{user: u}", 9, "names no cluster"),
            ("kind: Config", "kind: Pod", 2, "a Pod and no Config"),
            ("- name: one", "- nme: one", 8, "has no name"),
            ("clusters:", "clusters: 7\nx:", 4, "no list"),
            ("  cluster: {", "  cluster: [{", 7, "no YAML"),
            ("{token: abc}", "{token: [hunter2]}", 12, "is no text"),
            ("{token: abc}", "{client-key-data: aHVudGVyMg==}", 12, "without the other"),
            ("{token: abc}", "{client-key-data: \"%%%hunter2\", client-certificate-data: eA==}", 12, "not Base64"),
            ("{token: abc}", "{token: &x hunter2}", 12, "anchors"),
            ("{token: abc}", "{token: abc, token: hunter2}", 12, "more than once"),
            ("{token: abc}", "{as-uid: x}", 12, "need as"),
            ("{token: abc}", "{exec: {command: x}}", 12, "needs apiVersion"),
            (
                "{token: abc}", "{exec: {command: x, apiVersion: client.authentication.k8s.io/v1}}", 12,
                "needs interactiveMode"
            ),
            ("6443/\"", "6443/\", insecure-skip-tls-verify: maybe", 6, "neither true nor false"),
            ("6443/\"", "6443/\", insecure-skip-tls-verify: true, certificate-authority-data: eA==", 6, "exclude"),
            ("6443/\"", "6443/\", proxy-url: \"ftp://user:hunter2@x\"", 6, "proxy-url"),
        ] as [(String, String, Int, String)])
    func `what is wrong is told with file and line`(what: String, instead: String, line: Int, why: String) throws {
        let error = failure { _ = try connection(small.replacing(what, with: instead, maxReplacements: 1)) }
        #expect(error.code == .usage)
        #expect(error.what.contains("\(folder.path)/config"))
        #expect(error.description.contains("line \(line): "), "\(error)")
        #expect(error.description.contains(why), "\(error)")
        #expect(!error.everything.contains("hunter2"))
    }

    @Test func `what is not supported is refused with what to do`() throws {
        for (user, word) in [
            ("auth-provider: {name: gcp}", "gke-gcloud-auth-plugin"),
            ("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}", "Update the plugin"),
            ("exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}", "token"),
        ] {
            let error = failure { _ = try connection(small.replacing("token: abc", user)) }
            #expect(error.code == .refused)
            #expect(error.next?.contains(word) == true)
            #expect(error.description.contains("line 12"))
        }
    }

    @Test func `no context, and none that is there`() throws {
        let config = try Kubeconfig(file: folder.write("config", small.replacing("current-context: one", "")))
        #expect(failure { _ = try config.connection(in: environment) }.next?.contains("one") == true)
        let error = failure { _ = try config.connection(context: "two", in: environment) }
        #expect(error.code == .notFound)
        #expect(error.next?.contains("one") == true)
        #expect(try Kubeconfig(file: folder.write("empty", "")).contextNames == [])
        #expect(failure { _ = try Kubeconfig(file: folder.write("text", "hello")) }.code == .usage)
    }

    @Test func `a kubeconfig that is no file names no file and no program`() throws {
        let config = try Kubeconfig(text: Array(small.utf8), name: "Secret vc-blue")
        #expect(try config.connection(in: environment).credentials.token?.value == "abc")
        for user in [
            "tokenFile: /etc/passwd", "client-key: /etc/passwd, client-certificate: /etc/passwd",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never}",
        ] {
            let text = small.replacing("token: abc", user)
            let error = failure {
                _ = try Kubeconfig(text: Array(text.utf8), name: "Secret vc-blue").connection(in: environment)
            }
            #expect(error.code == .usage)
            #expect(error.what.contains("Secret vc-blue"))
        }
    }

    @Test func `a proxy of the environment is for clusters that name none`() throws {
        var environment = environment
        environment.proxy = "http://proxy:3128"
        environment.withoutProxy = ".internal"
        let config = try Kubeconfig(file: folder.write("config", small))
        let connection = try config.connection(in: environment)
        #expect((connection.proxy, connection.withoutProxy) == ("http://proxy:3128", ".internal"))
    }

    @Test func `a pod finds its service account`() throws {
        try folder.write("token", "first")
        try folder.write("ca.crt", "CA")
        try folder.write("namespace", "here\n")
        let connection = try ClusterConnection.inCluster(host: "fd00::1", port: "443", folder: folder.path)
        #expect(connection.server == "https://[fd00::1]:443")
        #expect(connection.namespace == "here")
        #expect(connection.authorities == Array("CA".utf8))
        #expect(
            failure { _ = try ClusterConnection.inCluster(host: "", port: "443", folder: folder.path) }.code == .usage)
        let empty = try TestFolder()
        #expect(
            failure { _ = try ClusterConnection.inCluster(host: "a", port: "443", folder: empty.path) }.code
                == .notFound)
    }

    @Test func `a server that is no address is refused`() throws {
        for server in ["ftp://x", "https://", "https://user:hunter2@host", "https://host?x"] {
            let connection = ClusterConnection(name: "x", server: server)
            let error = failure { _ = try KubernetesClient(connection, surroundings: FakeTime().surroundings()) }
            #expect(error.code == .usage)
            #expect(!error.everything.contains("hunter2"))
        }
    }
}

extension String {
    fileprivate func replacing(_ what: String, _ instead: String) -> String { replacing(what, with: instead) }
}
