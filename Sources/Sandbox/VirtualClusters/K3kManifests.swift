internal import JSONValues

/// The objects that the controller of k3k makes for a `Cluster` with one server, by its own names.
struct K3kManifests {
    let name: String
    let namespace: String
    let exposure: ClusterManifests.Exposure
    let token = VirtualIdentity.randomHexadecimal(16)

    static let dataDirectory = "/var/lib/rancher/k3s"
    static let finalizer = "etcdpod.k3k.io/finalizer"
    static let manager = FieldManager(name: "k3k")

    static func serviceName(_ cluster: String) -> String { "k3k-\(cluster)-service" }

    /// `k3k-NAME-server`
    var serverName: String { "k3k-\(name)-server" }
    private var serviceName: String { Self.serviceName(name) }

    /// The Service that clients use, and the one for the names of pods.
    var services: [String] {
        let type =
            switch exposure {
            case .loadBalancer: "LoadBalancer"
            case .nodePort: "NodePort"
            default: "ClusterIP"
            }
        let ports = """
            ports:
              - {name: k3s-server-port, port: 443, targetPort: 6443, protocol: TCP}
              - {name: k3s-etcd-port, port: 2379, protocol: TCP}
              selector: {cluster: \(name), role: server}
            """
        return [
            """
            apiVersion: v1
            kind: Service
            metadata: {name: \(serviceName)}
            spec:
              type: \(type)
              \(ports)
            """,
            """
            apiVersion: v1
            kind: Service
            metadata: {name: \(serviceName)-headless}
            spec:
              clusterIP: None
              \(ports)
            """,
        ]
    }

    /// The rest, which knows the address of the Service.
    func documents(serviceAddress: String) -> [String] {
        let config = """
            cluster-init: true
              disable: [servicelb, traefik, metrics-server, local-storage]
              disable-agent: true
              egress-selector-mode: disabled
            """.split(separator: "\n").map { $0.trimmingPrefix("  ") }
        let names = [serviceAddress, serviceName, "\(serviceName).\(namespace)"].joined(separator: ", ")
        let lines =
            config.map { String($0) } + ["service-cidr: 10.43.0.0/16", "tls-san: [\(names)]", "token: \(token)"]
        return [
            secret("token", "token", token),
            secret("init-server-config", "config.yaml", lines.joined(separator: "\\n") + "\\n"),
            secret(
                "server-config", "config.yaml",
                (lines + ["server: https://\(serviceAddress)"]).joined(separator: "\\n") + "\\n"),
            statefulSet,
        ]
    }

    private func secret(_ suffix: String, _ key: String, _ value: String) -> String {
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: k3k-\(name)-\(suffix)}
        stringData: {\(key): "\(value)"}
        """
    }

    private var statefulSet: String {
        """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: \(serverName), labels: {cluster: \(name), role: server}}
        spec:
          serviceName: \(serviceName)-headless
          replicas: 1
          selector: {matchLabels: {cluster: \(name), role: server}}
          volumeClaimTemplates:
          - metadata: {name: varlibrancherk3s}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2G}}}
          template:
            metadata: {labels: {cluster: \(name), role: server}}
            spec:
              volumes:
              - {name: init-config, secret: {secretName: k3k-\(name)-init-server-config, items: [{key: config.yaml, path: config.yaml}]}}
              - {name: config, secret: {secretName: k3k-\(name)-server-config, items: [{key: config.yaml, path: config.yaml}]}}
              - {name: run, emptyDir: {}}
              - {name: var-log, emptyDir: {}}
              containers:
              - name: \(serverName)
                image: rancher/k3s:v1.33.2-k3s1
                command: [/bin/sh, -c, \(JSONValue.string(Self.script).compact)]
                env:
                - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
                readinessProbe: {tcpSocket: {port: 6443}, initialDelaySeconds: 60, failureThreshold: 5, timeoutSeconds: 10}
                volumeMounts:
                - {name: config, mountPath: /opt/rancher/k3s/server}
                - {name: init-config, mountPath: /opt/rancher/k3s/init}
                - {name: run, mountPath: /run}
                - {name: varlibrancherk3s, mountPath: \(Self.dataDirectory)}
                - {name: var-log, mountPath: /var/log}
        """
    }

    /// What is in k3k's own script for one server.
    private static let script = """
        start_single_node() {
        \tif [ -d "/var/lib/rancher/k3s/server/db/etcd" ]; then
        \t\trm -f /var/lib/rancher/k3s/server/db/reset-flag
        \t\tif ! /bin/k3s server --cluster-reset --config /opt/rancher/k3s/init/config.yaml $EXTRA_ARGS; then
        \t\t\texit 1
        \t\tfi
        \t\trm -f /var/lib/rancher/k3s/server/db/reset-flag
        \tfi
        \t/bin/k3s server --config /opt/rancher/k3s/init/config.yaml $EXTRA_ARGS 2>&1 | tee /var/log/k3s.log
        }
        EXTRA_ARGS=""
        start_single_node
        """
}
