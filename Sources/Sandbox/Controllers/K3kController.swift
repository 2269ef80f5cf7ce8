internal import Kubernetes
internal import Failures
internal import JSONValues

extension HostCluster {
    /// What k3k's controller does in a namespace: its StatefulSets are as the `Cluster` says, and their pods have its finalizer.
    ///
    /// It comes before the other controllers, so that nobody sees what it sets back.
    func reconcileK3k(_ namespace: String) {
        let isEnding = store.get(.namespaces, ObjectName("", namespace))?["metadata", "deletionTimestamp"] != nil
        for (name, wanted) in k3kServers where name.namespace == namespace {
            if isEnding {
                k3kServers[name] = nil
            } else if let object = store.get(.statefulSets, name) {
                let spec = wanted["spec"] ?? .null
                if object["metadata", "deletionTimestamp"] == nil, !(object["spec"] ?? .null).isSame(as: spec) {
                    change(.statefulSets, name, by: K3kManifests.manager) { $0.set("spec", to: spec) }
                }
            } else {
                do throws(APIError) {
                    try create(.statefulSets, namespace: namespace, wanted, by: K3kManifests.manager)
                } catch {
                    touch(namespace, after: .seconds(1))
                }
            }
            keepFinalizers(wanted.dictionary("spec", "selector", "matchLabels"), namespace, isEnding: isEnding)
        }
    }

    private func keepFinalizers(_ labels: [String: String], _ namespace: String, isEnding: Bool) {
        let pods = store.list(.pods, namespace: namespace).filter { pod in
            let own = pod.dictionary("metadata", "labels")
            return labels.allSatisfy { own[$0.key] == $0.value }
        }
        for pod in pods {
            let has = pod.list("metadata", "finalizers").contains(.string(K3kManifests.finalizer))
            if pod["metadata", "deletionTimestamp"] == nil {
                // The controller asks the server first whether it is on etcd.
                guard !has, !isEnding, isReady(pod) else { continue }
                change(.pods, ObjectName(of: pod), by: K3kManifests.manager) { pod in
                    let kept = pod.list("metadata", "finalizers")
                    pod.set("metadata", "finalizers", to: .array(kept + [.string(K3kManifests.finalizer)]))
                }
            } else if has, isEnding || pods.count == 1 {
                // One of several would be taken out of etcd first.
                drop(finalizer: K3kManifests.finalizer, .pods, ObjectName(of: pod))
            }
        }
    }

    /// Secret `k3k-NAME-kubeconfig`, once the server's own authorities are there.
    func publishK3kKubeconfig(of plane: VirtualControlPlane, _ namespace: String) async {
        let credentials: (authority: String, certificate: String, key: String)?
        do throws(Failure) { credentials = try await plane.credentials() } catch { return }
        guard let credentials else { return }
        let cluster = plane.options.name
        let kubeconfig = Kubeconfig(
            server: "https://\(K3kManifests.serviceName(cluster)).\(namespace)", authority: credentials.authority,
            certificate: credentials.certificate, key: credentials.key, name: "default")
        let name = ObjectName(namespace, "k3k-\(cluster)-kubeconfig")
        let data = JSONValue.texts(["kubeconfig.yaml": Base64.encode(kubeconfig.text)])
        if store.get(.secrets, name) == nil {
            make(.secrets, namespace, .members(["metadata": .members(["name": .string(name.name)]), "data": data]))
        } else {
            change(.secrets, name, by: K3kManifests.manager) { $0.set("data", to: data) }
        }
    }
}
