internal import JSONValues

/// What the API server writes into workloads where their author wrote nothing.
enum WorkloadDefaults {
    private static func fillTemplate(of object: inout JSONValue) {
        var template = object["spec", "template"] ?? .object([])
        template.fill("metadata", "creationTimestamp", with: .null)
        var spec = template["spec"] ?? .object([])
        PodDefaults.fill(template: &spec)
        template.set("spec", to: spec)
        object.set("spec", "template", to: template)
    }

    static func fill(statefulSet object: inout JSONValue) {
        object.fill("spec", "replicas", with: .integer(1))
        fillTemplate(of: &object)
        object.changeEach("spec", "volumeClaimTemplates") { claim in
            claim.set("kind", to: .string("PersistentVolumeClaim"))
            claim.set("apiVersion", to: .string("v1"))
            claim.fill("metadata", "creationTimestamp", with: .null)
            claim.fill("spec", "volumeMode", with: .string("Filesystem"))
            claim.set("status", to: .members(["phase": .string("Pending")]))
        }
        object.fill("spec", "podManagementPolicy", with: .string("OrderedReady"))
        object.fill("spec", "updateStrategy", "type", with: .string("RollingUpdate"))
        if object.text("spec", "updateStrategy", "type") == "RollingUpdate" {
            object.fill("spec", "updateStrategy", "rollingUpdate", "partition", with: .integer(0))
        }
        object.fill("spec", "revisionHistoryLimit", with: .integer(10))
        object.fill("status", "replicas", with: .integer(0))
    }

    static func fill(deployment object: inout JSONValue) {
        object.fill("spec", "replicas", with: .integer(1))
        fillTemplate(of: &object)
        object.fill("spec", "strategy", "type", with: .string("RollingUpdate"))
        if object.text("spec", "strategy", "type") == "RollingUpdate" {
            object.fill("spec", "strategy", "rollingUpdate", "maxUnavailable", with: .string("25%"))
            object.fill("spec", "strategy", "rollingUpdate", "maxSurge", with: .string("25%"))
        }
        object.fill("spec", "revisionHistoryLimit", with: .integer(10))
        object.fill("spec", "progressDeadlineSeconds", with: .integer(600))
        object.fill("status", with: .object([]))
    }

    static func fill(replicaSet object: inout JSONValue) {
        object.fill("spec", "replicas", with: .integer(1))
        fillTemplate(of: &object)
        object.fill("status", "replicas", with: .integer(0))
    }

    static func fill(job object: inout JSONValue) {
        let name = object.text("metadata", "name") ?? ""
        let labels: [String: String] = [
            "controller-uid": object.text("metadata", "uid") ?? "", "job-name": name,
        ]
        object.fill("spec", "parallelism", with: .integer(1))
        object.fill("spec", "completions", with: .integer(1))
        object.fill("spec", "backoffLimit", with: .integer(6))
        if object["spec", "selector"] == nil {
            object.set(
                "spec", "selector", "matchLabels", to: .texts(["controller-uid": labels["controller-uid"] ?? ""]))
            let template = object["spec", "template"]?.dictionary("metadata", "labels") ?? [:]
            object.set(
                "spec", "template", "metadata", "labels", to: .texts(template.merging(labels) { $1 }))
        }
        let own = object.dictionary("metadata", "labels")
        if own.isEmpty { object.set("metadata", "labels", to: .texts(labels)) }
        fillTemplate(of: &object)
        object.fill("status", with: .object([]))
    }
}
