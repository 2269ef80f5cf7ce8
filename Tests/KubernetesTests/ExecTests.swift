import Failures
import Foundation
import JSONValues
import Testing
import Threads

@testable import Kubernetes

/// exec against servers that keep to the protocol in their own way, and against those that do not.
@Suite struct ExecTests {
    let server: KubeServer

    init() throws { server = try KubeServer() }

    private static let success = Array("{\"metadata\":{},\"status\":\"Success\"}".utf8)

    private func request(
        input: Bool = false, ping: Duration = .seconds(20), idle: Duration = .seconds(180)
    ) -> ExecRequest {
        ExecRequest(["agent"], in: "p", namespace: "n", hasInput: input, pingInterval: ping, idleLimit: idle)
    }

    /// All that comes, up to the end.
    private func events(_ session: ExecSession) throws -> [ExecEvent] {
        var events: [ExecEvent] = []
        while true {
            events.append(try session.receive())
            if case .ended = events.last { return events }
        }
    }

    private func script(_ name: String, frames: [UInt8], stays: Bool = false, protocol version: String = "v5") throws {
        try server.script(
            name,
            [
                .object(
                    [
                        JSONMember("frames", .string(Data(frames).base64EncodedString())),
                        JSONMember("protocol", .string(version + ".channel.k8s.io")),
                    ] + (stays ? [JSONMember("stays", .bool(true))] : []))
            ])
    }

    private static let frames =
        WebSocketTests.frame(2, [1]) + WebSocketTests.frame(2, [1] + Array("out".utf8))
        + WebSocketTests.frame(2, [2] + Array("err".utf8)) + WebSocketTests.frame(2, [3] + success)
        + WebSocketTests.frame(8, [3, 0xE8])
    private static let afterStatus = frames.count - 4

