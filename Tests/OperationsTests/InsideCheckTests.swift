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
}
