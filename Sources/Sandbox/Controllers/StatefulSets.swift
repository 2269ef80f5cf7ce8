internal import Kubernetes
internal import JSONValues

extension HostCluster {
    /// One step of a StatefulSet towards what its spec says.
    ///
    /// As on a real host, a pod that never became ready is not replaced when the template changes back: `OrderedReady` waits for
    /// it, while the status already says that everything is current.
    func reconcile(statefulSet object: JSONValue) {
        let name = ObjectName(of: object)
        let uid = object.text("metadata", "uid") ?? ""
        let revision = keepRevision(of: object)
        let isDeleted = object["metadata", "deletionTimestamp"] != nil
        let replicas = isDeleted ? 0 : Int(object.number("spec", "replicas") ?? 1)
        var own: [Int: JSONValue] = [:]
        for pod in store.list(.pods, namespace: name.namespace) where isOwned(pod, by: uid) {
            let ordinal = ObjectName(of: pod).name.dropFirst(name.name.count + 1)
            if let number = Int(ordinal) { own[number] = pod }
        }
        publishStatus(object, pods: Array(own.values), revision: revision)
        guard !isDeleted else { return }
        if object.text("spec", "podManagementPolicy") == "Parallel" {
            for ordinal in 0..<replicas where own[ordinal] == nil { createPod(object, ordinal, revision) }
            for (ordinal, pod) in own where ordinal >= replicas { deletePod(object, pod) }
        } else {
            for ordinal in 0..<max(replicas, 0) {
                guard let pod = own[ordinal] else { return createPod(object, ordinal, revision) }
                // A failed pod is made anew; one that is not ready holds up all that follows, updates included.
                if ["Failed", "Succeeded"].contains(pod.text("status", "phase")) { return deletePod(object, pod) }
                if pod["metadata", "deletionTimestamp"] != nil || !isReady(pod) { return }
            }
            if let last = own.keys.filter({ $0 >= replicas }).max(), let pod = own[last] {
                return deletePod(object, pod)
            }
        }
        updatePods(object, own, replicas, revision)
    }

    private func updatePods(_ object: JSONValue, _ own: [Int: JSONValue], _ replicas: Int, _ revision: String) {
        guard object.text("spec", "updateStrategy", "type") != "OnDelete" else { return }
        let partition = Int(object.number("spec", "updateStrategy", "rollingUpdate", "partition") ?? 0)
        for ordinal in stride(from: replicas - 1, through: partition, by: -1) {
            guard let pod = own[ordinal], pod["metadata", "deletionTimestamp"] == nil else { return }
            if pod.dictionary("metadata", "labels")["controller-revision-hash"] != revision {
                return deletePod(object, pod)
            }
            if !isReady(pod) { return }
        }
    }

    func isOwned(_ object: JSONValue, by uid: String) -> Bool {
        object.list("metadata", "ownerReferences").contains {
            $0.text("uid") == uid && $0["controller"]?.boolValue == true
        }
    }

    func isReady(_ pod: JSONValue) -> Bool {
        pod.list("status", "conditions").contains { $0.text("type") == "Ready" && $0.text("status") == "True" }
    }

    static func owner(_ object: JSONValue, _ resource: Resource) -> JSONValue {
        .array([
            .members([
                "apiVersion": .string(resource.type.apiVersion), "kind": .string(resource.type.kind),
                "name": object["metadata", "name"], "uid": object["metadata", "uid"], "controller": .bool(true),
                "blockOwnerDeletion": .bool(true),
            ])
        ])
    }

    /// The name of the revision of the template, and its record.
    private func keepRevision(of object: JSONValue) -> String {
        let name = ObjectName(of: object)
        let template = object["spec", "template"] ?? .object([])
        let hash = RandomNames.hash(template.compact)
        let revisionName = ObjectName(name.namespace, "\(name.name)-\(hash)")
        let all = store.list(.controllerRevisions, namespace: name.namespace).filter {
            isOwned($0, by: object.text("metadata", "uid") ?? "")
        }
        let latest = all.compactMap { $0.number("revision") }.max() ?? 0
        if let current = store.get(.controllerRevisions, revisionName) {
            if current.number("revision") != latest {
                change(.controllerRevisions, revisionName) { $0.set("revision", to: .integer(latest + 1)) }
            }
            return revisionName.name
        }
        let labels = object["spec", "template"]?.dictionary("metadata", "labels") ?? [:]
        make(
            .controllerRevisions, name.namespace,
            .members([
                "metadata": .members([
                    "name": .string(revisionName.name),
                    "labels": .texts(labels.merging(["controller.kubernetes.io/hash": hash]) { $1 }),
                    "annotations": object["metadata", "annotations"],
                    "ownerReferences": Self.owner(object, .statefulSets),
                ]),
                "data": .members([
                    "spec": .members(["template": template.setting(["$patch"], to: .string("replace"))])
                ]), "revision": .integer(latest + 1),
            ]))
        return revisionName.name
    }

