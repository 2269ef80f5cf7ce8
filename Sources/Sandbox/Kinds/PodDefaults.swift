internal import JSONValues

/// What the API server writes into a pod, or a template of one, where its author wrote nothing.
enum PodDefaults {
    /// `spec` of a pod template.
    static func fill(template spec: inout JSONValue) {
        for kind in ["containers", "initContainers"] { spec.changeEach(kind) { fill(container: &$0) } }
        spec.changeEach("volumes") { fill(volume: &$0) }
        spec.fill("restartPolicy", with: .string("Always"))
        spec.fill("terminationGracePeriodSeconds", with: .integer(30))
        spec.fill("dnsPolicy", with: .string("ClusterFirst"))
        if let account = spec["serviceAccountName"] { spec.set("serviceAccount", to: account) }
        spec.fill("securityContext", with: .object([]))
        spec.fill("schedulerName", with: .string("default-scheduler"))
    }

    private static func fill(container: inout JSONValue) {
        container.changeEach("ports") { $0.fill("protocol", with: .string("TCP")) }
        container.fill("resources", with: .object([]))
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] where container[probe] != nil {
            if container[probe, "httpGet"] != nil {
                container.fill(probe, "httpGet", "scheme", with: .string("HTTP"))
                container.fill(probe, "httpGet", "path", with: .string("/"))
            }
            container.fill(probe, "timeoutSeconds", with: .integer(1))
            container.fill(probe, "periodSeconds", with: .integer(10))
            container.fill(probe, "successThreshold", with: .integer(1))
            container.fill(probe, "failureThreshold", with: .integer(3))
        }
        container.changeEach("env") { variable in
            if variable["valueFrom", "fieldRef"] != nil {
                variable.fill("valueFrom", "fieldRef", "apiVersion", with: .string("v1"))
            }
        }
        container.fill("terminationMessagePath", with: .string("/dev/termination-log"))
        container.fill("terminationMessagePolicy", with: .string("File"))
        let image = container.text("image") ?? ""
        let name = image.split(separator: "/").last ?? ""
        let isLatest = !image.contains("@") && (!name.contains(":") || name.hasSuffix(":latest"))
        container.fill("imagePullPolicy", with: .string(isLatest ? "Always" : "IfNotPresent"))
    }

    private static func fill(volume: inout JSONValue) {
        for source in ["secret", "configMap", "projected", "downwardAPI"] where volume[source] != nil {
            volume.fill(source, "defaultMode", with: .integer(420))
        }
        if volume["hostPath"] != nil { volume.fill("hostPath", "type", with: .string("")) }
        if (volume.members?.count ?? 0) == 1 { volume.set("emptyDir", to: .object([])) }
    }

    /// A pod itself: with its account, the token's volume, and what admission adds.
    static func fill(pod: inout JSONValue, randomSuffix: () -> String) {
        var spec = pod["spec"] ?? .object([])
        fill(template: &spec)
        spec.fill("serviceAccountName", with: .string("default"))
        spec.set("serviceAccount", to: spec["serviceAccountName"])
        if spec["automountServiceAccountToken"]?.boolValue != false { mountToken(in: &spec, suffix: randomSuffix()) }
        let lost = ["not-ready", "unreachable"].map { key in
            JSONValue.members([
                "key": .string("node.kubernetes.io/\(key)"), "operator": .string("Exists"),
                "effect": .string("NoExecute"), "tolerationSeconds": .integer(300),
            ])
        }
        let own = spec.list("tolerations")
        spec.set("tolerations", to: .array(own + lost.filter { !own.contains($0) }))
        spec.fill("priority", with: .integer(0))
        spec.fill("enableServiceLinks", with: .bool(true))
        spec.fill("preemptionPolicy", with: .string("PreemptLowerPriority"))
        pod.set("spec", to: spec)
        pod.set(
            "status",
            to: .members(["phase": .string("Pending"), "qosClass": .string(qualityOfService(spec))]))
    }

    private static func mountToken(in spec: inout JSONValue, suffix: String) {
        let path = "/var/run/secrets/kubernetes.io/serviceaccount"
        let name = "kube-api-access-\(suffix)"
        let hasOwn = spec.list("volumes").contains { $0.text("name")?.hasPrefix("kube-api-access-") ?? false }
        if hasOwn { return }
        let volume = JSONValue.members([
            "name": .string(name),
            "projected": .members([
                "sources": .array([
                    .members([
                        "serviceAccountToken": .members([
                            "expirationSeconds": .integer(3607), "path": .string("token"),
                        ])
                    ]),
                    .members([
                        "configMap": .members([
                            "name": .string("kube-root-ca.crt"),
                            "items": .array([.members(["key": .string("ca.crt"), "path": .string("ca.crt")])]),
                        ])
                    ]),
                    .members([
                        "downwardAPI": .members([
                            "items": .array([
                                .members([
                                    "path": .string("namespace"),
                                    "fieldRef": .members([
                                        "apiVersion": .string("v1"), "fieldPath": .string("metadata.namespace"),
                                    ]),
                                ])
                            ])
                        ])
                    ]),
                ]), "defaultMode": .integer(420),
            ]),
        ])
        spec.set("volumes", to: .array(spec.list("volumes") + [volume]))
        let mount = JSONValue.members([
            "name": .string(name), "readOnly": .bool(true), "mountPath": .string(path),
        ])
        for kind in ["containers", "initContainers"] {
            spec.changeEach(kind) { container in
                let mounts = container.list("volumeMounts")
                guard !mounts.contains(where: { $0.text("mountPath") == path }) else { return }
                container.set("volumeMounts", to: .array(mounts + [mount]))
            }
        }
    }

    private static func qualityOfService(_ spec: JSONValue) -> String {
        let resources = (spec.list("containers") + spec.list("initContainers")).map { $0["resources"] ?? .object([]) }
        let limits = resources.map { $0.dictionary("limits") }
        let requests = resources.map { $0.dictionary("requests") }
        if (limits + requests).allSatisfy(\.isEmpty) { return "BestEffort" }
        let isGuaranteed = zip(limits, requests).allSatisfy { limit, request in
            limit["cpu"] != nil && limit["memory"] != nil && request.allSatisfy { limit[$0.key] == $0.value }
        }
        return isGuaranteed ? "Guaranteed" : "Burstable"
    }
}
