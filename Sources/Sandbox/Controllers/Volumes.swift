internal import Failures
internal import Files
internal import JSONValues

extension HostCluster {
    /// Binds a claim to a volume, made for it where its class can; lets go of a deleted claim that no pod uses.
    func reconcile(claim object: JSONValue) {
        let name = ObjectName(of: object)
        if object["metadata", "deletionTimestamp"] != nil {
            if !isInUse(name) { drop(finalizer: "kubernetes.io/pvc-protection", .persistentVolumeClaims, name) }
            return
        }
        guard object.text("status", "phase") == "Pending" else { return }
        if let wanted = object.text("spec", "volumeName"), !wanted.isEmpty {
            guard let volume = store.get(.persistentVolumes, ObjectName("", wanted)) else { return }
            let claimed = volume.text("spec", "claimRef", "uid")
            if claimed == object.text("metadata", "uid") || claimed == nil && mayClaim(volume, name) {
                return bind(object, to: volume)
            }
            return report(
                "FailedBinding", "volume \"\(wanted)\" already bound to a different claim.", about: object,
                .persistentVolumeClaims, from: .controller("persistentvolume-controller"), isWarning: true)
        }
        if let volume = store.list(.persistentVolumes).first(where: { fits($0, object) }) {
            return bind(object, to: volume)
        }
        provision(object)
    }

    func isInUse(_ claim: ObjectName) -> Bool {
        store.list(.pods, namespace: claim.namespace).contains { pod in
            !["Succeeded", "Failed"].contains(pod.text("status", "phase"))
                && pod.list("spec", "volumes").contains {
                    $0.text("persistentVolumeClaim", "claimName") == claim.name
                }
        }
    }

    /// A volume kept for a claim by name is for no other.
    private func mayClaim(_ volume: JSONValue, _ name: ObjectName) -> Bool {
        guard let reserved = volume.text("spec", "claimRef", "name") else { return true }
        return reserved == name.name && volume.text("spec", "claimRef", "namespace") == name.namespace
            && volume["spec", "claimRef", "uid"] == nil
    }

    private func fits(_ volume: JSONValue, _ claim: JSONValue) -> Bool {
        let name = ObjectName(of: claim)
        guard volume["metadata", "deletionTimestamp"] == nil, volume.text("status", "phase") != "Released",
            volume["spec", "claimRef", "uid"] == nil, mayClaim(volume, name)
        else { return false }
        if volume.text("spec", "claimRef", "name") != nil { return true }
        return volume.text("spec", "storageClassName") ?? "" == claim.text("spec", "storageClassName") ?? ""
            && volume.text("spec", "storageClassName") != Self.storageClass
            && Set(claim.list("spec", "accessModes")).isSubset(of: Set(volume.list("spec", "accessModes")))
            && Quantity.bytes(volume.text("spec", "capacity", "storage"))
                >= Quantity.bytes(claim.text("spec", "resources", "requests", "storage"))
    }

    private func provision(_ claim: JSONValue) {
        let className = claim.text("spec", "storageClassName") ?? ""
        guard let storageClass = store.get(.storageClasses, ObjectName("", className)) else {
            return report(
                "ProvisioningFailed", "storageclass.storage.k8s.io \"\(className)\" not found", about: claim,
                .persistentVolumeClaims, from: .controller("persistentvolume-controller"), isWarning: true)
        }
        guard storageClass.text("provisioner") == "rancher.io/local-path" else {
            return report(
                "ExternalProvisioning",
                "waiting for a volume to be created, either by external provisioner "
                    + "\"\(storageClass.text("provisioner") ?? "")\" or manually created by system administrator",
                about: claim, .persistentVolumeClaims, from: .controller("persistentvolume-controller"))
        }
        let uid = claim.text("metadata", "uid") ?? ""
        let name = "pvc-\(uid)"
        let path = "\(options.directory)/volumes/\(name)"
        do throws(Failure) { try createDirectory(path) } catch {
            return report(
                "ProvisioningFailed", error.description, about: claim, .persistentVolumeClaims,
                from: .controller("persistentvolume-controller"), isWarning: true)
        }
        let affinity = JSONValue.members([
            "required": .members([
                "nodeSelectorTerms": .array([
                    .members([
                        "matchExpressions": .array([
                            .members([
                                "key": .string("kubernetes.io/hostname"), "operator": .string("In"),
                                "values": .texts([nodeName]),
                            ])
                        ])
                    ])
                ])
            ])
        ])
        let volume = JSONValue.members([
            "metadata": .members([
                "name": .string(name),
                "annotations": .texts(["pv.kubernetes.io/provisioned-by": "rancher.io/local-path"]),
            ]),
            "spec": .members([
                "capacity": claim["spec", "resources", "requests"],
                "hostPath": .members(["path": .string(path), "type": .string("DirectoryOrCreate")]),
                "accessModes": claim["spec", "accessModes"],
                "persistentVolumeReclaimPolicy": storageClass["reclaimPolicy"] ?? .string("Delete"),
                "storageClassName": .string(className), "volumeMode": .string("Filesystem"), "nodeAffinity": affinity,
            ]),
        ])
        do throws(APIError) {
            bind(claim, to: try create(.persistentVolumes, namespace: nil, volume, by: .host))
        } catch {}
    }

