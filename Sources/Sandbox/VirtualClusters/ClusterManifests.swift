internal import JSONValues

/// How a virtual cluster is laid out on its host: the generations of vcluster's charts, and k3k.
public enum Generation: String, Sendable, CaseIterable {
    /// vcluster 0.1 to 0.7: k3s is the container `vcluster`, its flags are arguments.
    case a = "A"
    /// vcluster 0.8 to 0.16: the same in one line of a shell.
    case b = "B"
    /// vcluster 0.17 to 0.19: k3s is a child of `syncer`, copied by the init container `vcluster`.
    case c = "C"
    /// vcluster 0.20 to 0.32: the same with the configuration in a Secret.
    case d = "D"
    /// vcluster from 0.20 on with Kubernetes instead of k3s: children of `syncer`, copied by the init container `kubernetes`.
    case e = "E"
    /// Rancher's k3k: k3s on embedded etcd, looked after by a controller of its own. Needs `etcd` and `etcdctl` on the `PATH`.
    case k3k = "k3k"

    /// Those of vcluster.
    public static let vcluster: [Generation] = [.a, .b, .c, .d, .e]

    /// Those of vcluster with k3s inside.
    public static let k3s: [Generation] = [.a, .b, .c, .d]
}

/// The objects that the chart of a generation makes.
struct ClusterManifests {
    enum Exposure: CaseIterable { case loadBalancer, ingress, nodePort, clusterIP }

    let name: String
    let namespace: String
    let generation: Generation
    let exposure: Exposure

    private var chart: String {
        switch generation {
        case .a: "vcluster-0.5.0"
        case .b: "vcluster-0.10.2"
        case .c: "vcluster-0.19.10"
        case .d: "vcluster-0.26.5"
        case .e: "vcluster-0.33.0"
        // It has no chart: see K3kManifests.
        case .k3k: ""
        }
    }

    private static let disabled = "--disable=traefik,servicelb,metrics-server,local-storage,coredns"

    private var labels: String { "{app: vcluster, chart: \(chart), release: \(name), heritage: Helm}" }

