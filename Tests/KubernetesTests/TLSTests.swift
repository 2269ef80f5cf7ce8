import Failures
import Foundation
import Kubernetes
import Processes
import Testing
import Transfer

/// Real TLS with throwaway certificates: client certificates, names, proxies.
@Suite struct TLSTests {
    let folder: TestFolder
    let server: KubeServer

    init() throws {
        folder = try TestFolder()
        try Self.make(
            folder,
            """
            ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.crt \
                -subj /CN=$1 -days 1; }
            leaf() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $2.key -out $2.csr -subj /CN=$2
                echo "$3" > $2.ext
                openssl x509 -req -in $2.csr -CA $1.crt -CAkey $1.key -CAcreateserial -out $2.crt -days 1 -extfile $2.ext; }
            ca authority; ca other
            leaf authority server subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc
            leaf authority named subjectAltName=DNS:api.example.org
            leaf authority jane extendedKeyUsage=clientAuth
            """)
        server = try KubeServer(tls: Self.files(folder, "server.crt", "server.key", "authority.crt"))
        try server.script("ok", "[{\"body\":{\"kind\":\"Pod\"}}]")
        try server.script("exec", "[{\"exec\":\"echo\"}]")
    }

    private static func files(_ folder: TestFolder, _ names: String...) -> [String] {
        names.map { "\(folder.path)/\($0)" }
    }