    private func bind(_ claim: JSONValue, to volume: JSONValue) {
        let name = ObjectName(of: claim)
        let volumeName = ObjectName(of: volume)
        change(.persistentVolumes, volumeName) { volume in
            volume.set(
                "spec", "claimRef",
                to: .members([
                    "kind": .string("PersistentVolumeClaim"), "namespace": .string(name.namespace),
                    "name": .string(name.name), "uid": claim["metadata", "uid"], "apiVersion": .string("v1"),
                    "resourceVersion": claim["metadata", "resourceVersion"],
                ]))
            volume.set("metadata", "annotations", "pv.kubernetes.io/bound-by-controller", to: .string("yes"))
            volume.set("status", "phase", to: .string("Bound"))
        }
        change(.persistentVolumeClaims, name) { claim in
            claim.set("spec", "volumeName", to: .string(volumeName.name))
            claim.set("metadata", "annotations", "pv.kubernetes.io/bind-completed", to: .string("yes"))
            claim.set("metadata", "annotations", "pv.kubernetes.io/bound-by-controller", to: .string("yes"))
            claim.set(
                "status",
                to: .members([
                    "phase": .string("Bound"), "accessModes": claim["spec", "accessModes"],
                    "capacity": volume["spec", "capacity"],
                ]))
        }
    }

    /// A claim is gone: its volume is kept, or removed with all that is in it.
    func release(volumeOf claim: JSONValue) {
        guard let volumeName = claim.text("spec", "volumeName"),
            let volume = store.get(.persistentVolumes, ObjectName("", volumeName)),
            volume.text("spec", "claimRef", "uid") == claim.text("metadata", "uid")
        else { return }
        guard volume.text("spec", "persistentVolumeReclaimPolicy") == "Delete" else {
            return change(.persistentVolumes, ObjectName("", volumeName)) {
                $0.set("status", "phase", to: .string("Released"))
            }
        }
        removeNow(.persistentVolumes, ObjectName("", volumeName))
        // Only directories that this host made are its to remove.
        guard let path = volume.text("spec", "hostPath", "path"), path.hasPrefix("\(options.directory)/volumes/") else {
            return
        }
        do throws(Failure) { try removeTree(path) } catch {
            report(
                "VolumeFailedDelete", error.description, about: volume, .persistentVolumes,
                from: .controller("persistentvolume-controller"), isWarning: true)
        }
    }

    /// The directory behind a bound claim.
    func directory(ofClaim name: ObjectName) -> String? {
        guard let claim = store.get(.persistentVolumeClaims, name), claim.text("status", "phase") == "Bound",
            let volume = store.get(.persistentVolumes, ObjectName("", claim.text("spec", "volumeName") ?? ""))
        else { return nil }
        return volume.text("spec", "hostPath", "path") ?? volume.text("spec", "local", "path")
    }
}

/// Amounts as Kubernetes writes them.
enum Quantity {
    static func bytes(_ text: String?) -> Double {
        guard let text else { return 0 }
        let units: [(String, Double)] = [
            ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776), ("k", 1e3), ("M", 1e6),
            ("G", 1e9), ("T", 1e12),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            return (Double(text.dropLast(unit.count)) ?? 0) * factor
        }
        return Double(text) ?? 0
    }
}
