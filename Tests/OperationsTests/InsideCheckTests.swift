import JSONValues
import Policies
import Testing

@testable import Operations

@Suite("Checks inside a virtual cluster")
struct InsideCheckTests {
    @Test("An API counts as in use when somebody asked for it and the target no longer has it")
    func removedAPIs() throws {
        let metrics = """
            # TYPE apiserver_requested_deprecated_apis gauge
            apiserver_requested_deprecated_apis{group="extensions",removed_release="1.22",resource="ingresses",subresource="",version="v1beta1"} 1
            apiserver_requested_deprecated_apis{group="batch",removed_release="1.25",resource="cronjobs",subresource="",version="v1beta1"} 1
            apiserver_requested_deprecated_apis{group="policy",removed_release="1.21",resource="unused",subresource="",version="v1beta1"} 0
            apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1
            """
        let minor = try #require(KubernetesMinor("1.22"))
        #expect(InsideChecks.removed(in: metrics, by: minor) == ["extensions/v1beta1 ingresses"])
        #expect(try InsideChecks.removed(in: metrics, by: #require(KubernetesMinor("1.21"))).isEmpty)
        #expect(try InsideChecks.removed(in: metrics, by: #require(KubernetesMinor("1.25"))).count == 2)
    }

    private func configuration(_ policy: String, _ client: String, _ selector: String, _ kind: String) throws
        -> JSONValue
    {
        let text = """
            {"metadata":{"name":"guard"},"webhooks":[{"name":"a","failurePolicy":"\(policy)","clientConfig":\(client),
            "namespaceSelector":\(selector),"rules":[{"apiGroups":[""],"resources":["\(kind)"]}]}]}
            """
        return try JSONValue(parsing: Array(text.utf8))
    }

    @Test(
        "A webhook blocks when it runs inside, refuses when it is away, and is asked for the control plane's own kinds")
    func webhooks() throws {
        let inside = #"{"service":{"name":"x","namespace":"y"}}"#
        #expect(try InsideChecks.blocking(configuration("Fail", inside, "{}", "pods")) == ["guard/a"])
        #expect(try InsideChecks.blocking(configuration("Ignore", inside, "{}", "pods")).isEmpty)
        #expect(try InsideChecks.blocking(configuration("Fail", #"{"url":"https://x"}"#, "{}", "pods")).isEmpty)
        #expect(try InsideChecks.blocking(configuration("Fail", inside, #"{"matchLabels":{"a":"b"}}"#, "pods")).isEmpty)
        #expect(try InsideChecks.blocking(configuration("Fail", inside, "{}", "certificates")).isEmpty)
    }

    @Test("A Helm release tells the versions that its manifest is written in")
    func releases() throws {
        // As Helm stores it: `{"manifest": …}` through gzip and base64, and once more base64 by the API.
        let release =
            """
            SDRzSUFBQUFBQUFDQTFXTlRRdkNNQkJFLzhvU3I5YlNhNDdpeFp0UThMU1hORmxMc05tRUpLMFc4Yi9iRHhVOXpqRHoza093\
            Y2lRa2lCczFZZ3ZDS2JZWFNubXVpcUpBM2tEdCs2aEp3clFvRThYQmF0cU55blhJS3RnenhXUTlTeGdxNUt0bEk2RmVOOGlP\
            c2pJcUs0a01NSHNXQnZMQy9mMmlvSHNtbmtNcWg2cVpmaFVLMklEdnpJZDY1RFpTU3NncGtGNklhOC8rRFZ6anladURUYkVQ\
            ZVlMdGU5TlMvbmNGMzFrOWZpMHNuaS9pYVYrdUJBRUFBQT09
            """
        let manifest = try WrittenAPIs.manifest(release)
        let kinds = WrittenAPIs.kinds(in: manifest)
        #expect(kinds.map(\.apiVersion) == ["v1", "extensions/v1beta1", "policy/v1beta1"])
        #expect(kinds.map(\.kind) == ["Service", "Ingress", "PodDisruptionBudget"])
        #expect(throws: (any Error).self) { try WrittenAPIs.manifest("bm8=") }
    }

    @Test(
        "Only what a step takes away counts",
        arguments: [
            ("extensions/v1beta1", "Ingress", "1.21", "1.22", true),
            ("extensions/v1beta1", "Ingress", "1.22", "1.23", false),
            ("extensions/v1beta1", "Ingress", "1.20", "1.21", false),
            ("policy/v1beta1", "PodDisruptionBudget", "1.24", "1.25", true),
            ("policy/v1", "PodDisruptionBudget", "1.24", "1.25", false),
            ("networking.k8s.io/v1beta1", "Other", "1.21", "1.22", false),
        ] as [(String, String, String, String, Bool)])
    func removals(apiVersion: String, kind: String, from: String, to: String, isRemoved: Bool) throws {
        let found = RemovedAPIs.removal(
            apiVersion, kind, after: KubernetesMinor(from), to: try #require(KubernetesMinor(to)))
        #expect((found != nil) == isRemoved)
    }
}
