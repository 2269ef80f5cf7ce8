internal import Crypto
internal import Failures
internal import FoundationEssentials
internal import JSONValues

/// Names of host objects, as vcluster makes them.
enum SyncedName {
    static func of(_ name: String, in namespace: String, cluster: String) -> String {
        let full = "\(name)-x-\(namespace)-x-\(cluster)"
        guard full.utf8.count > 63 else { return full }
        let digest = SHA256.hash(data: Array(full.utf8)).map { RandomNames.hexadecimal($0) }.joined()
        return (full.prefix(52) + "-" + digest.prefix(10)).replacing(".-", with: "-")
    }

    static func label(_ key: String, cluster: String) -> String {
        "vcluster.loft.sh/label-\(cluster)-x-\(RandomNames.hexadecimal(key, length: 10))"
    }
}

extension HostCluster {
    /// How a pod's k3s container becomes a control plane.
    func planeOptions(
        _ container: JSONContainer, _ runtime: PodRuntime, _ pod: JSONValue, _ version: ServerVersion
    ) -> PlaneOptions {
        let labels = pod.dictionary("metadata", "labels")
        let k3k = labels["role"] == "server" ? labels["cluster"] : nil
        let name = labels["release"] ?? k3k ?? runtime.name.name
        let namespace = runtime.name.namespace
        let words = container.command.flatMap { $0.split(separator: " ").map(String.init) }
        func flag(_ name: String) -> String? {
            words.first { $0.hasPrefix("--\(name)=") }.map { String($0.dropFirst(name.count + 3)) }
        }
        let config = k3sConfig(words, container, runtime)
        let inside = flag("data-dir") ?? (k3k == nil ? "/data" : K3kManifests.dataDirectory)
        let directory = runtime.mounts(of: container).real(inside) ?? "\(runtime.directory)/data"
        let variables = environment(container, runtime, pod)
        let secret = store.get(.secrets, ObjectName(namespace, "vc-k3s-\(name)"))?.dictionary("data")["token"]
        let token = flag("token") ?? config.text("token") ?? variables["K3S_TOKEN"] ?? secret.map(Base64.text)
        let sans =
            pod.list("spec", "containers").flatMap { $0.list("args") }.compactMap(\.stringValue)
            .filter { $0.hasPrefix("--tls-san=") }.map { String($0.dropFirst(10)) }
            + config.list("tls-san").compactMap(\.stringValue)
        let key = ObjectName(namespace, name).path
        let fallback = SeedOptions(
            seed: UInt64(RandomNames.hexadecimal(key, length: 15), radix: 16) ?? 1, bytes: 200_000, nodeName: nodeName)
        return PlaneOptions(
            name: name, namespace: namespace, directory: directory, dataDirectory: inside, version: version,
            address: runtime.address, port: k3k == nil ? 8443 : 6443,
            token: token.flatMap { VirtualIdentity.password(ofToken: Array($0.utf8)) },
            serverNames: [name, "\(name).\(namespace)", "\(name).\(namespace).svc"] + sans,
            isOnEtcd: config["cluster-init"]?.boolValue == true, etcdLog: "\(runtime.directory)/log-etcd",
            certificates: version.isKubernetes ? certificates(of: name, in: namespace) : nil,
            seed: seeds[key] ?? fallback, pace: options.pace,
            startDelay: faults.delay(.slowStart, for: runtime.name) ?? .zero,
            // The server of k3k is a node of its own cluster by the name of its pod.
            nodeName: k3k == nil ? nodeName : runtime.name.name,
            isCorruptedAfterStart: faults.corrupts(runtime.name, image: serverImage(container, pod))
        )
    }

    /// The file that `--config` names; nothing where there is none.
    private func k3sConfig(_ words: [String], _ container: JSONContainer, _ runtime: PodRuntime) -> JSONValue {
        guard let path = K3sProgram.Flags(words)["config"],
            let bytes = runtime.mounts(of: container).real(path).flatMap(PlainFile.read)
        else { return .null }
        do { return try APIRequest.json(yaml: String(decoding: bytes, as: UTF8.self)) } catch { return .null }
    }

    /// What Secret `NAME-certs` has for the `pki/` of Kubernetes. A syncer that finds none makes new ones, and the Secret.
    private func certificates(of name: String, in namespace: String) -> KubernetesCertificates? {
        let secret = ObjectName(namespace, "\(name)-certs")
        if let data = store.get(.secrets, secret)?.dictionary("data") { return KubernetesCertificates(secret: data) }
        do throws(Failure) {
            let made = try KubernetesCertificates()
            make(
                .secrets, namespace,
                .members([
                    "metadata": .members([
                        "name": .string(secret.name),
                        "labels": .texts(["app": "vcluster", "vcluster-name": name]),
                    ]), "data": .texts(made.secret),
                ]))
            return made
        } catch {
            return nil
        }
    }

    /// The image that the control plane comes from: the container's own, or the one that copies the binary into it.
    private func serverImage(_ container: JSONContainer, _ pod: JSONValue) -> String {
        let copied = ContainerRole.copied(in: pod)
        return copied.isEmpty ? container.image : copied
    }

