internal import Kubernetes
internal import Failures
internal import JSONValues

/// A way in which a host goes wrong on purpose.
public struct HostFault: Sendable, Hashable {
    /// What goes wrong.
    public enum Kind: String, Sendable, CaseIterable {
        /// The pods of a workload never become ready; the value is their image, or a part of it.
        case podNeverReady = "pod-never-ready"
        /// An image cannot be pulled; the value is the image, or a part of it.
        case imageMissing = "image-missing"
        /// The API answers with an error; the value is the status (500, 503, 429), and `503:3` is every third request.
        case apiErrors = "api-errors"
        /// The API answers nothing; a value is a verb in HTTP's words (`PATCH`) that alone hangs.
        case apiHangs = "api-hangs"
        /// exec's connection breaks after so many bytes of output.
        case execCut = "exec-cut"
        /// exec's output loses its last bytes, and the status says success; the value is how many.
        case execLosesTail = "exec-loses-tail"
        /// exec's output stops after so many bytes, and its connection stays.
        case execStalls = "exec-stalls"
        /// The pod is evicted after so many bytes of exec's output: its scratch files have grown beyond their limit.
        case podEvicted = "pod-evicted"
        /// The container is ended for want of memory after so many bytes of exec's output.
        case outOfMemory = "out-of-memory"
        /// The node does not answer any more.
        case nodeGone = "node-gone"
        /// The datastore of a virtual cluster cannot grow.
        case volumeFull = "volume-full"
        /// The datastore is damaged soon after the next start; the value is the image that does it, or a part of it.
        case corruptDatabase = "corrupt-database"
        /// Nobody reaches a virtual API, as where a network policy forbids it.
        case virtualAPIUnreached = "virtual-api-unreached"
        /// A virtual API says that it is not ready, whatever its pod says.
        case virtualAPINotReady = "virtual-api-not-ready"
        /// A virtual API says that it has another version: the value.
        case virtualAPIVersion = "virtual-api-version"
        /// Containers take so many seconds longer to start.
        case slowStart = "slow-start"
        /// Pods stay for so many seconds when their containers have ended.
        case podLingers = "pod-lingers"
        /// Another controller sets the replicas of a workload back to so many.
        case replicasSetBack = "replicas-set-back"
        /// Admission refuses to create or change objects of a kind; the value is its plural.
        case admissionDenied = "admission-denied"
    }

    /// What goes wrong.
    public let kind: Kind
    /// `NAMESPACE/NAME` of the workload; nil for all of the host.
    public let target: String?
    /// How much, how long or which, by kind.
    public let value: String?

    /// Names a fault.
    public init(_ kind: Kind, on target: String? = nil, value: String? = nil) {
        self.kind = kind
        self.target = target
        self.value = value
    }
}

/// What is wrong with a virtual API.
struct VirtualAPIFault: Sendable {
    var isUnreached = false
    var isNotReady = false
    var version: String?
}

/// The faults of one host.
struct FaultTable: Sendable {
    private(set) var all: [HostFault] = []
    private var requests = 0

    mutating func add(_ fault: HostFault) {
        all.removeAll { $0.kind == fault.kind && $0.target == fault.target }
        all.append(fault)
    }

    mutating func clear(_ kind: HostFault.Kind?, on target: String?) {
        all.removeAll { (kind == nil || $0.kind == kind) && (target == nil || $0.target == target) }
    }

    private func find(_ kind: HostFault.Kind, _ name: ObjectName) -> HostFault? {
        all.first { fault in
            guard fault.kind == kind else { return false }
            guard let target = fault.target else { return true }
            // Pods have the name of their workload in front.
            return name.path == target || name.path.hasPrefix(target + "-")
        }
    }

    /// Every request passes here first.
    mutating func answer(to request: APIRequest) throws(APIError) -> APIAnswer? {
        requests += 1
        for fault in all {
            switch fault.kind {
            case .apiErrors:
                let parts = (fault.value ?? "500").split(separator: ":").compactMap { Int($0) }
                guard requests % max(1, parts.count > 1 ? parts[1] : 1) == 0 else { continue }
                throw Self.error(parts.first ?? 500)
            case .apiHangs where fault.value == nil || fault.value == request.method: return .silence
            default: continue
            }
        }
        return nil
    }

