import Failures
import Foundation
import Testing
import Transfer

@Suite struct HTTPClientTests {
    let client = HTTPClient()

    @Test func `a request arrives as it was meant`() throws {
        let server = try NastyServer()
        let response = try client.send(
            HTTPRequest(
                "POST", server.url("/echo?a=b%20c"),
                headers: [HTTPHeader("X-One", "1"), HTTPHeader("X-Empty", ""), HTTPHeader("Content-Type", "text/x")],
                body: Array("a\0b&c".utf8)))
        #expect(response.status == 200)
        let echo = try JSONDecoder().decode(NastyServer.Request.self, from: Data(response.body))
        #expect(echo.method == "POST")
        #expect(echo.path == "/echo?a=b%20c")
        #expect(echo.body == "a\0b&c")
        #expect(echo.headers["x-one"] == "1")
        #expect(echo.headers["x-empty"] == "")
        #expect(echo.headers["content-type"] == "text/x")
        #expect(echo.headers["user-agent"] == "daytwo")
        #expect(echo.headers["expect"] == nil)
    }

    @Test(arguments: ["GET", "DELETE", "POST", "PUT", "HEAD"]) func `a request may be without a body`(
        method: String
    ) throws {
        let server = try NastyServer()
        let response = try client.send(HTTPRequest(method, server.url("/ok")))
        #expect(response.text == (method == "HEAD" ? "" : "ok"))
        let request = try #require(try server.requests().first)
        #expect(request.method == method)
        #expect(request.body == "")
    }

    @Test func `a large body arrives whole`() throws {
        let server = try NastyServer()
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
        try client.send(HTTPRequest("PUT", server.url("/ok"), body: body))
        #expect(try server.requests().first?.body.utf8.count == body.count)
    }

    @Test func `a stream is handed on as it comes, and ends when its receiver has enough`() throws {
        let server = try NastyServer()
        var count = 0
        let response = try client.stream(HTTPRequest("GET", server.url("/huge"), responseLimit: 10)) { piece in
            count += piece.count
            return count < 1 << 20
        }
        #expect(response.status == 200)
        #expect(count >= 1 << 20)
        let refused = try client.stream(HTTPRequest("GET", server.url("/status/404"))) { _ in
            Issue.record("what is no success is no stream")
            return true
        }
        #expect((refused.status, refused.text) == (404, "as you wished"))
        let cut = failure { _ = try client.stream(HTTPRequest("GET", server.url("/cut"))) { _ in true } }
        #expect(cut.code == .unreachable)
    }

    @Test(
        arguments: [
            (204, nil), (301, .failed), (400, .failed), (401, .denied), (403, .denied), (404, .notFound),
            (407, .denied),
            (408, .unreachable), (409, .failed), (410, .notFound), (418, .failed), (429, .unreachable),
            (500, .unreachable),
            (503, .unreachable),
        ] as [(Int, Failure.Code?)])
    func `each status has its class`(status: Int, code: Failure.Code?) throws {
        let server = try NastyServer()
        let request = HTTPRequest("GET", server.url("/status/\(status)"))
        #expect(try client.exchange(request).status == status)
        if let code {
            let error = failure { try client.send(request) }
            #expect(error.code == code)
            #expect((error.cause as? HTTPStatusError)?.status == status)
            #expect(error.what.contains("127.0.0.1:\(server.port)"))
        } else {
            try client.send(request)
        }
    }

    @Test func `Retry-After is told, in seconds and as a date`() throws {
        let server = try NastyServer()
        let seconds = try client.exchange(HTTPRequest("GET", server.url("/status/429?retry-after=7")))
        #expect(seconds.retryAfter == .seconds(7))
        let date = try client.exchange(
            HTTPRequest("GET", server.url("/status/503?retry-after=Fri,%2031%20Dec%202199%2023:59:59%20GMT")))
        #expect(try #require(date.retryAfter) > .seconds(86400))
        let nonsense = try client.exchange(HTTPRequest("GET", server.url("/status/503?retry-after=soon")))
        #expect(nonsense.retryAfter == nil)
    }

    @Test(arguments: ["/hang", "/stall"]) func `a server that hangs is given up`(path: String) throws {
        let server = try NastyServer()
        let error = failure {
            try client.send(HTTPRequest("GET", server.url(path), timeout: .milliseconds(300)))
        }
        #expect(error.code == .unreachable)
        #expect(error.what.contains("in time"))
        #expect(try server.requests().count == 1)
    }