    @Test func `a connection that is cut at any byte is no success before the status`() throws {
        for count in 0...Self.frames.count {
            try script("cut\(count)", frames: Array(Self.frames[..<count]))
            let session = try server.client("cut\(count)").exec(request())
            if count >= Self.afterStatus {
                #expect(
                    try events(session) == [
                        .output(Array("out".utf8)), .error(Array("err".utf8)), .ended(ExecEnd(status: 0)),
                    ])
                // After the end there always is the end.
                #expect(try session.receive() == .ended(ExecEnd(status: 0)))
            } else {
                let error = failure { _ = try events(session) }
                #expect(error.code == .unreachable)
                #expect(error.description.contains("without the command's status"))
            }
        }
    }

    @Test func `a head that is cut at any byte is no session`() throws {
        try server.script("head", "[{\"exec\":\"silent\"}]")
        for count in 1..<150 {
            let error = failure { _ = try server.client("head,cut=\(count)").exec(request()) }
            #expect(error.code == .unreachable || error.code == .failed)
        }
    }

    @Test func `output that comes after the status is still there`() throws {
        try script(
            "late",
            frames: WebSocketTests.frame(2, [3] + Self.success) + WebSocketTests.frame(2, [1] + Array("late".utf8)))
        let events = try events(try server.client("late").exec(request()))
        #expect(events.first == .output(Array("late".utf8)))
        #expect(events.count == 2)
    }

    @Test func `a server that stays after the status is not waited for without end`() throws {
        try script("stays", frames: WebSocketTests.frame(2, [3] + Self.success), stays: true)
        let time = FakeTime()
        var client = try server.client("stays", time: time)
        client.surroundings.checkStop = { time.pass(.seconds(1)) }
        let session = try client.exec(request(idle: .seconds(3600)))
        #expect(try session.receive() == .ended(ExecEnd(status: 0)))
        try script("stays", frames: WebSocketTests.frame(2, [1]), stays: true)
        let other = try client.exec(request(idle: .seconds(60)))
        #expect(failure { _ = try other.receive() }.code == .unreachable)
    }

    @Test(
        arguments: [
            (
                "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"137\"}]}}",
                137
            ),
            ("{\"status\":\"Success\"}", 0),
        ]) func `the exit status is in the status`(text: String, status: Int) throws
    {
        try script("status", frames: WebSocketTests.frame(2, [3] + Array(text.utf8)))
        #expect(try server.client("status").execute(request(), deadline: .seconds(60)).status == status)
    }

    @Test(
        arguments: [
            ("{\"status\":\"Failure\",\"reason\":\"InternalError\",\"message\":\"no such program\"}", .failed),
            ("{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[]}}", .failed),
            ("not JSON", .unreachable), ("{}", .unreachable),
        ] as [(String, Failure.Code)]) func `a status that is none is no success`(text: String, code: Failure.Code)
        throws
    {
        try script("status", frames: WebSocketTests.frame(2, [3] + Array(text.utf8)))
        let error = failure { _ = try server.client("status").execute(request(), deadline: .seconds(60)) }
        #expect(error.code == code)
    }

    @Test func `a status in parts is one, and one without end is refused`() throws {
        try script(
            "parts",
            frames: WebSocketTests.frame(2, [3] + Self.success.prefix(10), isLast: false)
                + WebSocketTests.frame(0, Array(Self.success.dropFirst(10))))
        #expect(try server.client("parts").execute(request(), deadline: .seconds(60)).status == 0)
        try script("endless", frames: WebSocketTests.frame(2, [3] + [UInt8](repeating: 32, count: 70_000)))
        #expect(
            failure { _ = try server.client("endless").execute(request(), deadline: .seconds(60)) }.code == .refused)
    }

    @Test func `an oversized frame is refused before it comes`() throws {
        try script("large", frames: [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0, 1], stays: true)
        #expect(failure { _ = try server.client("large").exec(request()).receive() }.code == .refused)
    }

    @Test func `a server that does not prove that it speaks WebSocket is refused`() throws {
        try server.script("accept", "[{\"exec\":\"silent\",\"accept\":\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"}]")
        let error = failure { _ = try server.client("accept").exec(request()) }
        #expect(error.code == .failed)
        #expect(error.description.contains("Sec-WebSocket-Accept"))
        try server.script("protocol", "[{\"exec\":\"silent\",\"protocol\":\"v3.channel.k8s.io\"}]")
        #expect(failure { _ = try server.client("protocol").exec(request()) }.code == .failed)
    }

    @Test func `a refusal has the reason of the API`() throws {
        try server.script(
            "no",
            """
            [{"status":403,"body":{"kind":"Status","status":"Failure","code":403,"reason":"Forbidden",
            "message":"pods \\"p\\" is forbidden: cannot create resource pods/exec"}}]
            """)
        let error = failure { _ = try server.client("no").exec(request()) }
        #expect(error.code == .denied)
        #expect(error.apiStatus?.reason == .forbidden)
        #expect(error.description.contains("cannot create resource pods/exec"))
        #expect(try server.requests().count == 1)
    }

    @Test func `only what was not started is started again`() throws {
        try server.script("busy", "[{\"status\":429,\"headers\":{\"Retry-After\":\"3\"}},{\"frames\":\"\"}]")
        let time = FakeTime()
        _ = try server.client("busy", time: time).exec(request())
        #expect(time.waits == [.seconds(3)])
        for step in ["{\"status\":503}", "{\"drop\":true}"] {
            let name = "lost\(step.utf8.count)"
            try server.script(name, "[\(step)]")
            #expect(failure { _ = try server.client(name).exec(request()) }.code == .unreachable)
            #expect(try server.requests().count { $0.name == name } == 1)
        }
    }

    @Test func `v5 closes the input, v4 says that it cannot`() throws {
        try server.script("five", "[{\"exec\":\"echo\"}]")
        let five = try server.client("five").exec(request(input: true))
        #expect(five.canCloseInput)
        #expect(try five.send(Array("hello".utf8)) { _ in })
        try five.closeInput { _ in }
        #expect(try server.waitForNote("input closed"))
        let events = try events(five)
        #expect(events.first == .output(Array("hello".utf8)))
        #expect(failure { _ = try five.send([1]) { _ in } }.code == .usage)
        try server.script("four", "[{\"exec\":\"echo\",\"protocol\":\"v4.channel.k8s.io\"}]")
        let four = try server.client("four").exec(request(input: true))
        #expect(!four.canCloseInput)
        #expect(failure { try four.closeInput { _ in } }.code == .refused)
    }

    @Test func `both sides may be full, and neither stands still`() throws {
        try server.script("echo", "[{\"exec\":\"echo\"}]")
        let session = try server.client("echo").exec(request(input: true))
        let sent = (0..<(16 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var got: [UInt8] = []
        let take: (ExecEvent) -> Void = { event in
            if case .output(let bytes) = event { got += bytes }
        }
        #expect(try session.send(sent, received: take))
        try session.closeInput(received: take)
        for event in try events(session) { take(event) }
        #expect(got == sent)
    }

    @Test func `who does not take makes the command wait`() throws {
        try server.script("flood", "[{\"exec\":\"flood\",\"blocks\":512}]")
        let session = try server.client("flood").exec(request())
        #expect(try server.waitForNote("blocked"))
        var count = 0
        for event in try events(session) {
            if case .output(let bytes) = event { count += bytes.count }
        }
        #expect(count == 512 * 65535)
    }

    @Test func `pings are answered and asked`() throws {
        try server.script("ping", "[{\"exec\":\"ping\"}]")
        _ = try events(try server.client("ping").exec(request()))
        #expect(try server.notes() == ["pong", "pong", "pong"])
        try server.script("pings", "[{\"exec\":\"count_pings\",\"pings\":3}]")
        _ = try events(try server.client("pings").exec(request(ping: .milliseconds(1))))
        #expect(try server.notes().suffix(3) == ["ping", "ping", "ping"])
    }

    @Test func `a server that is silent is given up, and a stop comes through`() throws {
        try server.script("silent", "[{\"exec\":\"silent\"}]")
        let error = failure { _ = try server.client("silent").exec(request(idle: .milliseconds(300))).receive() }
        #expect(error.code == .unreachable)
        #expect(error.description.contains("nothing came"))
        let asked = Monitor(0)
        var client = try server.client("silent")
        client.surroundings.checkStop = { () throws(Failure) in
            // Not yet while it connects.
            if asked.change({
                $0 += 1; return $0
            }) > 20 {
                throw Failure(.failed, "told to stop")
            }
        }
        let session = try client.exec(request())
        #expect(failure { _ = try session.receive() }.what == "told to stop")
        #expect(
            failure { _ = try server.client("silent").execute(request(), deadline: .milliseconds(300)) }.code
                == .unreachable)
    }

    @Test func `a command that ends before its input does is no failure`() throws {
        try server.script("deaf", "[{\"exec\":\"deaf\"}]")
        let session = try server.client("deaf").exec(request(input: true))
        var got: [ExecEvent] = []
        #expect(try session.send([1]) { got.append($0) })
        #expect(try server.waitForNote("ended"))
        var isTaken = true
        for _ in 0..<2000 where isTaken {
            isTaken = try session.send([UInt8](repeating: 0, count: 1 << 20)) { got.append($0) }
        }
        #expect(!isTaken)
        got += try events(session)
        #expect(got.first == .output(Array("enough".utf8)))
        #expect(got.count == 2)
    }

    @Test func `a connection that breaks under the input still tells how the command ended`() throws {
        try server.script("vanish", "[{\"exec\":\"vanish\"}]")
        let session = try server.client("vanish").exec(request(input: true))
        #expect(try session.send([1]) { _ in })
        #expect(try server.waitForNote("gone"))
        var got: [ExecEvent] = []
        var isTaken = true
        // The first one goes out, and is answered by a reset.
        for _ in 0..<2000 where isTaken {
            isTaken = try session.send([1]) { got.append($0) }
            usleep(1000)
        }
        #expect(!isTaken)
        got += try events(session)
        #expect(got == [.output(Array("enough".utf8)), .ended(ExecEnd(status: 0))])
    }

    @Test func `a command needs words, and its input a beginning`() throws {
        let client = try server.client("none")
        #expect(failure { _ = try client.exec(ExecRequest([], in: "p", namespace: "n")) }.code == .usage)
        #expect(failure { _ = try client.exec(ExecRequest(["x"], in: "", namespace: "n")) }.code == .usage)
        try script("frames", frames: [])
        let session = try server.client("frames").exec(request())
        #expect(failure { _ = try session.send([1]) { _ in } }.code == .usage)
    }
}
