internal import JSONValues

/// The API of a host, over its objects.
struct HostAPI: APIService {
    let cluster: HostCluster
    let certificates: ClusterCertificates

    var traffic: Traffic? { cluster.traffic }

    func caller(certificate: [UInt8]?, token: String?) async -> Caller? {
        if let certificate { return certificates.clientAuthority.caller(of: certificate) }
        guard token == certificates.adminToken else { return nil }
        return Caller(name: "system:admin", groups: ["system:masters", "system:authenticated"])
    }

    func answer(_ request: APIRequest) async -> APIAnswer { await cluster.answer(request) }
    func exec(_ request: APIRequest) async throws(APIError) -> ExecSession { try await cluster.exec(request) }
}

extension HostCluster {
    func forgetHistory() { store.compact() }

    var isEveryClusterReady: Bool {
        store.list(.statefulSets).allSatisfy { object in
            object.number("status", "observedGeneration") == object.number("metadata", "generation")
                && object.number("status", "readyReplicas") ?? 0 == object.number("spec", "replicas") ?? 0
        }
    }

    func summary() -> JSONValue {
        .array(
            store.list(.statefulSets).map { object in
                .members([
                    "name": .string(ObjectName(of: object).path), "replicas": object["spec", "replicas"],
                    "ready": .integer(object.number("status", "readyReplicas") ?? 0),
                ])
            })
    }

    func faultSummary() -> JSONValue {
        .array(
            faults.all.map { fault in
                .members([
                    "fault": .string(fault.kind.rawValue), "on": fault.target.map(JSONValue.string),
                    "value": fault.value.map(JSONValue.string),
                ])
            })
    }
}
