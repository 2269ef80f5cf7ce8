internal import JSONValues
public import Kubernetes

/// Where the data directory lies, and what holds it.
struct DataReading {
    let workload: ListedObject
    let template: PodTemplate
    let runner: PodTemplate.Container
    let directory: String
    let objects: HostObjects

    // Each replica has a claim; what is listed is bounded, whatever the number says.
    private static let mostClaims = 16

    func location() -> DataLocation {
        let writers = [runner] + template.containers.filter { $0.name != runner.name }
        let writable = writers.lazy.compactMap { container in
            mount(of: container, isWritable: true).map { (container, $0) }
        }.first
        guard let mount = writable?.1 ?? mount(of: runner, isWritable: false) else {
            return DataLocation(directory: directory, volume: nil, mountPath: nil, pathInVolume: "", container: nil)
        }
        let rest = FilePath.rest(of: directory, below: mount.path) ?? ""
        return DataLocation(
            directory: directory, volume: mount.volume, mountPath: mount.path,
            pathInVolume: FilePath.joined(mount.subPath, rest), container: writable?.0.name)
    }

    private func mount(of container: PodTemplate.Container, isWritable: Bool) -> PodTemplate.Mount? {
        let covering = container.mounts.filter { FilePath.rest(of: directory, below: $0.path) != nil }
        guard let mount = covering.max(by: { $0.path.utf8.count < $1.path.utf8.count }) else { return nil }
        return isWritable && mount.isReadOnly ? nil : mount
    }

    func volume(named name: String?, state: ClusterState) -> ControlPlaneVolume {
        guard let name else { return .none }
        let claimed = workload.object["spec", "volumeClaimTemplates"]?.arrayValue?.first {
            $0["metadata", "name"]?.stringValue == name
        }
        if let claimed, workload.type == .statefulSets {
            return .claims(ordinals(name, state).map { claim("\(name)-\(workload.name)-\($0)", made: claimed) })
        }
        guard let volume = template.volume(name) else { return .none }
        if let claimName = volume["persistentVolumeClaim", "claimName"]?.stringValue {
            return .claims([claim(claimName, made: nil)])
        }
        if volume["emptyDir"] != nil { return .emptyDirectory }
        if let path = volume["hostPath", "path"]?.stringValue { return .hostPath(path) }
        let kind = (volume.members ?? []).map(\.name).sorted().first { $0 != "name" }
        return kind.map { .other($0) } ?? .none
    }

    /// The ordinals that a claim is wanted for, and those that have one from earlier.
    private func ordinals(_ name: String, _ state: ClusterState) -> [Int64] {
        let first = max(0, workload.object["spec", "ordinals", "start"]?.integerValue ?? 0)
        guard first < 1 << 31 else { return [0] }
        var wanted = max(1, workload.object.replicas)
        if case .paused(let replicas?, _) = state { wanted = max(1, replicas) }
        var ordinals = Set(first..<(first + min(wanted, Int64(Self.mostClaims))))
        let start = "\(name)-\(workload.name)-"
        for claim in objects.all(.persistentVolumeClaims, in: workload.namespace) where claim.name.hasPrefix(start) {
            let rest = claim.name.dropFirst(start.count)
            guard rest.utf8.count <= 9, let ordinal = Int64(rest), ordinal >= 0, String(ordinal) == rest else {
                continue
            }
            ordinals.insert(ordinal)
        }
        return ordinals.sorted().prefix(Self.mostClaims).map { $0 }
    }

    private func claim(_ name: String, made template: JSONValue?) -> ControlPlaneVolume.Claim {
        let listed = objects.named(name, .persistentVolumeClaims, in: workload.namespace)
        let spec = listed?.object["spec"] ?? template?["spec"]
        let volume = spec?["volumeName"]?.stringValue
        let bound = volume.flatMap { objects.named($0, .persistentVolumes) }
        return ControlPlaneVolume.Claim(
            name: name, isThere: objects.isThere(name, .persistentVolumeClaims, in: workload.namespace),
            phase: listed?.object["status", "phase"]?.stringValue,
            storageClass: spec?["storageClassName"]?.stringValue,
            requested: Quantity.text(spec?["resources", "requests", "storage"]),
            capacity: Quantity.text(listed?.object["status", "capacity", "storage"]),
            accessModes: (spec?["accessModes"]?.arrayValue ?? []).compactMap(\.stringValue), volume: volume,
            reclaimPolicy: bound?.object["spec", "persistentVolumeReclaimPolicy"]?.stringValue,
            isBeingDeleted: listed?.object.isBeingDeleted ?? false)
    }
}

/// Quantities of resources, kept as written.
enum Quantity {
    static func text(_ json: JSONValue?) -> String? {
        switch json {
        case .string(let text): text.utf8.count <= 64 ? text : nil
        case .number(let digits): digits
        default: nil
        }
    }

    static func texts(_ json: JSONValue?) -> [String: String] {
        var result: [String: String] = [:]
        for member in json?.members ?? [] { result[member.name] = text(member.value) }
        return result
    }
}

extension KubernetesObject {
    /// `spec.replicas`; 1 where it is not told, as the API has it.
    public var replicas: Int64 {
        guard let told = self["spec", "replicas"] else { return 1 }
        return max(0, told.integerValue ?? 1)
    }
}
