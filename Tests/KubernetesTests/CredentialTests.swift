import Failures
import Files
import Foundation
import Kubernetes
import Testing
import Threads
import Transfer

/// Tokens, token files and credential plugins: real programs, against a server that tells what it got.
@Suite struct CredentialTests {
    static let secret = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0-hunter2"

    let folder: TestFolder
    let server: KubeServer
    let time = FakeTime()

    init() throws {
        folder = try TestFolder()
        server = try KubeServer()
        try server.script("ok", "[{\"body\":\"ok\"}]")
    }

    private func client(_ credentials: Credentials, _ name: String = "ok") throws -> KubernetesClient {
        var connection = server.connection(name)
        connection.credentials = credentials
        return try KubernetesClient(connection, surroundings: time.surroundings())
    }

    private func sent() throws -> [String?] { try server.requests().map { $0.headers["authorization"] } }

    /// A client whose plugin is a shell script, named by a kubeconfig.
    private func client(
        plugin script: String, _ name: String = "ok", version: String = "v1", more: String = "",
        deadline: Duration = .seconds(60)
    ) throws -> KubernetesClient {
        try folder.write("plugin", "#!/bin/sh\n" + script, executable: true)
        let config = try folder.write(
            "config",
            """
            current-context: x
            contexts: [{name: x, context: {cluster: c, user: u}}]
            clusters:
            - name: c
              cluster:
                server: \(server.url(name))
                certificate-authority-data: Q0E=
                extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: "06f6", n: 3}}]
            users:
            - name: u
              user:
                exec:
                  apiVersion: client.authentication.k8s.io/\(version)
                  command: ./plugin
                  args: [--secret, args-hunter2]
                  env: [{name: EXTRA, value: env-hunter2}]
                  interactiveMode: IfAvailable
                  installHint: Install it with apt.
            \(more)
            """)
        var connection = try Kubeconfig(file: config).connection(
            in: Kubeconfig.Environment(
                variables: ["PATH": "/usr/bin:/bin", "FOLDER": folder.path], pluginDeadline: deadline))
        // The authority is for the plugin; the server here is without TLS.
        connection.authorities = nil
        return try KubernetesClient(connection, surroundings: time.surroundings())
    }

    private func answer(_ status: String, version: String = "v1") -> String {
        "echo run >> \"$FOLDER/runs\"; cat <<'E'\n{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/\(version)\",\"status\":{\(status)}}\nE\n"
    }

    private var runs: Int {
        ((try? String(contentsOfFile: folder.path + "/runs", encoding: .utf8)) ?? "").split(separator: "\n").count
    }

    @Test func `a token, a token file that is replaced, a name and password`() throws {
        _ = try client(Credentials(token: Secret("abc"))).raw("/x")
        let file = try folder.write("token", "one\n")
        let replaced = try client(Credentials(token: Secret("old"), tokenFile: file))
        _ = try replaced.raw("/x")
        try folder.write("token", "two\n")
        _ = try replaced.raw("/x")
        try removeTree(file)
        _ = try replaced.raw("/x")
        _ = try client(Credentials(username: "me", password: Secret("pass"))).raw("/x")
        #expect(try sent() == ["Bearer abc", "Bearer one", "Bearer two", "Bearer old", "Basic bWU6cGFzcw=="])
        #expect(failure { _ = try client(Credentials(tokenFile: file)).raw("/x") }.code == .notFound)
        try folder.write("token", "\n")
        #expect(failure { _ = try client(Credentials(tokenFile: file)).raw("/x") }.code == .denied)
    }

    @Test(arguments: ["v1", "v1beta1"]) func `a plugin is asked once until its answer expires`(version: String) throws {
        let expiry = ISO8601DateFormatter().string(from: Date().addingTimeInterval(600))
        let client = try client(
            plugin: answer("\"token\":\"t\",\"expirationTimestamp\":\"\(expiry)\"", version: version), version: version)
        for _ in 0..<3 { _ = try client.raw("/x") }
        #expect(runs == 1)
        time.pass(.seconds(601))
        _ = try client.raw("/x")
        #expect(runs == 2)
        #expect(try sent() == ["Bearer t", "Bearer t", "Bearer t", "Bearer t"])
    }

    @Test func `many threads ask a plugin once`() throws {
        let client = try client(plugin: "sleep 0.3\n" + answer("\"token\":\"t\""))
        let threads = try (0..<6).map { _ in try OwnedThread { () throws(Failure) in _ = try client.raw("/x") } }
        for thread in threads { try thread.result().get() }
        #expect(runs == 1)
        #expect(try sent().count == 6)
    }

    @Test func `a plugin is asked again when the server refuses its answer, once a request`() throws {
        try server.script(
            "refuse", "[{\"status\":401},{\"body\":\"ok\"},{\"status\":401},{\"status\":401},{\"body\":\"ok\"}]")
        let client = try client(plugin: answer("\"token\":\"t\""), "refuse")
        _ = try client.raw("/x")
        #expect(runs == 2)
        #expect(failure { _ = try client.raw("/x") }.code == .denied)
        #expect(try server.requests().count == 4)
    }

