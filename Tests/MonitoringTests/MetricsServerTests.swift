import Failures
import Foundation
import Glibc
import Monitoring
import Testing
import Transfer

@Suite struct MetricsServerTests {
    @Test func `metrics and health are served`() throws {
        let server = try server()
        let metrics = try get(server, "/metrics?name=x")
        #expect(metrics.status == 200)
        #expect(metrics.body == healthyFleet().metrics())
        #expect(try get(server, "/healthz").status == 200)
        #expect(try get(server, "/").status == 404)
        #expect(try get(server, "/metrics/../etc/passwd").status == 404)
        server.stop()
    }

    @Test func `the content type is told, and HEAD has no body`() throws {
        let server = try server()
        let answer = try raw(server, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(answer.contains("\r\nContent-Length: \(healthyFleet().metrics().count)\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
        server.stop()
    }

    @Test func `what is ill says why, what cannot be read is an error`() throws {
        let server = try MetricsServer(
            on: ListenAddress("[::1]:0"),
            .init(
                metrics: { () throws(Failure) in throw Failure(.failed, "the state cannot be read") },
                illness: { "no pass for an hour" }), uptime: uptime)
        #expect(server.address.description == "[::1]:\(server.address.port)")
        let health = try get(server, "/healthz")
        #expect(health.status == 503)
        #expect(String(decoding: health.body, as: UTF8.self) == "no pass for an hour\n")
        #expect(try get(server, "/metrics").status == 500)
        server.stop()
    }

    @Test(arguments: ["POST", "PUT", "DELETE"]) func `nothing can be changed`(method: String) throws {
        let server = try server()
        let body = [UInt8](repeating: 65, count: 1 << 20)
        // The body is not read to its end: the answer must come through all the same.
        let answer = try HTTPClient().exchange(
            HTTPRequest(method, "http://\(server.address)/metrics", body: method == "PUT" ? [] : body))
        #expect(answer.status == 405)
        server.stop()
    }

    @Test func `an answer ends cleanly, also when the request goes on`() throws {
        let server = try server()
        let answer = try raw(server, "POST /metrics HTTP/1.1\r\n\r\n" + String(repeating: "x", count: 20_000))
        #expect(answer.hasPrefix("HTTP/1.1 405 "))
        server.stop()
    }

    @Test(arguments: [
        "\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET metrics HTTP/1.1\r\n\r\n", "\0\u{1}\r\n\r\n",
    ])
    func `what is no request gets an error`(text: String) throws {
        let server = try server()
        #expect(try raw(server, text).hasPrefix("HTTP/1.1 400 "))
        server.stop()
    }

    @Test func `a request without end is cut off`() throws {
        let server = try server()
        #expect(
            try raw(server, "GET /metrics HTTP/1.1\r\nX: " + String(repeating: "x", count: 20_000)).contains(" 431 "))
        server.stop()
    }

    @Test func `clients that say nothing, or do not read, hold up nobody`() throws {
        let server = try server(connections: 8, size: 32 << 20)
        let address = server.address
        let slow = (0..<20).map { _ in connect(to: address) }
        defer { for socket in slow { close(socket) } }
        for socket in slow.suffix(4) { _ = send(socket, "GET /metrics HTTP/1.1\r\n\r\n", 25, Int32(MSG_NOSIGNAL)) }
        for _ in 0..<5 { #expect(try get(server, "/metrics", limit: 64 << 20).body.count == 32 << 20) }
        server.stop()
    }

    @Test func `a slow client is dropped when its time is over`() throws {
        let server = try server(time: .milliseconds(100))
        let socket = connect(to: server.address)
        defer { close(socket) }
        var byte: UInt8 = 0
        #expect(recv(socket, &byte, 1, 0) == 0)
        server.stop()
    }

    @Test func `stopping ends everything at once, and the port is free again`() throws {
        let first = try server(size: 32 << 20)
        let socket = connect(to: first.address)
        defer { close(socket) }
        _ = send(socket, "GET /metrics HTTP/1.1\r\n\r\n", 25, Int32(MSG_NOSIGNAL))
        first.stop()
        let second = try server(on: first.address)
        #expect(try get(second, "/healthz").status == 200)
        let taken = failure { _ = try server(on: second.address) }
        #expect(taken.code == .failed)
        #expect(taken.what.contains("\(second.address)"))
        #expect(taken.next != nil)
        second.stop()
    }

    @Test func `letting go of a server stops it`() throws {
        var server: MetricsServer? = try self.server()
        let address = try #require(server?.address)
        server = nil
        #expect(failure { try HTTPClient().send(HTTPRequest("GET", "http://\(address)/healthz")) }.code == .unreachable)
    }

    @Test func `an address is numeric, with a port`() throws {
        #expect(try ListenAddress("localhost:9920") == ListenAddress("127.0.0.1:9920"))
        #expect(try ListenAddress("[::]:1").host == "::")
        for text in [
            "", "9920", ":9920", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "host:1", "127.0.0.1:-1", "::1",
            "1.2.3:4",
        ] {
            let error = failure { _ = try ListenAddress(text) }
            #expect(error.code == .usage, "\(text)")
            #expect(error.next?.contains("127.0.0.1:9920") == true)
        }
    }

    private func server(
        on address: ListenAddress? = nil, connections: Int = 32, time: Duration = .seconds(60), size: Int? = nil
    ) throws -> MetricsServer {
        try MetricsServer(
            on: address ?? ListenAddress("127.0.0.1:0"),
            .init(metrics: { () throws(Failure) in
                size.map { [UInt8](repeating: 65, count: $0) } ?? healthyFleet().metrics()
            }), limits: .init(connections: connections, time: time), uptime: uptime)
    }

    private func get(_ server: MetricsServer, _ path: String, limit: Int = 1 << 20) throws -> HTTPResponse {
        try HTTPClient().exchange(HTTPRequest("GET", "http://\(server.address)\(path)", responseLimit: limit))
    }

    /// What comes back for these very bytes, until the server ends the connection in an orderly way.
    private func raw(_ server: MetricsServer, _ text: String) throws -> String {
        let socket = connect(to: server.address)
        defer { close(socket) }
        _ = send(socket, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else {
                #expect(count == 0)
                return String(decoding: answer, as: UTF8.self)
            }
            answer += buffer.prefix(count)
        }
    }

    private func connect(to address: ListenAddress) -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = address.port.bigEndian
        inet_pton(AF_INET, address.host, &name.sin_addr)
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(result == 0)
        // A server that never answers or closes shall fail a test and not hold it up.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        return socket
    }
}