    /// Documents in the order in which they are made.
    var documents: [String] {
        var result = [
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: vc-\(name), labels: \(labels)}",
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: vc-workload-\(name), labels: \(labels)}",
            role, binding, service, headless, helmRelease,
        ]
        if exposure == .ingress { result.append(ingress) }
        if isConfigured { result.append(configuration) }
        if generation == .d { result.append(token) }
        return result + [statefulSet]
    }

    /// From 0.20 on, the values are in Secret `vc-config-NAME`.
    private var isConfigured: Bool { [.d, .e].contains(generation) }

    private var roleName: String { isConfigured ? "vc-\(name)" : name }

    private var role: String {
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: \(roleName), labels: \(labels)}
        rules:
        - apiGroups: [""]
          resources: [configmaps, secrets, services, pods, pods/exec, persistentvolumeclaims]
          verbs: [create, delete, patch, update, get, list, watch]
        - apiGroups: [networking.k8s.io]
          resources: [ingresses]
          verbs: [create, delete, patch, update, get, list, watch]
        """
    }

    private var binding: String {
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: \(roleName), labels: \(labels)}
        subjects: [{kind: ServiceAccount, name: vc-\(name), namespace: \(namespace)}]
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: \(roleName)}
        """
    }

    private var service: String {
        let type =
            switch exposure {
            case .loadBalancer: "LoadBalancer"
            case .nodePort: "NodePort"
            default: "ClusterIP"
            }
        let mark =
            isConfigured
            ? "\n  labels: {app: vcluster, chart: \(chart), release: \(name), heritage: Helm, vcluster.loft.sh/service: \"true\"}"
            : "\n  labels: \(labels)"
        return """
            apiVersion: v1
            kind: Service
            metadata:
              name: \(name)\(mark)
            spec:
              type: \(type)
              ports: [{name: https, port: 443, targetPort: 8443, protocol: TCP}]
              selector: {app: vcluster, release: \(name)}
            """
    }

    private var headless: String {
        """
        apiVersion: v1
        kind: Service
        metadata: {name: \(name)-headless, labels: {app: vcluster-\(name), chart: \(chart), release: \(name), heritage: Helm}}
        spec:
          clusterIP: None
          ports: [{name: https, port: 443, targetPort: 8443, protocol: TCP}]
          selector: {app: vcluster, release: \(name)}
        """
    }

    private var ingress: String {
        """
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: \(name)
          labels: \(labels)
          annotations:
            nginx.ingress.kubernetes.io/backend-protocol: HTTPS
            nginx.ingress.kubernetes.io/ssl-passthrough: "true"
            nginx.ingress.kubernetes.io/ssl-redirect: "true"
        spec:
          rules:
          - host: \(name).starship.example.com
            http: {paths: [{path: /, pathType: ImplementationSpecific, backend: {service: {name: \(name), port: {name: https}}}}]}
        """
    }

    private var helmRelease: String {
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: sh.helm.release.v1.\(name).v1, labels: {name: \(name), owner: helm, status: deployed, version: "1"}}
        type: helm.sh/release.v1
        stringData: {release: "\(chart)"}
        """
    }

    private var distribution: String { generation == .e ? "k8s" : "k3s" }

    private var configuration: String {
        """
        apiVersion: v1
        kind: Secret
        metadata:
          name: vc-config-\(name)
          labels: \(labels)
          annotations: {vcluster.loft.sh/distro: \(distribution), vcluster.loft.sh/store: embedded-database}
        stringData:
          config.yaml: "controlPlane: {distro: {\(distribution): {enabled: true}}}"
        """
    }

    private var token: String {
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: vc-k3s-\(name), labels: \(labels)}
        stringData: {token: \(VirtualIdentity.randomHexadecimal(16))}
        """
    }

    private var statefulSet: String {
        """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: \(name), labels: \(labels)}
        spec:
          serviceName: \(name)-headless
          replicas: 1
          selector: {matchLabels: {app: vcluster, release: \(name)}}
        \(isConfigured ? "  podManagementPolicy: Parallel\n  persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}" : "")
          volumeClaimTemplates:
          - metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}
          template:
            metadata: {labels: {app: vcluster, release: \(name)}}
            spec:
              serviceAccountName: vc-\(name)
              terminationGracePeriodSeconds: 10
        \(podSpec)
        """
    }

    private static let probes = """
        livenessProbe: {httpGet: {path: /healthz, port: 8443, scheme: HTTPS}, initialDelaySeconds: 60, periodSeconds: 2, failureThreshold: 60}
                readinessProbe: {httpGet: {path: /readyz, port: 8443, scheme: HTTPS}, periodSeconds: 2, failureThreshold: 60}
        """

    private var podSpec: String {
        switch generation {
        case .a:
            """
                  containers:
                  - name: vcluster
                    image: rancher/k3s:v1.22.2-k3s1
                    command: [/bin/k3s]
                    args: [server, --write-kubeconfig=/data/k3s-config/kube-config.yaml, --data-dir=/data, "\(Self.disabled)", --disable-network-policy, --disable-agent, --flannel-backend=none, --service-cidr=10.96.0.0/12]
                    volumeMounts: [{name: data, mountPath: /data}]
                  - name: syncer
                    image: loftsh/vcluster:0.5.0
                    args: [--name=\(name)]
                    \(Self.probes)
                    volumeMounts: [{name: data, mountPath: /data, readOnly: true}]
            """
        case .b:
            """
                  containers:
                  - name: vcluster
                    image: rancher/k3s:v1.21.2-k3s1
                    command: [/bin/sh]
                    args: ["-c", "/bin/k3s server --write-kubeconfig=/data/k3s-config/kube-config.yaml --data-dir=/data \(Self.disabled) --disable-network-policy --disable-agent --disable-cloud-controller --flannel-backend=none --disable-scheduler --service-cidr=$(SERVICE_CIDR) && true"]
                    env: [{name: SERVICE_CIDR, valueFrom: {configMapKeyRef: {name: vc-cidr-\(name), key: cidr}}}]
                    resources: {limits: {memory: 2Gi}, requests: {cpu: 200m, memory: 256Mi}}
                    volumeMounts: [{name: data, mountPath: /data}]
                  - name: syncer
                    image: loftsh/vcluster:0.10.2
                    args: [--name=\(name), --service-account=vc-workload-\(name), --tls-san=\(name).starship.example.com]
                    resources: {limits: {memory: 1Gi}, requests: {cpu: 100m, memory: 128Mi}}
                    \(Self.probes)
                    volumeMounts: [{name: data, mountPath: /data, readOnly: true}]
            """
        case .c:
            """
                  volumes: [{name: binaries, emptyDir: {}}, {name: config, emptyDir: {}}, {name: tmp, emptyDir: {}}]
                  initContainers:
                  - {name: vcluster, image: "rancher/k3s:v1.29.0-k3s1", command: [/bin/sh], args: ["-c", "cp /bin/k3s /binaries/k3s"], volumeMounts: [{name: binaries, mountPath: /binaries}]}
                  containers:
                  - name: syncer
                    image: ghcr.io/loft-sh/vcluster:0.19.10
                    args: [--name=\(name), --kube-config=/data/k3s-config/kube-config.yaml, --service-account=vc-workload-\(name)]
                    env:
                    - {name: VCLUSTER_DISTRO, value: k3s}
                    - {name: VCLUSTER_COMMAND, value: "command: [/binaries/k3s]\\nargs: [server, --data-dir=/data, --disable-agent]\\n"}
                    \(Self.probes)
                    volumeMounts: [{name: binaries, mountPath: /binaries}, {name: config, mountPath: /etc/rancher}, {name: data, mountPath: /data}, {name: tmp, mountPath: /tmp}]
            """
        case .d:
            """
                  volumes: [{name: binaries, emptyDir: {}}, {name: tmp, emptyDir: {}}, {name: k3s-config, emptyDir: {}}, {name: vcluster-config, secret: {secretName: vc-config-\(name)}}]
                  initContainers:
                  - {name: vcluster, image: "rancher/k3s:v1.31.4-k3s1", command: [/bin/sh], args: ["-c", "cp /bin/k3s /binaries/k3s"], volumeMounts: [{name: binaries, mountPath: /binaries}]}
                  containers:
                  - name: syncer
                    image: ghcr.io/loft-sh/vcluster-oss:0.26.5
                    env: [{name: VCLUSTER_NAME, value: \(name)}, {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
                    \(Self.probes)
                    volumeMounts: [{name: data, mountPath: /data}, {name: binaries, mountPath: /binaries}, {name: k3s-config, mountPath: /etc/rancher}, {name: vcluster-config, mountPath: /var/lib/vcluster}]
            """
        case .e:
            """
                  volumes: [{name: binaries, emptyDir: {}}, {name: tmp, emptyDir: {}}, {name: vcluster-config, secret: {secretName: vc-config-\(name)}}]
                  initContainers:
                  - {name: kubernetes, image: "ghcr.io/loft-sh/kubernetes:v1.33.4-full", command: [cp], args: [-r, /kubernetes/., /binaries/], volumeMounts: [{name: binaries, mountPath: /binaries}]}
                  containers:
                  - name: syncer
                    image: ghcr.io/loft-sh/vcluster-oss:0.33.0
                    env: [{name: VCLUSTER_NAME, value: \(name)}, {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
                    \(Self.probes)
                    volumeMounts: [{name: data, mountPath: /data}, {name: binaries, mountPath: /binaries}, {name: vcluster-config, mountPath: /var/lib/vcluster}]
            """
        case .k3k: ""
        }
    }
}