    private static func make(_ folder: TestFolder, _ script: String) throws {
        let result = try CompletedProcess.run(
            ProcessCommand("/bin/sh", ["-ec", script], directory: folder.path), deadline: .seconds(120), uptime: uptime)
        try #require(result.end == .exited(0), "\(String(decoding: result.output, as: UTF8.self))")
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)")))
    }

    private func connection(_ name: String = "ok") throws -> ClusterConnection {
        var connection = server.connection(name)
        connection.authorities = try bytes("authority.crt")
        return connection
    }

    private func client(_ connection: ClusterConnection) throws -> KubernetesClient {
        signal(SIGPIPE, SIG_IGN)
        return try KubernetesClient(connection, surroundings: FakeTime().surroundings())
    }

    private func jane() throws -> ClientIdentity {
        ClientIdentity(certificate: try bytes("jane.crt"), key: try bytes("jane.key"))
    }

    @Test func `a client certificate from memory is shown, to requests and to exec`() throws {
        var connection = try connection()
        connection.credentials.identity = try jane()
        _ = try client(connection).get(.pods, "p", in: "n")
        connection.server = server.url("exec")
        let session = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n", hasInput: true))
        let input = [UInt8](repeating: 7, count: 8 << 20)
        var count = 0
        #expect(
            try session.send(input) { event in
                if case .output(let bytes) = event { count += bytes.count }
            })
        try session.closeInput { event in
            if case .output(let bytes) = event { count += bytes.count }
        }
        while true {
            let event = try session.receive()
            if case .output(let bytes) = event { count += bytes.count }
            if case .ended = event { break }
        }
        #expect(count == input.count)
        #expect(try server.requests().map(\.client) == ["jane", "jane"])
    }

    @Test func `without a certificate there is none, and another plugin answer is another connection`() throws {
        _ = try client(connection()).get(.pods, "p", in: "n")
        #expect(try server.requests().map(\.client) == [nil])
        let pem = try ["crt", "key"].map {
            String(decoding: try bytes("jane.\($0)"), as: UTF8.self).replacingOccurrences(of: "\n", with: "\\n")
        }
        let script = try folder.write(
            "plugin",
            """
            #!/bin/sh
            cat <<'E'
            {"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":
            {"clientCertificateData":"\(pem[0])","clientKeyData":"\(pem[1])"}}
            E
            """, executable: true)
        var connection = try connection()
        connection.credentials.plugin = CredentialPlugin(
            apiVersion: "client.authentication.k8s.io/v1", command: script,
            environment: ["PATH": "/usr/bin:/bin"], directory: folder.path)
        _ = try client(connection).get(.pods, "p", in: "n")
        #expect(try server.requests().map(\.client) == [nil, "jane"])
    }

    @Test func `a server of another authority, or of another name, is not trusted`() throws {
        var connection = try connection()
        connection.authorities = try bytes("other.crt")
        let error = failure { _ = try client(connection).get(.pods, "p", in: "n") }
        #expect(error.code == .denied)
        let session = failure { _ = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n")) }
        #expect(session.code == .denied)
        connection.verifiesServer = false
        connection.authorities = nil
        _ = try client(connection).get(.pods, "p", in: "n")
        connection.authorities = Array("no PEM".utf8)
        connection.verifiesServer = true
        #expect(failure { _ = try client(connection).get(.pods, "p", in: "n") }.code == .denied)
        let named = try KubeServer(tls: Self.files(folder, "named.crt", "named.key"))
        var other = named.connection("ok")
        other.authorities = try bytes("authority.crt")
        #expect(failure { _ = try client(other).get(.pods, "p", in: "n") }.code == .denied)
    }

    @Test func `tls-server-name is what the certificate is held against`() throws {
        let named = try KubeServer(tls: Self.files(folder, "named.crt", "named.key"))
        try named.script("ok", "[{\"body\":{\"kind\":\"Pod\"}}]")
        try named.script("exec", "[{\"exec\":\"echo\"}]")
        var connection = named.connection("ok")
        connection.authorities = try bytes("authority.crt")
        connection.tlsServerName = "api.example.org"
        _ = try client(connection).get(.pods, "p", in: "n")
        connection.server = named.url("exec")
        _ = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n"))
        for request in try named.requests() {
            #expect(request.sni == "api.example.org")
            #expect(request.headers["host"] == "127.0.0.1:\(named.port)")
        }
        #expect(try named.requests().count == 2)
        connection.tlsServerName = "other.example.org"
        #expect(
            failure { _ = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n")) }.code == .denied)
    }

    @Test func `a proxy is a tunnel, for requests and for exec, under another name as well`() throws {
        var connection = try connection()
        connection.proxy = try server.proxy.replacingOccurrences(of: "://", with: "://me:hunter2@")
        _ = try client(connection).get(.pods, "p", in: "n")
        connection.tlsServerName = "kubernetes.default.svc"
        _ = try client(connection).get(.pods, "p", in: "n")
        connection.server = server.url("exec")
        _ = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n"))
        let proxied = try server.proxied()
        #expect(proxied.count == 3)
        for line in proxied { #expect(line.contains("CONNECT") && line.contains("127.0.0.1:\(server.port)")) }
        #expect(try server.requests().map(\.sni) == [nil, "kubernetes.default.svc", "kubernetes.default.svc"])
        connection.proxy = "http://me:hunter2@127.0.0.1:1"
        let error = failure { _ = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n")) }
        #expect(error.code == .unreachable)
        #expect(!error.everything.contains("hunter2"))
    }

    @Test func `a key that does not belong to its certificate is told, and not shown`() throws {
        var connection = try connection()
        connection.credentials.identity = ClientIdentity(
            certificate: try bytes("jane.crt"), key: try bytes("server.key"))
        let error = failure { _ = try client(connection).get(.pods, "p", in: "n") }
        #expect(error.code == .denied)
        connection.credentials.identity = ClientIdentity(certificate: try bytes("jane.crt"), key: Array("hunter2".utf8))
        let other = failure { _ = try client(connection).exec(ExecRequest(["x"], in: "p", namespace: "n")) }
        #expect(other.code == .denied)
        #expect(!other.everything.contains("hunter2"))
    }

    @Test func `a server that speaks no TLS is no server`() throws {
        let plain = try KubeServer()
        var connection = try connection()
        connection.server = "https://127.0.0.1:\(plain.port)/ok"
        #expect(failure { _ = try client(connection).get(.pods, "p", in: "n") }.code == .unreachable)
    }
}
