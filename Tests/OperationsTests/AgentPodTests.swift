import JSONValues
import Kubernetes
import Testing

@testable import Operations

@Suite("The pod of an agent")
struct AgentPodTests {
    private func spec(_ change: (inout AgentPlace) -> Void = { _ in }, isBeside: Bool = true) -> JSONValue {
        var place = AgentPlace(namespace: "team", cluster: "blue")
        place.nodeSelector = ["disk": "fast"]
        place.nodeAffinity = .members([("x", .string("y"))])
        place.tolerations = [.members([("key", .string("gpu"))])]
        change(&place)
        var pod = AgentPod(at: place, claim: "data", settings: AgentSettings(image: "daytwo:1"), run: "0123456789")
        pod.isBesideControlPlane = isBeside
        return pod.job["spec", "template", "spec"] ?? .null
    }

    @Test("Beside its control plane it is on that node, whatever keeps others away from it since")
    func pinned() throws {
        let spec = spec { $0.nodes = ["node-1"] }
        let terms = spec["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]
        #expect(terms?["nodeSelectorTerms"]?.arrayValue?.count == 1)
        #expect(spec["nodeSelector"] == nil)
        let tolerations = try #require(spec["tolerations"]?.arrayValue)
        let added = try #require(tolerations.last)
        #expect(tolerations.count == 2 && added["effect"]?.stringValue == "NoSchedule")
        #expect(added["operator"]?.stringValue == "Exists" && added["key"] == nil)
    }

    @Test("Elsewhere it goes where its control plane may go, since a volume may be made for it")
    func free() {
        for spec in [spec({ $0.nodes = ["node-1"] }, isBeside: false), spec()] {
            #expect(spec["nodeSelector", "disk"]?.stringValue == "fast")
            #expect(spec["affinity", "nodeAffinity", "x"]?.stringValue == "y")
            #expect(spec["tolerations"]?.arrayValue?.count == 1)
        }
    }

    @Test("A user that is not root says so, as namespaces for restricted pods ask")
    func users() {
        func isNonRoot(_ user: Int64?) -> JSONValue? {
            spec { $0.user = user }["containers"]?.arrayValue?.first?["securityContext", "runAsNonRoot"]
        }
        #expect(isNonRoot(12345) == .bool(true))
        #expect(isNonRoot(0) == nil && isNonRoot(nil) == nil)
    }
}
