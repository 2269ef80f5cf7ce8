import Failures
import Foundation
import Glibc
import Processes
import Testing
import Transfer

/// What comes from around a request: the environment, proxies, certificates.
@Suite(.serialized) struct SurroundingsTests {
    @Test func `proxies in the environment are not used`() throws {
        let server = try NastyServer()
        let names = ["http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"]
        for name in names { setenv(name, "http://127.0.0.1:1", 1) }
        defer { for name in names { unsetenv(name) } }
        #expect(try HTTPClient().send(HTTPRequest("GET", server.url("/ok"))).text == "ok")
    }

    @Test func `a proxy that is given is used, but for the hosts that are excepted`() throws {
        let proxy = try NastyServer()
        setenv("no_proxy", "*", 1)
        defer { unsetenv("no_proxy") }
        let client = HTTPClient(proxy: proxy.url(""), withoutProxy: ".internal,127.0.0.1")
        #expect(try client.send(HTTPRequest("GET", "http://target.invalid/ok")).text == "ok")
        #expect(try proxy.requests().map(\.path) == ["http://target.invalid/ok"])
        let server = try NastyServer()
        try client.send(HTTPRequest("GET", server.url("/ok")))
        #expect(try proxy.requests().count == 1)
        #expect(try server.requests().map(\.path) == ["/ok"])
    }

    @Test func `a proxy that refuses, or is not there, is told without its password`() throws {
        let client = HTTPClient(proxy: "http://user:secret@127.0.0.1:1")
        let error = failure { try client.send(HTTPRequest("GET", "http://target.invalid/")) }
        #expect(error.code == .unreachable)
        #expect(!error.description.contains("secret"))
    }

    @Test func `a certificate is trusted only when its authority is, and only for its host`() throws {
        let folder = "/tmp/daytwo-transfer-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (certificate, key) = (folder + "/certificate.pem", folder + "/key.pem")
        let made = try CompletedProcess.run(
            ProcessCommand(
                "/usr/bin/env",
                [
                    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                    "-out", certificate,
                ]), deadline: .seconds(60), uptime: uptime)
        try #require(made.end == .exited(0), "\(String(decoding: made.output, as: UTF8.self))")
        let server = try NastyServer(certificate: [certificate, key])
        let url = "https://localhost:\(server.port)/secret"

        let untrusted = failure { try HTTPClient().send(HTTPRequest("GET", url)) }
        #expect(untrusted.code == .denied)
        #expect(untrusted.why?.contains("self-signed") == true)
        #expect(!"\(untrusted)".contains("secret"))
        let trusting = HTTPClient(authoritiesFile: certificate)
        #expect(try trusting.send(HTTPRequest("GET", url)).text == "ok")
        let otherHost = failure { try trusting.send(HTTPRequest("GET", "https://127.0.0.1:\(server.port)/")) }
        #expect(otherHost.code == .denied)
        let noFile = failure { try HTTPClient(authoritiesFile: folder + "/none").send(HTTPRequest("GET", url)) }
        #expect(noFile.code == .denied)
        // Plain HTTP spoken to a server of TLS, and TLS to a plain one.
        let plain = try NastyServer()
        #expect(
            failure { try HTTPClient().send(HTTPRequest("GET", "https://localhost:\(plain.port)/")) }.code
                == .unreachable)
        #expect(
            failure {
                try HTTPClient().send(HTTPRequest("GET", "http://localhost:\(server.port)/", timeout: .seconds(2)))
            }.code == .unreachable)
    }
}