    private static func error(_ code: Int) -> APIError {
        switch code {
        case 429:
            APIError(
                code: 429, reason: "TooManyRequests", message: "Too many requests, please try again later.",
                details: .members(["retryAfterSeconds": .integer(1)]))
        case 503:
            APIError(
                code: 503, reason: "ServiceUnavailable",
                message: "the server is currently unable to handle the request",
                details: .members(["retryAfterSeconds": .integer(1)]))
        case 504:
            APIError(
                code: 504, reason: "Timeout", message: "Timeout: request did not complete within the allotted timeout")
        default: .internalError("etcdserver: leader changed")
        }
    }

    func denial(of resource: Resource, namespace: String) -> APIError? {
        guard
            let fault = all.first(where: { $0.kind == .admissionDenied && ($0.value ?? "pods") == resource.type.plural }
            ),
            fault.target.map({ $0.hasPrefix(namespace + "/") || $0 == namespace }) ?? true
        else { return nil }
        return APIError(
            code: 400, reason: "",
            message:
                "admission webhook \"policy.sandbox.example.com\" denied the request: \(resource.type.plural) are not allowed here"
        )
    }

    var isNodeGone: Bool { all.contains { $0.kind == .nodeGone } }

    func isMissing(image: String) -> Bool {
        all.contains { $0.kind == .imageMissing && ($0.value.map(image.contains) ?? true) }
    }

    /// How much longer something takes, by a fault whose value is in seconds.
    func delay(_ kind: HostFault.Kind, for name: ObjectName) -> Duration? {
        find(kind, name).map { .seconds(Double($0.value ?? "") ?? 10) }
    }

    func replicas(for name: ObjectName) -> Int64? {
        all.first { $0.kind == .replicasSetBack && $0.target == name.path }.map { Int64($0.value ?? "") ?? 1 }
    }

    func isNeverReady(_ pod: JSONValue) -> Bool {
        guard let fault = find(.podNeverReady, ObjectName(of: pod)) else { return false }
        return fault.value.map { part in JSONContainer.all(of: pod).contains { $0.image.contains(part) } } ?? true
    }

    func corrupts(_ name: ObjectName, image: String) -> Bool {
        find(.corruptDatabase, name).map { $0.value.map(image.contains) ?? true } ?? false
    }

    func virtualAPI(_ name: ObjectName) -> VirtualAPIFault {
        VirtualAPIFault(
            isUnreached: find(.virtualAPIUnreached, name) != nil, isNotReady: find(.virtualAPINotReady, name) != nil,
            version: find(.virtualAPIVersion, name)?.value)
    }

    func isFull(_ name: ObjectName) -> Bool { find(.volumeFull, name) != nil }

    func execFault(for name: ObjectName) -> ExecFault? {
        if let fault = find(.execCut, name) { return .cut(after: Int(fault.value ?? "") ?? 4096) }
        if let fault = find(.execStalls, name) { return .stalls(after: Int(fault.value ?? "") ?? 4096) }
        if let fault = find(.podEvicted, name) { return .kills(.evicted, after: Int(fault.value ?? "") ?? 4096) }
        if let fault = find(.outOfMemory, name) { return .kills(.outOfMemory, after: Int(fault.value ?? "") ?? 4096) }
        return find(.execLosesTail, name).map { .losesTail(Int($0.value ?? "") ?? 512) }
    }
}

extension HostCluster {
    func inject(_ fault: HostFault) async {
        faults.add(fault)
        await applyFaults()
    }

    func clearFaults(_ kind: HostFault.Kind?, on target: String?) async {
        faults.clear(kind, on: target)
        await applyFaults()
    }

    /// Lets what runs already feel the faults.
    private func applyFaults() async {
        let isGone = faults.isNodeGone
        publishNode(isReady: !isGone)
        for (uid, runtime) in pods {
            if isGone { markLost(runtime) } else { setReady(uid, await runtime.controlPlane?.isReady ?? true) }
            guard let plane = runtime.controlPlane else { continue }
            do throws(Failure) {
                try await plane.setFull(faults.isFull(runtime.name))
                try await plane.setAPI(faults.virtualAPI(runtime.name), isNodeGone: isGone)
            } catch {}
        }
        for namespace in store.list(.namespaces) { touch(ObjectName(of: namespace).name) }
    }

    private func markLost(_ runtime: PodRuntime) {
        change(.pods, runtime.name) { pod in
            pod.changeEach("status", "conditions") { condition in
                guard condition.text("type") == "Ready" else { return }
                condition.set("status", to: .string("False"))
                condition.set("reason", to: .string("NodeNotReady"))
                condition.set("lastTransitionTime", to: .string(Moment.now()))
            }
        }
    }
}
