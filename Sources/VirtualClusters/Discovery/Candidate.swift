internal import JSONValues
internal import Kubernetes

/// A workload that may be the control plane of a virtual cluster.
struct Candidate {
    let workload: ListedObject
    let name: String
    let isK3k: Bool

    /// The virtual cluster that it is.
    func cluster(in objects: HostObjects) throws(Rejection) -> VirtualCluster {
        let template = try PodTemplate(of: workload)
        let surroundings = Surroundings(objects: objects, namespace: workload.namespace)
        let configuration = ChartConfiguration(of: name, template: template, in: surroundings)
        let chart = workload.labels["chart"]
        let layout =
            isK3k
            ? try .k3k(template) : try RecognizedLayout.vcluster(template, chart: chart, configuration: configuration)
        guard let image = ImageReference(layout.image.image) else {
            throw .malformed("the image of its container \(layout.image.name) is no image reference")
        }

        let settings = ServerSettings(layout, template, surroundings)
        let reading = DatastoreReading(cluster: name, settings: settings, configuration: configuration)
        let dataReading = DataReading(
            workload: workload, template: template, runner: layout.runner, directory: settings.dataDirectory,
            objects: objects)
        let state = workload.clusterState
        let data = dataReading.location()
        let volume = dataReading.volume(named: data.volume, state: state)
        let datastore = reading.datastore()
        let pods = PodReading(workload: workload, objects: objects).pods()
        let findings = Findings(
            cluster: name, layout: layout, workload: workload, template: template, service: service, pods: pods,
            volume: volume, datastore: datastore, state: state,
            syncsNamespaces: template.setsNamespaceMode || configuration.setsNamespaceMode, objects: objects)
        return VirtualCluster(
            host: objects.host, namespace: workload.namespace, name: name, workload: described(),
            layout: described(layout, template),
            server: server(layout, image, pods), data: data, datastore: datastore, tokens: reading.tokens(),
            certificates: layout.distribution == .k8s ? presence("\(name)-certs", objects) : nil, pods: pods,
            volume: volume, service: service,
            exposures: ExposureReading(namespace: workload.namespace, podLabels: template.labels, objects: objects)
                .exposures(),
            resources: resources(template), pod: podSettings(template, data, pods),
            configurationFile: layout.arguments?.value(of: "--config", "-c"),
            serverFlags: layout.arguments?.flagNames ?? [],
            featureGates: layout.arguments?.featureGates ?? [], state: state,
            run: workload.annotations[RunAnnotations.run],
            managers: ManagerReading(cluster: name, workload: workload, image: layout.image, objects: objects)
                .managers(),
            kubeconfig: presence(isK3k ? "k3k-\(name)-kubeconfig" : "vc-\(name)", objects),
            problems: findings.problems(), obstacles: findings.obstacles())
    }

    /// The Service in front of it.
    private var service: String { isK3k ? "k3k-\(name)-service" : name }

    private func described() -> VirtualCluster.Workload {
        let status = workload.object["status"]
        func count(_ field: String) -> Int64 { max(0, status?[field]?.integerValue ?? 0) }
        return VirtualCluster.Workload(
            type: workload.type, name: workload.name, uid: workload.object.uid, replicas: workload.object.replicas,
            currentReplicas: count("replicas"), readyReplicas: count("readyReplicas"),
            updateRevision: status?["updateRevision"]?.stringValue, labels: workload.labels,
            annotations: workload.annotations.filter { $0.key != Self.kubectlCopy })
    }

    private static let kubectlCopy = "kubectl.kubernetes.io/last-applied-configuration"

    private func described(_ layout: RecognizedLayout, _ template: PodTemplate) -> Layout {
        let syncer = template.container("syncer").flatMap { ImageReference($0.image) }
        return Layout(
            generation: layout.generation, distribution: layout.distribution, chart: workload.labels["chart"],
            syncerVersion: syncer?.tag.flatMap(Self.release))
    }

    /// `0.10.2`, `0.20.0-beta.1`; nil for a tag that is no release.
    private static func release(_ tag: String) -> String? {
        let text = tag.hasPrefix("v") ? tag.dropFirst() : Substring(tag)
        let numbers = text.split(separator: "-", maxSplits: 1).first?.split(
            separator: ".", omittingEmptySubsequences: false)
        guard let numbers, numbers.count == 3, numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }) else {
            return nil
        }
        return String(text)
    }

    private func server(_ layout: RecognizedLayout, _ image: ImageReference, _ pods: [ControlPlanePod]) -> ServerImage {
        var others: [String: String] = [:]
        for pod in pods {
            let runs = pod.containers.first {
                $0.name == layout.image.name && $0.isInitContainer == layout.image.isInit
            }
            if let runs, !ImageReference.areSame(runs.image, layout.image.image) { others[pod.name] = runs.image }
        }
        return ServerImage(
            container: layout.image.name, isInitContainer: layout.image.isInit, index: layout.image.index, image: image,
            version: layout.distribution == .k3s
                ? ServerImage.k3sVersion(ofTag: image.tag) : ServerImage.kubernetesVersion(ofTag: image.tag),
            agreement: pods.isEmpty ? .unknown : others.isEmpty ? .same : .differs(others))
    }

    private func resources(_ template: PodTemplate) -> [ContainerResources] {
        (template.initContainers + template.containers).map { container in
            ContainerResources(
                container: container.name, isInitContainer: container.isInit,
                requests: Quantity.texts(container.json["resources", "requests"]),
                limits: Quantity.texts(container.json["resources", "limits"]))
        }
    }

    private func podSettings(
        _ template: PodTemplate, _ data: DataLocation, _ pods: [ControlPlanePod]
    ) -> VirtualCluster.PodSettings {
        let spec = template.spec
        let container = data.container.flatMap(template.container)?.json["securityContext"]
        func identity(_ field: String) -> Int64? {
            container?[field]?.integerValue ?? spec["securityContext", field]?.integerValue
        }
        let secrets = spec["imagePullSecrets"]?.arrayValue ?? []
        return VirtualCluster.PodSettings(
            serviceAccount: spec["serviceAccountName"]?.stringValue, tolerations: spec["tolerations"]?.arrayValue ?? [],
            nodeSelector: spec["nodeSelector"]?.strings ?? [:], nodeAffinity: spec["affinity", "nodeAffinity"],
            user: identity("runAsUser"),
            group: identity("runAsGroup"),
            volumeGroup: spec["securityContext", "fsGroup"]?.integerValue,
            imagePullSecrets: secrets.compactMap { $0["name"]?.stringValue },
            nodes: nodes(pods))
    }

    /// A volume for one node is where the pod is that has it.
    private func nodes(_ pods: [ControlPlanePod]) -> [String] {
        let first = pods.first { $0.name == "\(workload.name)-0" }.flatMap(\.node)
        guard workload.type == .statefulSets, let first else { return Set(pods.compactMap(\.node)).sorted() }
        return [first]
    }

    private func presence(_ name: String, _ objects: HostObjects) -> VirtualCluster.SecretPresence {
        VirtualCluster.SecretPresence(
            name: name, isThere: objects.isThere(name, .secrets, in: workload.namespace))
    }
}