    @Test func `a plugin gets its arguments, its variables and what it is to know, and no terminal`() throws {
        let script = """
            echo "$1 $2 $EXTRA $HOME-" > "$FOLDER/seen"
            echo "$KUBERNETES_EXEC_INFO" > "$FOLDER/info"
            # A session of its own has no terminal.
            [ "$(cut -d' ' -f6 /proc/$$/stat)" = $$ ] || echo terminal >> "$FOLDER/seen"
            cat >> "$FOLDER/seen"

            """
        let client = try client(
            plugin: script + answer("\"token\":\"t\""), more: "      provideClusterInfo: true")
        _ = try client.raw("/x")
        #expect(
            try String(contentsOfFile: folder.path + "/seen", encoding: .utf8)
                == "--secret args-hunter2 env-hunter2 -\n")
        #expect(
            try String(contentsOfFile: folder.path + "/info", encoding: .utf8)
                == "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{\"cluster\":{\"server\":\"\(server.url("ok"))\",\"certificate-authority-data\":\"Q0E=\",\"config\":{\"audience\":\"06f6\",\"n\":3}},\"interactive\":false}}\n"
        )
    }

    @Test func `what a plugin gives that cannot be used is told, and not shown`() throws {
        let hidden = Self.secret
        for (script, why) in [
            ("echo '\(hidden)'", "no JSON"), ("echo '{\"token\":\"\(hidden)\"}'", "no ExecCredential"),
            (answer("\"token\":\"\(hidden)\"", version: "v1beta1"), "did not write the version"),
            (answer("\"tokn\":\"\(hidden)\""), "neither a token nor a certificate"),
            (answer("\"clientKeyData\":\"\(hidden)\""), "without the other"),
            (answer("\"token\":\"\(hidden)\",\"expirationTimestamp\":\"soon\""), "is no time"),
            ("head -c 3000000 /dev/zero | tr '\\0' x", "no JSON"),
        ] {
            let error = failure { _ = try client(plugin: script).raw("/x") }
            #expect(error.code == .denied)
            #expect(error.description.contains(why), "\(error)")
            #expect(!error.everything.contains("hunter2"))
        }
        #expect(try server.requests().isEmpty)
    }

    @Test func `a plugin that fails is quoted, without what is or looks secret`() throws {
        let script = """
            echo '{"kind":"ExecCredential","status":{"token":"\(Self.secret)"}}'
            cat >&2 <<'E'
            Session expired, run: sso login
            got \(Self.secret) from https://me:hunter2@idp/ with password: hunter2
            Authorization: Bearer hunter2 $2 env-hunter2 args-hunter2
            token=hunter2 "client_secret":"hunter2" AKIAIOSFODNN7EXAMPLEKEY0123
            -----BEGIN PRIVATE KEY-----
            hunter2
            E
            exit 7
            """
        let error = failure { _ = try client(plugin: script).raw("/x") }
        #expect(error.code == .denied)
        #expect(error.what.contains("exit status 7"))
        #expect(error.description.contains("Session expired, run: sso login"))
        #expect(!error.everything.contains("hunter2"), "\(error.everything)")
        #expect(!error.everything.contains("AKIA"))
        let long = failure { _ = try client(plugin: "yes word | head -c 100000 >&2; exit 1").raw("/x") }
        #expect(long.everything.utf8.count < 3000)
        #expect(try server.requests().isEmpty)
    }

    @Test func `a plugin that hangs is ended, and one that is missing is told`() throws {
        let error = failure {
            var client = try client(plugin: "exec sleep 3600", deadline: .milliseconds(300))
            client.retry.attempts = 1
            _ = try client.raw("/x")
        }
        #expect(error.code == .unreachable)
        #expect(error.next?.contains("terminal") == true)
        let missing = CredentialPlugin(
            apiVersion: "client.authentication.k8s.io/v1", command: "no-such-plugin", environment: ["PATH": "/usr/bin"],
            directory: folder.path, installHint: "Install it with apt.")
        let absent = failure { _ = try client(Credentials(plugin: missing)).raw("/x") }
        #expect(absent.code == .notFound)
        #expect(absent.next == "Install it with apt.")
    }

    @Test func `a server that repeats our token in its answers does not bring it into a failure`() throws {
        let status =
            "{\"kind\":\"Status\",\"code\":403,\"reason\":\"@AUTHORIZATION@\",\"message\":\"no: @AUTHORIZATION@\",\"details\":{\"name\":\"@AUTHORIZATION@\",\"causes\":[{\"field\":\"@AUTHORIZATION@\",\"message\":\"@AUTHORIZATION@\",\"reason\":\"@AUTHORIZATION@\"}]}}"
        try server.script("echo", "[{\"status\":403,\"body\":\(status)}]")
        for credentials in [
            Credentials(token: Secret(Self.secret)), Credentials(username: "me", password: Secret("hunter2")),
        ] {
            let client = try client(credentials, "echo")
            let errors = [
                failure { _ = try client.get(.pods, "p", in: "n") },
                failure { _ = try client.exec(ExecRequest(["x"], in: "p", namespace: "n")) },
                failure { _ = try client.watch(.pods, from: "", within: .seconds(60)) { _ in true } },
            ]
            for error in errors {
                #expect(error.code == .denied)
                #expect(!error.everything.contains("hunter2"), "\(error.everything)")
                #expect(!error.everything.contains("bWU6aHVudGVyMg"), "\(error.everything)")
            }
        }
    }

    @Test func `a token with a line end is not sent`() throws {
        let client = try client(Credentials(token: Secret("hunter2\r\nX-Evil: 1")))
        for error in [
            failure { _ = try client.raw("/x") },
            failure { _ = try client.exec(ExecRequest(["x"], in: "p", namespace: "n")) },
        ] {
            #expect(error.code == .usage)
            #expect(!error.everything.contains("hunter2"))
        }
        #expect(try server.requests().isEmpty)
    }

    @Test func `nothing that holds secrets shows them`() throws {
        let credentials = Credentials(
            identity: ClientIdentity(certificate: [], key: Array("hunter2".utf8)), token: Secret("hunter2"),
            password: Secret("hunter2"))
        var text = "\(credentials) \(String(reflecting: credentials))"
        dump(credentials, to: &text)
        #expect(!text.contains("hunter2"))
    }
}
