import Failures
import Foundation
import JSONValues
import Kubernetes
import Testing
import Threads
import Transfer

/// The client against servers that fail.
@Suite struct ClientTests {
    let server: KubeServer

    init() throws { server = try KubeServer() }

    private let pod = "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"resourceVersion\":\"7\"}}"

    private func object(_ text: String) throws -> KubernetesObject {
        KubernetesObject(try JSONValue(parsing: Array(text.utf8)))
    }

    @Test(
        arguments: [
            (400, .refused), (401, .denied), (403, .denied), (404, .notFound), (405, .failed), (409, .refused),
            (410, .failed), (413, .refused), (422, .refused), (429, .unreachable), (500, .unreachable),
            (503, .unreachable), (504, .unreachable), (302, .failed),
        ] as [(Int, Failure.Code)]) func `each status has its class, also without a Status`(
            status: Int, code: Failure.Code
        ) throws
    {
        try server.script("s\(status)", "[{\"status\":\(status),\"body\":\"<html>no\",\"type\":\"text/html\"}]")
        let error = failure { _ = try server.client("s\(status)").get(.pods, "p", in: "n") }
        #expect(error.code == code)
        #expect(error.apiStatus?.status == status)
        #expect(error.apiStatus?.reason == .unknown)
        #expect(error.what == "cannot get Pod n/p (test)")
        #expect(!error.everything.contains("html"))
    }

    @Test func `what passes is tried again, with growing waits and Retry-After`() throws {
        try server.script(
            "again",
            "[{\"status\":503},{\"drop\":true},{\"status\":429,\"headers\":{\"Retry-After\":\"9\"}},{\"body\":\(pod.debugDescription)}]"
        )
        let time = FakeTime()
        #expect(try server.client("again", time: time).get(.pods, "p", in: "n").name == "p")
        // What is dropped on a kept connection, libcurl sends again by itself.
        #expect(time.waits == [.milliseconds(375), .seconds(9)])
    }

    @Test func `the wait that a Status names is kept as well`() throws {
        try server.script(
            "busy",
            "[{\"status\":500,\"body\":{\"kind\":\"Status\",\"code\":500,\"reason\":\"ServerTimeout\",\"details\":{\"retryAfterSeconds\":4}}},{\"body\":\(pod.debugDescription)}]"
        )
        let time = FakeTime()
        _ = try server.client("busy", time: time).get(.pods, "p", in: "n")
        #expect(time.waits == [.seconds(4)])
    }

    @Test func `attempts have an end, in number and in time`() throws {
        try server.script("down", "[{\"status\":503}]")
        let time = FakeTime()
        #expect(failure { _ = try server.client("down", time: time).get(.pods, "p", in: "n") }.code == .unreachable)
        #expect(try server.requests().count == 5)
        try server.script("long", "[{\"status\":503,\"headers\":{\"Retry-After\":\"3600\"}}]")
        let other = FakeTime()
        #expect(failure { _ = try server.client("long", time: other).get(.pods, "p", in: "n") }.code == .unreachable)
        #expect(other.waits == [])
    }

    /// What is done once, twice; whether it is repeated after an answer was lost.
    private static let deeds: [(name: String, isRepeated: Bool, deed: @Sendable (KubernetesClient) throws -> Void)] = {
        let object = KubernetesObject(
            JSONValue.object([]).setting(["metadata", "name"], to: .string("p")))
        let versioned = KubernetesObject(object.json.setting(["metadata", "resourceVersion"], to: .string("7")))
        return [
            ("get", true, { _ = try $0.get(.pods, "p", in: "n") }),
            ("list", true, { _ = try $0.list(.pods) }),
            ("log", true, { _ = try $0.log(of: "p", in: "n") }),
            ("create", false, { _ = try $0.create(.pods, object, in: "n") }),
            ("create dry", true, { _ = try $0.create(.pods, object, in: "n", dryRun: true) }),
            ("replace", true, { _ = try $0.replace(.pods, object, in: "n") }),
            ("replace a version", false, { _ = try $0.replace(.pods, versioned, in: "n") }),
            ("apply", true, { _ = try $0.apply(.pods, object, in: "n", fieldManager: "daytwo") }),
            ("patch", true, { _ = try $0.patch(.pods, "p", in: "n", .merge, object.json) }),
            ("patch a version", false, { _ = try $0.patch(.pods, "p", in: "n", .merge, versioned.json) }),
            ("delete", false, { _ = try $0.delete(.pods, "p", in: "n") }),
            ("delete one", true, { _ = try $0.delete(.pods, "p", in: "n", Deletion(uid: "u")) }),
            ("scale", true, { _ = try $0.setScale(of: .deployments, "p", in: "n", to: 1) }),
            (
                "scale a version", false,
                { _ = try $0.setScale(of: .deployments, "p", in: "n", to: 1, resourceVersion: "7") }
            ),
        ]
    }()

