import JSONValues
import Kubernetes
import Testing

@Suite("A pod that has ended has no process any more")
struct EndedPodTests {
    private func pod(_ status: String, isBeingDeleted: Bool = true) throws -> KubernetesObject {
        let deletion = isBeingDeleted ? #","deletionTimestamp":"2026-01-01T00:00:00Z""# : ""
        let text = """
            {"metadata":{"name":"blue-0","namespace":"team","uid":"u"\(deletion)},
             "spec":{"containers":[{"name":"vcluster"},{"name":"syncer"}]},"status":{\(status)}}
            """
        return KubernetesObject(try JSONValue(parsing: Array(text.utf8)))
    }

    private static let first = #"{"name":"vcluster","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}"#
    private static let second = #"{"name":"syncer","state":{"terminated":{"exitCode":137,"reason":"Error"}}}"#

    @Test("Being deleted, with every container ended, or with a last phase")
    func ended() throws {
        let statuses = "\"containerStatuses\":[\(Self.first),\(Self.second)]"
        #expect(try pod("\"phase\":\"Running\",\(statuses)").hasEnded)
        #expect(try pod("\"phase\":\"Failed\",\(statuses)", isBeingDeleted: false).hasEnded)
        let started = #""initContainerStatuses":[{"name":"copy","state":{"terminated":{"exitCode":0}}}],"#
        #expect(try pod("\"phase\":\"Running\",\(started)\(statuses)").hasEnded)
    }

    @Test(
        "What nobody has seen to end has not ended",
        arguments: [
            #""phase":"Running""#, #""phase":"Failed","reason":"Evicted""#,
            "\"phase\":\"Running\",\"containerStatuses\":[\(first)]",
            "\"containerStatuses\":[\(first),{\"name\":\"syncer\",\"state\":{\"running\":{}}}]",
            "\"containerStatuses\":[\(first),{\"name\":\"syncer\",\"state\":{\"waiting\":{}}}]",
            "\"containerStatuses\":[\(first),{\"name\":\"syncer\"}]",
            """
            "containerStatuses":[\(first),{"name":"syncer","state":{"terminated":{"exitCode":137,
            "reason":"ContainerStatusUnknown"}}}]
            """,
            """
            "initContainerStatuses":[{"name":"sidecar","state":{"running":{}}}],"containerStatuses":[\(first),\(second)]
            """,
        ])
    func notEnded(_ status: String) throws { #expect(try !pod(status).hasEnded) }

    @Test("One that restarts has not ended, though its containers have")
    func restarting() throws {
        #expect(
            try !pod(
                "\"phase\":\"Running\",\"containerStatuses\":[\(Self.first),\(Self.second)]", isBeingDeleted: false
            )
            .hasEnded)
    }
}
