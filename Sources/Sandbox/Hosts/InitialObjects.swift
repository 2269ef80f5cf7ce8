internal import Kubernetes
internal import JSONValues

extension HostCluster {
    static let storageClass = "local-path"

    /// A namespace, a node and a storage class: what a fresh host has before anybody uses it.
    func createInitialObjects() throws(APIError) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            try create(
                .namespaces, namespace: nil, .members(["metadata": .members(["name": .string(name)])]), by: .host)
        }
        try create(.nodes, namespace: nil, node, by: .host)
        publishNode(isReady: true)
        try create(
            .storageClasses, namespace: nil,
            .members([
                "metadata": .members([
                    "name": .string(Self.storageClass),
                    "annotations": .texts(["storageclass.kubernetes.io/is-default-class": "true"]),
                ]),
                "provisioner": .string("rancher.io/local-path"), "reclaimPolicy": .string("Delete"),
                "volumeBindingMode": .string("WaitForFirstConsumer"),
            ]), by: .host)
        try create(
            .clusterRoles, namespace: nil,
            .members([
                "metadata": .members(["name": .string("cluster-admin")]),
                "rules": .array([
                    .members(["verbs": .texts(["*"]), "apiGroups": .texts(["*"]), "resources": .texts(["*"])])
                ]),
            ]), by: .host)
        try create(
            .clusterRoles, namespace: nil,
            .members([
                "metadata": .members(["name": .string("view")]),
                "rules": .array([
                    .members([
                        "verbs": .texts(["get", "list", "watch"]), "apiGroups": .texts(["*"]),
                        "resources": .texts(
                            Resource.all.filter { $0 != .secrets }.map(\.type.plural)),
                    ])
                ]),
            ]), by: .host)
    }

    var nodeName: String { "\(options.name)-node-1" }

    private var node: JSONValue {
        .members([
            "metadata": .members([
                "name": .string(nodeName),
                "labels": .texts([
                    "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                    "kubernetes.io/hostname": nodeName, "kubernetes.io/os": "linux",
                    "node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/master": "true",
                ]),
                "annotations": .texts(["node.alpha.kubernetes.io/ttl": "0"]),
                "finalizers": .texts(["wrangler.cattle.io/node"]),
            ]),
            "spec": .members(["podCIDR": .string("10.42.0.0/24"), "podCIDRs": .texts(["10.42.0.0/24"])]),
        ])
    }

    /// Says of the node what a kubelet, or the lack of one, would.
    func publishNode(isReady: Bool) {
        let moment = Moment.now()
        func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> JSONValue {
            .members([
                "type": .string(type), "status": .string(isReady ? status : "Unknown"),
                "lastHeartbeatTime": .string(moment), "lastTransitionTime": .string(moment),
                "reason": .string(isReady ? reason : "NodeStatusUnknown"),
                "message": .string(isReady ? message : "Kubelet stopped posting node status."),
            ])
        }
        let amounts = JSONValue.texts([
            "cpu": "8", "ephemeral-storage": "264212084Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
            "memory": "24684096Ki", "pods": "1000",
        ])
        let status = JSONValue.members([
            "capacity": amounts, "allocatable": amounts,
            "conditions": .array([
                condition(
                    "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ]),
            "addresses": .array([
                .members(["type": .string("InternalIP"), "address": .string(options.addresses.api)]),
                .members(["type": .string("Hostname"), "address": .string(nodeName)]),
            ]), "daemonEndpoints": .members(["kubeletEndpoint": .members(["Port": .integer(10250)])]),
            "nodeInfo": .members([
                "machineID": .string(RandomNames.hexadecimal("machine \(options.name)", length: 32)),
                "systemUUID": .string(RandomNames.hexadecimal("system \(options.name)", length: 32)),
                "bootID": .string(RandomNames.hexadecimal("boot \(options.name)", length: 32)),
                "kernelVersion": .string("6.1.0"), "osImage": .string("Debian GNU/Linux 12 (bookworm)"),
                "containerRuntimeVersion": .string("containerd://1.6.20"), "kubeletVersion": .string(options.version),
                "kubeProxyVersion": .string(options.version), "operatingSystem": .string("linux"),
                "architecture": .string("amd64"),
            ]),
            "images": .array(
                ImageTable.samples.map {
                    .members(["names": .texts([ImageTable.normalized($0)]), "sizeBytes": .integer(145_388_210)])
                }),
        ])
        change(.nodes, ObjectName("", nodeName)) { node in
            node.set("status", to: status)
            let taint = JSONValue.members([
                "key": .string("node.kubernetes.io/unreachable"), "effect": .string("NoExecute"),
                "timeAdded": .string(moment),
            ])
            node.set("spec", "taints", to: isReady ? nil : .array([taint]))
        }
    }
}
