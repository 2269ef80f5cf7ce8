internal import JSONValues

extension HostCluster {
    /// Keeps the endpoints of a service: its ready pods.
    func reconcile(endpointsOf service: JSONValue) {
        let name = ObjectName(of: service)
        let selector = service.dictionary("spec", "selector")
        guard !selector.isEmpty else { return }
        let labels = LabelSelector(.members(["matchLabels": .texts(selector)]))
        let pods = store.list(.pods, namespace: name.namespace).filter {
            labels.matches($0) && $0["status", "podIP"] != nil && $0["metadata", "deletionTimestamp"] == nil
        }
        let isHeadless = service.text("spec", "clusterIP") == "None"
        func addresses(_ pods: [JSONValue]) -> JSONValue? {
            pods.map { pod in
                JSONValue.members([
                    "ip": pod["status", "podIP"], "hostname": isHeadless ? pod["spec", "hostname"] : nil,
                    "nodeName": pod["spec", "nodeName"],
                    "targetRef": .members([
                        "kind": .string("Pod"), "namespace": .string(name.namespace), "name": pod["metadata", "name"],
                        "uid": pod["metadata", "uid"], "resourceVersion": pod["metadata", "resourceVersion"],
                    ]),
                ])
            }.nonEmpty.map(JSONValue.array)
        }
        let ports = service.list("spec", "ports").map { port in
            JSONValue.members([
                "name": port["name"],
                "port": port["targetPort"]?.integerValue == nil ? port["port"] : port["targetPort"],
                "protocol": port["protocol"],
            ])
        }
        let subset = JSONValue.members([
            "addresses": addresses(pods.filter(isReady)), "notReadyAddresses": addresses(pods.filter { !isReady($0) }),
            "ports": ports.nonEmpty.map(JSONValue.array),
        ])
        let subsets: JSONValue? = pods.isEmpty ? nil : .array([subset])
        if let current = store.get(.endpoints, name) {
            // The revision of a pod alone is no reason to write.
            let isSame = Self.withoutRevisions(current["subsets"]).isSame(as: Self.withoutRevisions(subsets))
            guard !isSame else { return }
            change(.endpoints, name) { object in
                object.set("subsets", to: subsets)
                object.set(
                    "metadata", "annotations", "endpoints.kubernetes.io/last-change-trigger-time",
                    to: .string(Moment.now()))
            }
        } else {
            let owned = service.dictionary("metadata", "labels")
            let headless = isHeadless ? ["service.kubernetes.io/headless": ""] : [:]
            make(
                .endpoints, name.namespace,
                .members([
                    "metadata": .members([
                        "name": .string(name.name), "labels": .texts(owned.merging(headless) { $1 }),
                        "annotations": .texts([
                            "endpoints.kubernetes.io/last-change-trigger-time": Moment.now()
                        ]),
                    ]), "subsets": subsets,
                ]))
        }
    }

    private static func withoutRevisions(_ subsets: JSONValue?) -> JSONValue {
        var wrapped = JSONValue.members(["subsets": subsets])
        wrapped.changeEach("subsets") { subset in
            for kind in ["addresses", "notReadyAddresses"] {
                subset.changeEach(kind) { $0.set("targetRef", "resourceVersion", to: nil) }
            }
        }
        return wrapped
    }
}