    @Test func `what must not happen twice is not repeated when its answer is lost`() throws {
        for (index, deed) in Self.deeds.enumerated() {
            let steps = [("{\"drop\":true}", true), ("{\"status\":503}", true), ("{\"status\":429}", false)]
            for (kind, (step, isLost)) in steps.enumerated() {
                let name = "deed\(index)-\(kind)"
                let good = "{\"body\":{\"items\":[],\"metadata\":{}}}"
                try server.script(name, "[\(good),\(step),\(good)]")
                let client = try server.client(name)
                // There is a kept connection, on which libcurl would repeat a request by itself.
                _ = try client.list(.nodes)
                if isLost, !deed.isRepeated {
                    let error = failure { try deed.deed(client) }
                    #expect(error.code == .unreachable, "\(deed.name)")
                    #expect(try server.requests().count { $0.name == name } == 2, "\(deed.name)")
                } else {
                    try deed.deed(client)
                    #expect(try server.requests().count { $0.name == name } == 3, "\(deed.name)")
                }
            }
        }
    }

    @Test func `a connection is kept, but not for what must not arrive twice`() throws {
        try server.script("kept", "[{\"body\":\(pod.debugDescription)}]")
        let client = try server.client("kept")
        for _ in 0..<3 { _ = try client.get(.pods, "p", in: "n") }
        _ = try client.create(.pods, object(pod), in: "n")
        _ = try client.get(.pods, "p", in: "n")
        let connections = try server.requests().map(\.connection)
        #expect(Set(connections[..<3]).count == 1)
        #expect(connections[3] != connections[0])
    }

    @Test func `a creation on a server that is not there is tried again`() throws {
        let time = FakeTime()
        let client = try KubernetesClient(
            ClusterConnection(name: "nobody", server: "http://127.0.0.1:1"), surroundings: time.surroundings())
        #expect(failure { _ = try client.create(.pods, object(pod), in: "n") }.code == .unreachable)
        #expect(time.waits.count == 4)
    }

    @Test func `a list is fetched in pages, and begun anew once when it expires`() throws {
        func page(_ name: String, _ next: String) -> String {
            "{\"body\":{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"\(next)\"},\"items\":[{\"metadata\":{\"name\":\"\(name)\"}}]}}"
        }
        let gone = "{\"status\":410,\"body\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}"
        try server.script("pages", "[\(page("a", "x y+/=")),\(page("b", ""))]")
        let list = try server.client("pages").list(.pods, pageSize: 1)
        #expect(list.objects.map(\.name) == ["a", "b"])
        #expect(list.resourceVersion == "5")
        #expect(try server.requests().last?.path == "/api/v1/pods?limit=1&continue=x%20y%2B%2F%3D")
        try server.script("once", "[\(page("old", "n")),\(gone),\(page("a", "n")),\(page("b", ""))]")
        #expect(try server.client("once").list(.pods).objects.map(\.name) == ["a", "b"])
        try server.script("always", "[\(page("a", "n")),\(gone),\(page("a", "n")),\(gone)]")
        #expect(failure { _ = try server.client("always").list(.pods) }.apiStatus?.isExpired == true)
        #expect(try server.requests().count { $0.name == "always" } == 4)
        try server.script("endless", "[\(page("a", "n"))]")
        let error = failure { _ = try server.client("endless").list(.pods) }
        #expect(error.code == .failed)
        #expect(error.description.contains("without end"))
    }

    @Test func `objects are counted, whatever a page says of those that remain`() throws {
        func page(_ items: Int, _ next: String) -> String {
            let item = "{\"metadata\":{\"name\":\"a\"}}"
            let rest = next.isEmpty ? "" : ",\"continue\":\"\(next)\",\"remainingItemCount\":1"
            let items = Array(repeating: item, count: items).joined(separator: ",")
            return "{\"body\":{\"metadata\":{\"resourceVersion\":\"5\"\(rest)},\"items\":[\(items)]}}"
        }
        try server.script("counted", "[\(page(500, "x")),\(page(500, "y")),\(page(7, ""))]")
        #expect(try server.client("counted").count("/api/v1/secrets") == 1007)
        #expect(try server.requests().last?.path == "/api/v1/secrets?limit=500&continue=y")
        try server.script(
            "none", "[{\"status\":404,\"body\":{\"kind\":\"Status\",\"code\":404,\"reason\":\"NotFound\"}}]")
        #expect(failure { _ = try server.client("none").count("/api/v1/secrets") }.code == .notFound)
    }

    @Test func `what no API answers is told`() throws {
        for (name, body) in [("html", "<html>"), ("none", ""), ("other", "{\"a\":1}")] {
            try server.script(name, [.object([JSONMember("body", .string(body))])])
            #expect(failure { _ = try server.client(name).list(.pods) }.code == .failed)
        }
    }