    private func publishStatus(_ object: JSONValue, pods: [JSONValue], revision: String) {
        let name = ObjectName(of: object)
        let replicas = object.number("spec", "replicas") ?? 1
        func has(_ pod: JSONValue, _ revision: String) -> Bool {
            pod.dictionary("metadata", "labels")["controller-revision-hash"] == revision
        }
        let alive = pods.filter { $0["metadata", "deletionTimestamp"] == nil }
        let ready = pods.filter(isReady)
        var current = object.text("status", "currentRevision") ?? revision
        // An update is over when every pod has the new revision and is ready.
        let isUpdated = alive.count == Int(replicas) && alive.allSatisfy { has($0, revision) && isReady($0) }
        if isUpdated { current = revision }
        func count(_ number: Int) -> JSONValue? { number == 0 ? nil : .integer(number) }
        let status = JSONValue.members([
            "observedGeneration": object["metadata", "generation"], "replicas": .integer(pods.count),
            "readyReplicas": count(ready.count), "currentReplicas": count(alive.filter { has($0, current) }.count),
            "updatedReplicas": count(alive.filter { has($0, revision) }.count), "currentRevision": .string(current),
            "updateRevision": .string(revision), "collisionCount": .integer(0),
            "availableReplicas": options.minor >= 22 ? .integer(ready.count) : nil,
        ])
        change(.statefulSets, name) { $0.set("status", to: status) }
    }

    private func createPod(_ object: JSONValue, _ ordinal: Int, _ revision: String) {
        let name = ObjectName(of: object)
        let podName = "\(name.name)-\(ordinal)"
        let template = object["spec", "template"] ?? .object([])
        var spec = template["spec"] ?? .object([])
        var volumes = spec.list("volumes")
        for claim in object.list("spec", "volumeClaimTemplates") {
            let short = claim.text("metadata", "name") ?? ""
            let claimName = "\(short)-\(podName)"
            createClaim(object, claim, claimName, podName)
            volumes.removeAll { $0.text("name") == short }
            volumes.insert(
                .members([
                    "name": .string(short), "persistentVolumeClaim": .members(["claimName": .string(claimName)]),
                ]), at: 0)
        }
        if !volumes.isEmpty { spec.set("volumes", to: .array(volumes)) }
        spec.set("hostname", to: .string(podName))
        spec.set("subdomain", to: object["spec", "serviceName"])
        let labels = template.dictionary("metadata", "labels").merging([
            "controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": podName,
        ]) { $1 }
        let pod = JSONValue.members([
            "metadata": .members([
                "name": .string(podName), "generateName": .string("\(name.name)-"), "labels": .texts(labels),
                "annotations": template["metadata", "annotations"],
                "ownerReferences": Self.owner(object, .statefulSets),
            ]), "spec": spec,
        ])
        do throws(APIError) {
            _ = try create(.pods, namespace: name.namespace, pod, by: .host)
            report(
                "SuccessfulCreate", "create Pod \(podName) in StatefulSet \(name.name) successful", about: object,
                .statefulSets, from: .controller("statefulset-controller"))
        } catch {
            report(
                "FailedCreate", "create Pod \(podName) in StatefulSet \(name.name) failed error: \(error.message)",
                about: object, .statefulSets, from: .controller("statefulset-controller"), isWarning: true)
            touch(name.namespace, after: .seconds(1))
        }
    }

    private func createClaim(_ object: JSONValue, _ claim: JSONValue, _ claimName: String, _ podName: String) {
        let name = ObjectName(of: object)
        guard store.get(.persistentVolumeClaims, ObjectName(name.namespace, claimName)) == nil else { return }
        let labels = claim.dictionary("metadata", "labels").merging(
            object.dictionary("spec", "selector", "matchLabels")
        ) { $1 }
        let made = make(
            .persistentVolumeClaims, name.namespace,
            .members([
                "metadata": .members([
                    "name": .string(claimName), "labels": .texts(labels),
                    "annotations": claim["metadata", "annotations"],
                ]), "spec": claim["spec"],
            ]))
        guard made != nil else { return }
        report(
            "SuccessfulCreate", "create Claim \(claimName) Pod \(podName) in StatefulSet \(name.name) success",
            about: object, .statefulSets, from: .controller("statefulset-controller"))
    }

    private func deletePod(_ object: JSONValue, _ pod: JSONValue) {
        guard pod["metadata", "deletionTimestamp"] == nil else { return }
        let name = ObjectName(of: object).name
        remove(.pods, ObjectName(of: pod))
        report(
            "SuccessfulDelete", "delete Pod \(ObjectName(of: pod).name) in StatefulSet \(name) successful",
            about: object,
            .statefulSets, from: .controller("statefulset-controller"))
    }
}
