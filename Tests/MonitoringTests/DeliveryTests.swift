import Failures
import Foundation
import Monitoring
import Processes
import Testing
import Transfer

@Suite struct DeliveryTests {
    let payload = Array(#"{"a":"b"}"#.utf8)

    @Test func `a webhook gets the payload, with the header fields of the file`() throws {
        let server = try NastyServer()
        let scratch = try Scratch()
        let url = try scratch.write(server.url("/secret-path/ok") + "\n", to: "url")
        let headers = try scratch.write("Authorization: Bearer secret\r\n\nX-Scope:ops\n", to: "headers")
        try delivery().deliver(payload, to: .webhook(url: .file(url), headersFile: headers))
        let request = try #require(try server.requests().first)
        #expect(request.method == "POST")
        #expect(request.path == "/secret-path/ok")
        #expect(request.body == #"{"a":"b"}"#)
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["authorization"] == "Bearer secret")
        #expect(request.headers["x-scope"] == "ops")
    }

    @Test func `an address may come from the environment, as the caller read it`() throws {
        let server = try NastyServer()
        try delivery().deliver(
            payload, to: .webhook(url: .value(" \(server.url("/ok")) ", name: "CHAT_URL"), headersFile: nil))
        #expect(try server.requests().map(\.path) == ["/ok"])
    }

    @Test(
        arguments: [
            ("status/500", .unreachable), ("status/429", .unreachable), ("status/403", .denied),
            ("status/404", .notFound), ("hang", .unreachable),
        ] as [(String, Failure.Code)])
    func `a webhook that fails says how, and no secret`(path: String, code: Failure.Code) throws {
        let server = try NastyServer()
        let scratch = try Scratch()
        let headers = try scratch.write("X-Token: secret", to: "headers")
        let endpoint = NotificationEndpoint.webhook(
            url: .value(server.url("/secret/\(path)?secret"), name: "CHAT_URL"), headersFile: headers)
        let error = failure { try delivery(.milliseconds(300)).deliver(Array("secret".utf8), to: endpoint) }
        #expect(error.code == code)
        #expect(!shown(error).contains("secret"))
        #expect(!"\(endpoint) \(String(reflecting: endpoint))".contains("secret"))
    }

    @Test func `secrets that cannot be used are named by their place`() throws {
        let scratch = try Scratch()
        let empty = try scratch.write(" \n", to: "empty")
        let noHeader = try scratch.write("X: 1\nsecret\n", to: "headers")
        let binary = scratch["binary"]
        try Data([0x68, 0xFF, 0xFE]).write(to: URL(filePath: binary))
        func error(_ url: SecretSource, _ headers: String? = nil) -> Failure {
            failure { try delivery().deliver(payload, to: .webhook(url: url, headersFile: headers)) }
        }
        #expect(error(.file(scratch["none"])).code == .notFound)
        #expect(error(.file(empty)).what.contains(empty))
        #expect(error(.file(binary)).code == .refused)
        #expect(error(.value("", name: "CHAT_URL")).what.contains("$CHAT_URL"))
        #expect(error(.value("secret", name: "CHAT_URL")).code == .usage)
        #expect(!shown(error(.value("secret words", name: "CHAT_URL"))).contains("secret"))
        let header = error(.value("http://127.0.0.1:1/", name: "CHAT_URL"), noHeader)
        #expect(header.what.contains("line 2"))
        #expect(!shown(header).contains("secret"))
    }

    @Test func `a command gets the payload and nothing of our surroundings`() throws {
        let scratch = try Scratch()
        setenv("DAYTWO_TEST_SECRET", "seen", 1)
        defer { unsetenv("DAYTWO_TEST_SECRET") }
        try delivery().deliver(
            payload,
            to: .command(
                ProcessCommand("/bin/sh", ["-c", "cat > $0/input; env > $0/environment", scratch.path])))
        #expect(try scratch.text("input") == #"{"a":"b"}"#)
        #expect(try !scratch.text("environment").contains("DAYTWO_TEST_SECRET"))
        #expect(try scratch.text("environment").contains("PATH=/usr"))
    }

    @Test func `a command that fails tells a line of what it said`() throws {
        let error = failure {
            try delivery().deliver(
                payload,
                to: .command(
                    ProcessCommand("/bin/sh", ["-c", "printf 'no\\033[31m\\nroute\\n'; yes | head -n 99999; exit 4"])))
        }
        #expect(error.code == .failed)
        #expect(error.what == "/bin/sh ended with exit status 4")
        #expect(error.why?.hasPrefix("no[31m route y y ") == true)
        #expect(try #require(error.why).utf8.count <= 300)
    }

    @Test func `a command that hangs is stopped`() throws {
        let error = failure {
            try delivery(.milliseconds(200)).deliver(payload, to: .command(ProcessCommand("/bin/sleep", ["1000"])))
        }
        #expect(error.code == .unreachable)
        #expect(failure { try delivery().deliver(payload, to: .command(ProcessCommand("/none"))) }.code == .notFound)
    }

    private func delivery(_ timeout: Duration = .seconds(30)) -> NotificationDelivery {
        NotificationDelivery(client: HTTPClient(), timeout: timeout, uptime: uptime)
    }
}

@Suite struct PingTests {
    @Test func `a run is told as Healthchecks has it`() throws {
        let server = try NastyServer()
        let ping = Ping(url: .value(server.url("/secret-uuid"), name: "PING"), client: HTTPClient())
        #expect(ping.start() == nil)
        #expect(ping.success() == nil)
        #expect(ping.fail("exit code 5: " + String(repeating: "x", count: 20_000)) == nil)
        let requests = try server.requests()
        #expect(
            requests.map(\.path)
                == ["/secret-uuid", "/secret-uuid", "/secret-uuid"].enumerated().map {
                    $1 + ["/start", "", "/fail"][$0]
                })
        #expect(requests.map(\.body.utf8.count) == [0, 0, Ping.textLimit])
        #expect(requests[2].body.hasPrefix("exit code 5: "))
    }

    @Test func `the signal goes before a query`() throws {
        let server = try NastyServer()
        for url in ["/key/slug?create=1", "/key/slug/"] {
            Ping(url: .value(server.url(url), name: "PING"), client: HTTPClient()).start()
        }
        #expect(try server.requests().map(\.path) == ["/key/slug/start?create=1", "/key/slug/start"])
    }

    @Test func `what goes wrong is given and never thrown, without the address`() throws {
        let server = try NastyServer()
        for path in ["/secret/hang", "/secret/status/500?secret", "/secret/status/404"] {
            let ping = Ping(
                url: .value(server.url(path), name: "PING"), client: HTTPClient(), timeout: .milliseconds(300))
            let error = try #require(ping.success())
            #expect(!shown(error).contains("secret"))
        }
        #expect(try Ping(url: .file(Scratch()["none"]), client: HTTPClient()).start()?.code == .notFound)
    }
}

/// All that anybody could be shown of a failure.
private func shown(_ failure: Failure) -> String {
    var text = "\(failure.what) \(failure.why ?? "") \(failure.next ?? "")"
    if let cause = failure.cause { text += " \(cause)" }
    return text
}