    /// The virtual API answers: the pod is ready, and its syncer begins.
    func controlPlaneIsReady(_ uid: String, _ container: String) async {
        setReady(uid, true)
        guard let runtime = pods[uid], let plane = runtime.controlPlane,
            let pod = store.get(.pods, runtime.name)
        else { return }
        do throws(Failure) {
            try await plane.setAPI(faults.virtualAPI(runtime.name), isNodeGone: faults.isNodeGone)
        } catch {}
        if faults.isFull(runtime.name) { do throws(Failure) { try await plane.setFull(true) } catch {} }
        if plane.options.isOnEtcd { await publishK3kKubeconfig(of: plane, runtime.name.namespace) }
        guard pod.list("spec", "containers").contains(where: { $0.text("name") == "syncer" }) else { return }
        let cluster = plane.options.name
        await publishCredentials(of: plane, cluster, runtime.name.namespace)
        let pause = options.pace.sync
        pods[uid]?.syncing = Task { [weak self] in
            while !Task.isCancelled {
                if let objects = await plane.objectsToSync() {
                    await self?.synchronize(objects, cluster, runtime.name.namespace, plane)
                }
                await self?.bindVirtualClaims(cluster, runtime.name.namespace, plane)
                do { try await Task.sleep(for: pause) } catch { return }
            }
        }
    }

    /// Config map `vc-cidr-NAME` and Secret `vc-NAME`.
    private func publishCredentials(of plane: VirtualControlPlane, _ cluster: String, _ namespace: String) async {
        let credentials: (authority: String, certificate: String, key: String)?
        do throws(Failure) { credentials = try await plane.credentials() } catch { return }
        guard let credentials else { return }
        let kubeconfig = Kubeconfig(
            server: "https://localhost:\(plane.options.port)", authority: credentials.authority,
            certificate: credentials.certificate, key: credentials.key, name: "my-vcluster")
        let name = ObjectName(namespace, "vc-\(cluster)")
        let data = JSONValue.texts([
            "config": Base64.encode(kubeconfig.text), "certificate-authority": Base64.encode(credentials.authority),
            "client-certificate": Base64.encode(credentials.certificate), "client-key": Base64.encode(credentials.key),
        ])
        if store.get(.secrets, name) == nil {
            make(
                .secrets, namespace,
                .members([
                    "metadata": .members([
                        "name": .string(name.name),
                        "ownerReferences": serviceOwner(cluster, namespace, isController: false),
                    ]), "data": data,
                ]))
        } else {
            change(.secrets, name) { $0.set("data", to: data) }
        }
    }

    private func serviceOwner(_ cluster: String, _ namespace: String, isController: Bool) -> JSONValue? {
        guard let service = store.get(.services, ObjectName(namespace, cluster)) else { return nil }
        return .array([
            .members([
                "apiVersion": .string("v1"), "kind": .string("Service"), "name": .string(cluster),
                "uid": service["metadata", "uid"], "controller": .bool(isController),
            ])
        ])
    }

    /// Makes host objects for virtual ones, and deletes those whose virtual twin is gone.
    private func synchronize(
        _ objects: [String: [JSONValue]], _ cluster: String, _ namespace: String, _ plane: VirtualControlPlane
    ) {
        let kinds: [(String, Resource)] = [
            ("/registry/persistentvolumeclaims/", .persistentVolumeClaims), ("/registry/services/specs/", .services),
            ("/registry/ingress/", .ingresses), ("/registry/pods/", .pods),
        ]
        for (prefix, resource) in kinds {
            var wanted: Set<String> = []
            for object in objects[prefix] ?? [] {
                let name = ObjectName(of: object)
                if resource == .services, name.namespace == "default", name.name == "kubernetes" { continue }
                let hostName = SyncedName.of(name.name, in: name.namespace, cluster: cluster)
                wanted.insert(hostName)
                let place = ObjectName(namespace, hostName)
                if let existing = store.get(resource, place) {
                    adopt(existing, resource, place, cluster, name)
                } else {
                    make(resource, namespace, hostObject(object, resource, hostName, cluster, namespace))
                }
            }
            for object in store.list(resource, namespace: namespace) {
                let isOurs = object.dictionary("metadata", "labels")["vcluster.loft.sh/managed-by"] == cluster
                guard isOurs, object["metadata", "deletionTimestamp"] == nil else { continue }
                let name = ObjectName(of: object)
                if !wanted.contains(name.name) { remove(resource, name) }
            }
        }
    }

    /// An object of the right name without the label is taken over again.
    private func adopt(
        _ existing: JSONValue, _ resource: Resource, _ place: ObjectName, _ cluster: String, _ virtual: ObjectName
    ) {
        let label = "vcluster.loft.sh/managed-by"
        guard existing.dictionary("metadata", "labels")[label] == nil else { return }
        change(resource, place) { $0.set("metadata", "labels", label, to: .string(cluster)) }
    }