    @Test func `answers are bounded`() throws {
        try server.script("endless", "[{\"endless\":\"x\"}]")
        let client = try server.client("endless")
        #expect(failure { _ = try client.raw("/x", limit: 1000) }.code == .refused)
        #expect(try client.log(of: "p", in: "n", limit: 700) == [UInt8](repeating: UInt8(ascii: "x"), count: 700))
        #expect(try server.requests().last?.path == "/api/v1/namespaces/n/pods/p/log?limitBytes=700")
    }

    @Test func `a server that hangs is given up, and a stop comes through`() throws {
        try server.script("hang", "[{\"hang\":true}]")
        var client = try server.client("hang")
        client.attemptLimit = .milliseconds(200)
        client.retry.attempts = 1
        #expect(failure { _ = try client.get(.pods, "p", in: "n") }.code == .unreachable)
        let asked = Monitor(0)
        var stopped = try server.client("hang")
        stopped.surroundings.checkStop = { () throws(Failure) in
            if asked.change({
                $0 += 1; return $0
            }) > 3 {
                throw Failure(.failed, "told to stop")
            }
        }
        #expect(failure { _ = try stopped.get(.pods, "p", in: "n") }.what == "told to stop")
    }

    @Test func `names that would be another path are refused`() throws {
        let client = try server.client("any")
        for name in ["", ".", ".."] {
            #expect(failure { _ = try client.delete(.pods, name, in: "n") }.code == .usage)
            #expect(failure { _ = try client.get(.pods, "p", in: name) }.code == .usage)
        }
        #expect(failure { _ = try client.delete(.pods, "p") }.code == .usage)
        #expect(failure { _ = try client.create(.pods, object(pod)) }.code == .usage)
        #expect(failure { _ = try client.get(.nodes, "x", in: "n") }.code == .usage)
        #expect(failure { _ = try client.raw("/x\r\nHost: y") }.code == .usage)
        #expect(try server.requests().isEmpty)
        try server.script("odd", "[{\"body\":\(pod.debugDescription)}]")
        _ = try server.client("odd").get(.clusterRoles, "system:a/../b?c")
        #expect(
            try server.requests().first?.path
                == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa%2F..%2Fb%3Fc")
    }

    @Test func `deletions say what they mean`() throws {
        try server.script("delete", "[{\"body\":{\"kind\":\"Status\",\"status\":\"Success\"}}]")
        let client = try server.client("delete")
        try client.delete(
            .pods, "p", in: "n",
            Deletion(propagation: .foreground, uid: "u", resourceVersion: "7", gracePeriod: .seconds(0)), dryRun: true)
        let request = try #require(try server.requests().first)
        #expect(request.path == "/api/v1/namespaces/n/pods/p?dryRun=All")
        #expect(
            request.body
                == "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"u\",\"resourceVersion\":\"7\"},\"propagationPolicy\":\"Foreground\"}"
        )
    }

    @Test func `rights are asked for`() throws {
        try server.script(
            "rights", "[{\"status\":503},{\"body\":{\"status\":{\"allowed\":true}}},{\"body\":{\"status\":{}}}]")
        let client = try server.client("rights")
        #expect(try client.isAllowed(AccessQuestion("create", .pods, subresource: "exec", in: "n", name: "p")))
        #expect(
            try server.requests().last?.body.contains(
                "{\"verb\":\"create\",\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\",\"subresource\":\"exec\",\"namespace\":\"n\",\"name\":\"p\"}"
            ) == true)
        #expect(failure { _ = try client.isAllowed(AccessQuestion("get", .pods)) }.code == .failed)
    }

    @Test func `readiness is one question`() throws {
        try server.script("ready", "[{\"body\":\"ok\"},{\"status\":500,\"body\":\"not yet\"}]")
        let client = try server.client("ready")
        #expect(try client.isReady())
        #expect(try !client.isReady())
        #expect(try server.requests().count == 2)
    }

    @Test func `a missing kind is not a missing object`() throws {
        try server.script("kind", "[{\"status\":404,\"body\":\"404 page not found\"}]")
        #expect(failure { _ = try server.client("kind").find(.pods, "p", in: "n") }.code == .notFound)
    }

    @Test func `what a Secret holds is not repeated by its refusal`() throws {
        let body =
            "{\"kind\":\"Status\",\"code\":422,\"reason\":\"Invalid\",\"message\":\"Secret is invalid: data[k]: Invalid value: \\\"hunter2\\\"\",\"details\":{\"causes\":[{\"field\":\"data[k]\",\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: \\\"hunter2\\\"\"}]}}"
        try server.script("secret", "[{\"status\":422,\"body\":\(body)}]")
        let client = try server.client("secret")
        let error = failure { _ = try client.create(.secrets, object(pod), in: "n") }
        #expect(!error.everything.contains("hunter2"))
        #expect(error.description.contains("data[k]"))
        #expect(failure { _ = try client.create(.configMaps, object(pod), in: "n") }.everything.contains("hunter2"))
    }
}
