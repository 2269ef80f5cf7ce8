import Failures
import JSONValues
import Kubernetes
import Testing
import Threads
import Transfer

@Suite struct WatchTests {
    let server: KubeServer

    init() throws { server = try KubeServer() }

    private static func event(_ type: String, _ name: String, _ version: String) -> String {
        "{\"type\":\"\(type)\",\"object\":{\"metadata\":{\"name\":\"\(name)\",\"resourceVersion\":\"\(version)\"}}}"
    }

    private func lines(_ lines: [String], _ more: String = "") -> String {
        "{\"lines\":[\(lines.map { JSONValue.string($0).compact }.joined(separator: ","))]\(more)}"
    }

    private func versions() throws -> [String] {
        try server.requests().map { request in
            String(request.path.split(separator: "resourceVersion=").last?.prefix { $0 != "&" } ?? "")
        }
    }

    /// Names as they are told, `-` before those that are gone.
    private func watch(
        _ name: String, time: FakeTime = FakeTime(), stopAt last: String = "last",
        within limit: Duration = .seconds(600)
    ) throws -> ([String], WatchEnd) {
        var names: [String] = []
        let end = try server.client(name, time: time).watch(.pods, from: "1", within: limit) { event in
            switch event {
            case .added(let object), .modified(let object): names.append(object.name)
            case .deleted(let object): names.append("-" + object.name)
            }
            return names.last != last
        }
        return (names, end)
    }

    @Test func `it goes on where a connection ended or broke, bookmarks included`() throws {
        try server.script(
            "on",
            "["
                + [
                    lines([Self.event("ADDED", "a", "2"), Self.event("BOOKMARK", "", "5")]),
                    lines([Self.event("MODIFIED", "a", "6"), "{\"type\":\"MODI"], ",\"broken\":true"),
                    "{\"status\":503}", "{\"drop\":true}",
                    lines([
                        Self.event("DELETED", "a", "7"), Self.event("ADDED", "last", "8"),
                        Self.event("ADDED", "more", "9"),
                    ]),
                ].joined(separator: ",") + "]")
        let (names, end) = try watch("on")
        #expect(names == ["a", "a", "-a", "last"])
        #expect(end == .stopped(resourceVersion: "8"))
        #expect(try versions() == ["1", "5", "6", "6", "6"])
        #expect(
            try server.requests().allSatisfy {
                $0.path.contains("allowWatchBookmarks=true") && $0.path.contains("timeoutSeconds=240")
            })
    }

    @Test(
        arguments: [
            "{\"status\":410,\"body\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Gone\"}}",
            "{\"lines\":[\"{\\\"type\\\":\\\"ERROR\\\",\\\"object\\\":{\\\"kind\\\":\\\"Status\\\",\\\"code\\\":410,\\\"reason\\\":\\\"Expired\\\"}}\"]}",
        ]) func `a version that is too old is told`(step: String) throws
    {
        try server.script("old", "[\(step)]")
        #expect(try watch("old").1 == .expired)
        #expect(try server.requests().count == 1)
    }

    @Test func `an error of the server is tried again, or told`() throws {
        func error(_ code: Int) -> String {
            lines([
                "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":\(code),\"reason\":\"R\",\"message\":\"M\"}}"
            ])
        }
        try server.script("again", "[\(error(500)),\(lines([Self.event("ADDED", "last", "3")]))]")
        #expect(try watch("again").0 == ["last"])
        try server.script("never", "[\(error(403))]")
        let refused = failure { _ = try watch("never") }
        #expect(refused.code == .denied)
        #expect(refused.description.contains("M"))
        try server.script("down", "[{\"status\":503}]")
        #expect(failure { _ = try watch("down") }.code == .unreachable)
        #expect(try server.requests().count { $0.name == "down" } == 5)
    }

    @Test func `connections that end at once are made with pauses, until the time is over`() throws {
        try server.script("quiet", "[{\"lines\":[]}]")
        let time = FakeTime()
        let (names, end) = try watch("quiet", time: time, within: .seconds(30))
        #expect(names == [])
        #expect(end == .timeOver(resourceVersion: "1"))
        #expect(try server.requests().count < 60)
        #expect(!time.waits.isEmpty)
    }

    @Test func `what the receiver throws comes through, and is not tried again`() throws {
        try server.script("throw", "[\(lines([Self.event("ADDED", "a", "2")], ",\"stall\":true"))]")
        let client = try server.client("throw")
        let error = failure {
            _ = try client.watch(.pods, from: "1", within: .seconds(60)) { _ throws(Failure) in
                throw Failure(.unreachable, "mine")
            }
        }
        #expect(error.what == "mine")
        #expect(try server.requests().count == 1)
    }

    @Test func `a stop comes through while nothing comes`() throws {
        try server.script("stall", "[{\"lines\":[],\"stall\":true}]")
        let asked = Monitor(0)
        var client = try server.client("stall")
        client.surroundings.checkStop = { () throws(Failure) in
            if asked.change({
                $0 += 1; return $0
            }) > 5 {
                throw Failure(.failed, "told to stop")
            }
        }
        let error = failure { _ = try client.watch(.pods, from: "1", within: .seconds(60)) { _ in true } }
        #expect(error.what == "told to stop")
    }

    @Test(
        arguments: ["not JSON", "{}", "{\"type\":\"ADDED\"}", "{\"type\":\"ADDED\",\"object\":{}}", "[]"])
    func `what is no event ends it`(line: String) throws {
        try server.script("bad", "[\(lines([line]))]")
        #expect(failure { _ = try watch("bad") }.code == .failed)
    }

    @Test func `an endless line is refused`() throws {
        try server.script("endless", "[{\"endless\":\"x\"}]")
        #expect(failure { _ = try watch("endless") }.code == .refused)
    }

    @Test func `an observer gets the list again when the version is too old`() throws {
        let list = "{\"body\":{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}]}}"
        let gone = "{\"status\":410,\"body\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}"
        try server.script(
            "observe", "[\(list),\(gone),\(list),\(lines([Self.event("MODIFIED", "b", "2")]))]")
        let time = FakeTime()
        var told: [String] = []
        let client = try server.client("observe", time: time)
        let isEnough = try client.observe(.pods, within: .seconds(600)) { observation in
            switch observation {
            case .all(let list): told.append("all \(list.objects.map(\.name))")
            case .change(.modified(let object)): told.append("changed \(object.name)")
            case .change: told.append("other")
            }
            return told.count < 3
        }
        #expect(isEnough)
        #expect(told == ["all [\"a\"]", "all [\"a\"]", "changed b"])
        #expect(time.waits.count == 1)
    }

    @Test func `waiting for an object ends with it, or with the time`() throws {
        let list = "{\"body\":{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\"}}]}}"
        try server.script(
            "wait", "[\(list),\(lines([Self.event("DELETED", "b", "2"), Self.event("DELETED", "a", "3")]))]")
        let client = try server.client("wait")
        #expect(try client.wait(for: .pods, "a", in: "n", within: .seconds(600)) { $0 == nil })
        #expect(try server.requests().first?.path.contains("fieldSelector=metadata.name%3Da") == true)
        try server.script("over", "[\(list),{\"lines\":[]}]")
        #expect(try !server.client("over").wait(for: .pods, "a", in: "n", within: .seconds(5)) { $0 == nil })
    }
}