extension HostCluster {
    /// Makes a virtual cluster in a namespace of its own, as `helm install` would.
    func install(
        _ name: String, namespace: String, _ generation: Generation, _ exposure: ClusterManifests.Exposure,
        seed: SeedOptions
    ) throws(APIError) {
        let helm = generation == .k3k ? K3kManifests.manager : FieldManager(name: "helm")
        if store.get(.namespaces, ObjectName("", namespace)) == nil {
            try create(
                .namespaces, namespace: nil, .members(["metadata": .members(["name": .string(namespace)])]), by: helm)
        }
        var seed = seed
        seed.nodeName = nodeName
        seeds[ObjectName(namespace, name).path] = seed
        if generation == .k3k {
            return try installK3k(K3kManifests(name: name, namespace: namespace, exposure: exposure))
        }
        let manifests = ClusterManifests(name: name, namespace: namespace, generation: generation, exposure: exposure)
        try create(documents: manifests.documents, namespace, by: helm)
    }

    private func installK3k(_ manifests: K3kManifests) throws(APIError) {
        let space = manifests.namespace
        try create(documents: manifests.services, space, by: K3kManifests.manager)
        let service = ObjectName(space, K3kManifests.serviceName(manifests.name))
        let address = store.get(.services, service)?.text("spec", "clusterIP") ?? ""
        try create(documents: manifests.documents(serviceAddress: address), space, by: K3kManifests.manager)
        let set = ObjectName(space, manifests.serverName)
        guard let made = store.get(.statefulSets, set) else { return }
        k3kServers[set] = .members([
            "metadata": .members(["name": .string(set.name), "labels": made["metadata", "labels"]]),
            "spec": made["spec"],
        ])
    }

    private func create(documents: [String], _ namespace: String, by manager: FieldManager) throws(APIError) {
        for document in documents {
            let object: JSONValue
            do { object = try APIRequest.json(yaml: document) } catch {
                throw .internalError("a manifest of the sandbox is no YAML: \(error)")
            }
            guard
                let resource = Resource.find(
                    apiVersion: object.text("apiVersion") ?? "", kind: object.text("kind") ?? "")
            else { throw .internalError("a manifest of the sandbox has no known kind") }
            try create(resource, namespace: namespace, object, by: manager)
        }
    }
}