    private func hostObject(
        _ virtual: JSONValue, _ resource: Resource, _ hostName: String, _ cluster: String, _ namespace: String
    ) -> JSONValue {
        let name = ObjectName(of: virtual)
        func translated(_ labels: [String: String]) -> [String: String] {
            Dictionary(uniqueKeysWithValues: labels.map { (SyncedName.label($0.key, cluster: cluster), $0.value) })
        }
        let own = ["vcluster.loft.sh/managed-by": cluster, "vcluster.loft.sh/namespace": name.namespace]
        let labels = translated(virtual.dictionary("metadata", "labels")).merging(own) { $1 }
        var annotations = [
            "vcluster.loft.sh/object-name": name.name, "vcluster.loft.sh/object-namespace": name.namespace,
        ]
        var spec = virtual["spec"] ?? .object([])
        switch resource {
        case .pods:
            annotations["vcluster.loft.sh/name"] = name.name
            annotations["vcluster.loft.sh/namespace"] = name.namespace
            annotations["vcluster.loft.sh/uid"] = virtual.text("metadata", "uid") ?? ""
            annotations["vcluster.loft.sh/service-account-name"] = spec.text("serviceAccountName") ?? "default"
            spec.set("nodeName", to: nil)
            spec.set("serviceAccountName", to: .string("vc-workload-\(cluster)"))
            spec.set("automountServiceAccountToken", to: .bool(false))
            spec.changeEach("volumes") { volume in
                if let claim = volume.text("persistentVolumeClaim", "claimName") {
                    volume.set(
                        "persistentVolumeClaim", "claimName",
                        to: .string(SyncedName.of(claim, in: name.namespace, cluster: cluster)))
                }
            }
        case .services:
            spec.set("selector", to: .texts(translated(spec.dictionary("selector")).merging(own) { $1 }))
            for field in ["clusterIP", "clusterIPs"] { spec.set(field, to: nil) }
        case .ingresses:
            spec.changeEach("rules") { rule in
                rule.changeEach("http", "paths") { path in
                    let service = path.text("backend", "service", "name") ?? ""
                    path.set(
                        "backend", "service", "name",
                        to: .string(SyncedName.of(service, in: name.namespace, cluster: cluster)))
                }
            }
        default: break
        }
        return .members([
            "metadata": .members([
                "name": .string(hostName), "labels": .texts(labels), "annotations": .texts(annotations),
                "ownerReferences": serviceOwner(cluster, namespace, isController: resource == .pods),
            ]), "spec": spec,
        ])
    }

    /// Carries the host's binding into the virtual claim, with a volume to look at.
    private func bindVirtualClaims(_ cluster: String, _ namespace: String, _ plane: VirtualControlPlane) async {
        for claim in store.list(.persistentVolumeClaims, namespace: namespace) {
            let labels = claim.dictionary("metadata", "labels")
            let annotations = claim.dictionary("metadata", "annotations")
            guard labels["vcluster.loft.sh/managed-by"] == cluster,
                let name = annotations["vcluster.loft.sh/object-name"],
                let space = annotations["vcluster.loft.sh/object-namespace"]
            else { continue }
            let key = "/registry/persistentvolumeclaims/\(space)/\(name)"
            do {
                guard let row = try await plane.row(key) else { continue }
                var virtual = try JSONValue(parsing: row.value)
                guard claim.text("status", "phase") == "Bound", let volumeName = claim.text("spec", "volumeName") else {
                    // What waits on the host waits inside, whatever a datastore of another host says.
                    guard virtual.text("status", "phase") != "Pending" else { continue }
                    virtual.set("status", to: .members(["phase": .string("Pending")]))
                    try await plane.put(key, virtual)
                    continue
                }
                guard virtual.text("status", "phase") != "Bound" || virtual.text("spec", "volumeName") ?? "" == ""
                else { continue }
                virtual.set("spec", "volumeName", to: .string(volumeName))
                virtual.set("metadata", "annotations", "pv.kubernetes.io/bind-completed", to: .string("yes"))
                virtual.set("metadata", "annotations", "pv.kubernetes.io/bound-by-controller", to: .string("yes"))
                virtual.set("status", to: claim["status"])
                try await plane.put(key, virtual)
                guard let volume = store.get(.persistentVolumes, ObjectName("", volumeName)) else { continue }
                try await plane.put(
                    "/registry/persistentvolumes/\(volumeName)",
                    virtualVolume(volume, claim: virtual, name: volumeName))
            } catch {
                continue
            }
        }
    }

    private func virtualVolume(_ volume: JSONValue, claim: JSONValue, name: String) -> JSONValue {
        let reference = JSONValue.members([
            "kind": .string("PersistentVolumeClaim"), "namespace": claim["metadata", "namespace"],
            "name": claim["metadata", "name"], "uid": claim["metadata", "uid"], "apiVersion": .string("v1"),
        ])
        return .members([
            "kind": .string("PersistentVolume"), "apiVersion": .string("v1"),
            "metadata": .members([
                "name": .string(name), "uid": .string(RandomNames.uid()), "creationTimestamp": .string(Moment.now()),
                "annotations": .texts(["vcluster.loft.sh/fake-pv": "true"]),
            ]), "spec": volume["spec"]?.setting(["claimRef"], to: reference),
            "status": .members(["phase": .string("Bound")]),
        ])
    }
}