    @Test(arguments: ["/cut", "/garbage", "/nothing"]) func `a server that breaks off has not answered`(
        path: String
    ) throws {
        let server = try NastyServer()
        #expect(failure { try client.send(HTTPRequest("GET", server.url(path))) }.code == .unreachable)
    }

    @Test func `an answer without end is refused`() throws {
        let server = try NastyServer()
        let error = failure { try client.send(HTTPRequest("GET", server.url("/huge"), responseLimit: 100_000)) }
        #expect(error.code == .refused)
        #expect(error.what.contains("100000 bytes"))
        // Exactly as long as may be is not too long.
        #expect(try client.send(HTTPRequest("GET", server.url("/ok"), responseLimit: 2)).text == "ok")
        #expect(failure { try client.send(HTTPRequest("GET", server.url("/ok"), responseLimit: 1)) }.code == .refused)
    }

    @Test func `a redirect is not followed`() throws {
        let server = try NastyServer()
        let error = failure { try client.send(HTTPRequest("GET", server.url("/redirect"))) }
        #expect(error.code == .failed)
        #expect(try server.requests().map(\.path) == ["/redirect"])
    }

    @Test func `being told to stop ends a transfer at once`() throws {
        let server = try NastyServer()
        let begun = uptime()
        let error = failure {
            try client.send(HTTPRequest("GET", server.url("/hang"), timeout: .seconds(60))) { () throws(Failure) in
                if uptime() - begun > .milliseconds(200) { throw Failure(.failed, "told to stop") }
            }
        }
        #expect(error.what == "told to stop")
    }

    @Test func `nobody listening, and no such host, are no answer`() throws {
        let port = try NastyServer().port
        let closed = failure { try client.send(HTTPRequest("GET", "http://127.0.0.1:\(port)/")) }
        #expect(closed.code == .unreachable)
        let unknown = failure {
            try client.send(HTTPRequest("GET", "http://no-such-host.invalid/", connectTimeout: .seconds(2)))
        }
        #expect(unknown.code == .unreachable)
        #expect(unknown.what.contains("no-such-host.invalid"))
    }

    @Test(arguments: [
        "", "hooks.example.org/x", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "http://",
        "http:///path", "http:/host/path", "http://exa mple.org/", "http://example.org/\r\nX: y",
        "http://example.org:99999/", "http://[::1",
    ]) func `what is no web address is refused`(url: String) {
        let error = failure { try client.send(HTTPRequest("GET", url)) }
        #expect(error.code == .usage)
        #expect(error.next != nil)
    }

    @Test func `nothing can be smuggled into a request`() throws {
        let server = try NastyServer()
        let injections = [
            HTTPRequest("GET / HTTP/1.1\r\nX: y\r\n\r\nGET", server.url("/ok")),
            HTTPRequest("", server.url("/ok")),
            HTTPRequest("GET", server.url("/ok"), headers: [HTTPHeader("X", "secret\r\nY: z")]),
            HTTPRequest("GET", server.url("/ok"), headers: [HTTPHeader("X", "secret\0")]),
            HTTPRequest("GET", server.url("/ok"), headers: [HTTPHeader("X: y\r\nZ", "1")]),
            HTTPRequest("GET", server.url("/ok"), headers: [HTTPHeader("", "1")]),
        ]
        for request in injections {
            let error = failure { try client.send(request) }
            #expect(error.code == .usage)
            #expect(!error.description.contains("secret"))
        }
        #expect(try server.requests().isEmpty)
    }

    @Test(arguments: [
        "hang", "cut", "huge", "redirect", "garbage", "nothing", "status/500", "status/403", "status/404",
    ])
    func `no error tells a secret in an address`(path: String) throws {
        let server = try NastyServer()
        var error: (any Error)? = failure {
            try client.send(
                HTTPRequest(
                    "POST", "http://secret:secret@127.0.0.1:\(server.port)/secret/\(path)?token=secret#secret",
                    headers: [HTTPHeader("X-Token", "secret")], body: Array("secret".utf8), timeout: .milliseconds(500),
                    responseLimit: 1000))
        }
        while let current = error {
            #expect(!"\(current)".contains("secret"))
            let failure = current as? Failure
            #expect(failure.map { !"\($0.what) \($0.why ?? "") \($0.next ?? "")".contains("secret") } ?? true)
            error = failure?.cause
        }
    }

    @Test func `several threads may use one client`() throws {
        let server = try NastyServer()
        let client = client
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            #expect(throws: Never.self) { try client.send(HTTPRequest("GET", server.url("/ok?\(index)"))) }
        }
        #expect(Set(try server.requests().map(\.path)).count == 8)
    }
}
