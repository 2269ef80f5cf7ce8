public import Failures
public import Foundation
import JSONValues
import Kubernetes
import Synchronization
import Threads
public import VirtualClusters

/// A `Lease` on the host that says that somebody works on a virtual cluster: for people, and for other machines.
///
/// It only announces: what protects the data is the mark on the workload, and the lock beside it. So that where leases are not
/// allowed, the work goes on without; and one that is not renewed holds up nobody for longer than its duration.
public struct ClusterLease: Sendable {
    /// What a lease says.
    public struct State: Sendable, Equatable {
        /// Who has it.
        public let holder: String
        /// When that was last said; nil where the lease says no time.
        public let renewed: Date?
        /// How long it counts from then.
        public let duration: Duration
        let process: String?
        let uid: String
        let version: String

        /// Whether its time is over.
        public func hasLapsed(at now: Date) -> Bool {
            guard let renewed, !holder.isEmpty else { return true }
            return now.timeIntervalSince(renewed) > Double(duration.components.seconds)
        }
    }

    static let duration = Duration.seconds(30)
    private static let renewal = Duration.seconds(10)
    private static let attempts = 3
    private static let process = "daytwo.dev/lease-process"

    private let host: HostCluster
    private let namespace: String
    private let cluster: String
    private let context: OperationContext

    /// The lease of a virtual cluster.
    public init(of cluster: String, in namespace: String, on host: HostCluster, _ context: OperationContext) {
        self.host = host
        self.namespace = namespace
        self.cluster = cluster
        self.context = context
    }

    /// What it is called on the host.
    public var name: String { "daytwo-\(cluster)" }

    /// What it says now; nil where there is none.
    public func state() throws(Failure) -> State? {
        try host.client.find(.leases, name, in: namespace).map(Self.state)
    }

    /// Takes it away, whoever has it; only when it still is as it was seen.
    public func remove(_ seen: State) throws(Failure) {
        try host.client.delete(
            .leases, name, in: namespace, Deletion(uid: seen.uid, resourceVersion: seen.version))
    }

    /// Does the work while the lease says so; it is given back afterwards, also after a failure.
    ///
    /// Throws `locked` while somebody else has it. A rescue waits whether that one still lives.
    public func hold<Value>(
        _ holder: LeaseHolder, isRescue: Bool = false, _ work: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        guard try take(holder, isRescue: isRescue) else { return try work() }
        AgentSweep(host, namespace, cluster, context).run(as: holder)
        let renewing = Renewing(self, holder)
        let result: Result<Value, Failure>
        do throws(Failure) { result = .success(try work()) } catch { result = .failure(error) }
        renewing.end()
        release(holder)
        return try result.get()
    }

    // MARK: Taking it

    private func take(_ holder: LeaseHolder, isRescue: Bool) throws(Failure) -> Bool {
        let start = context.uptime()
        var seen: State?
        var attempts = Self.attempts
        for _ in 0..<400 {
            do throws(Failure) {
                guard let state = try state() else {
                    _ = try host.client.create(.leases, object(holder), in: namespace)
                    return true
                }
                // An answer of ours was lost.
                if let process = holder.process, state.process == process { return true }
                let isFree =
                    state.hasLapsed(at: context.now()) || state.process.map(holder.isGone) ?? false
                    || seen == state && context.uptime() - start > state.duration
                if isFree {
                    try takeOver(state, holder)
                    return true
                }
                // One that was renewed meanwhile has somebody alive behind it.
                guard isRescue, seen == nil || seen == state else { throw locked(state) }
                if seen == nil { context.report(.step("waiting whether \(state.holder) still lives")) }
                seen = state
            } catch {
                if let status = error.apiStatus, status.status == 403 || status.isPolicy {
                    context.report(.step("no Lease says that this runs: \(error.description)"))
                    return false
                }
                // Somebody else was faster, or let go of it just now.
                if error.apiStatus?.status == 409 { continue }
                attempts -= 1
                guard error.code == .unreachable, attempts > 0 else { throw error }
            }
            try host.client.surroundings.sleep(.milliseconds(500))
        }
        throw Failure(.locked, "the Lease \(namespace)/\(name) changes all the time", next: "Run the command again.")
    }

    private func takeOver(_ state: State, _ holder: LeaseHolder) throws(Failure) {
        var members = object(holder).json.setting(["metadata", "resourceVersion"], to: .string(state.version))
        members = members.removing("apiVersion").removing("kind")
        _ = try host.client.patch(.leases, name, in: namespace, .merge, members)
        if !state.holder.isEmpty {
            context.report(.step("took the Lease \(name) over from \(state.holder), whose time was over"))
        }
    }

    private func locked(_ state: State) -> Failure {
        let path = "\(namespace)/\(cluster)"
        return Failure(
            .locked, "somebody works on \(path) on \(host.name)", why: "\(state.holder) has the Lease \(name)",
            next: "wait for it; where it is gone, its lease lapses within \(state.duration.components.seconds) s, "
                + "or: daytwo clusters unlock \(path)")
    }

    // MARK: Keeping it, and giving it back

    fileprivate func renew(_ holder: LeaseHolder) {
        let client = host.unstoppable.client
        do throws(Failure) {
            guard let object = try client.find(.leases, name, in: namespace) else { return }
            let state = Self.state(object)
            guard state.holder == holder.name, state.process == holder.process else { return }
            let patch = JSONValue.object([
                JSONMember("metadata", .object([JSONMember("resourceVersion", .string(state.version))])),
                JSONMember("spec", .object([JSONMember("renewTime", .string(Self.text(context.now())))])),
            ])
            _ = try client.patch(.leases, name, in: namespace, .merge, patch)
        } catch {
            // It lapses; what it announces goes on.
            context.report(.step("the Lease \(name) could not be renewed: \(error.description)"))
        }
    }

    private func release(_ holder: LeaseHolder) {
        let client = host.unstoppable.client
        do throws(Failure) {
            guard let object = try client.find(.leases, name, in: namespace) else { return }
            let state = Self.state(object)
            guard state.holder == holder.name, state.process == holder.process else { return }
            try client.delete(.leases, name, in: namespace, Deletion(uid: state.uid))
        } catch {
            guard error.code != .notFound else { return }
            context.report(.step("the Lease \(name) could not be removed, and lapses by itself: \(error.description)"))
        }
    }

    // MARK: What it looks like

    private func object(_ holder: LeaseHolder) -> KubernetesObject {
        let now = JSONValue.string(Self.text(context.now()))
        let metadata = [
            JSONMember("name", .string(name)), JSONMember("namespace", .string(namespace)),
            JSONMember("labels", .object([JSONMember(AgentPod.managedBy, .string("daytwo"))])),
            JSONMember(
                "annotations",
                .object([JSONMember(Self.process, holder.process.map { .string($0) } ?? .null)])),
        ]
        let spec = [
            JSONMember("holderIdentity", .string(holder.name)),
            JSONMember("leaseDurationSeconds", .number(String(Self.duration.components.seconds))),
            JSONMember("acquireTime", now), JSONMember("renewTime", now),
        ]
        return KubernetesObject(
            .object([
                JSONMember("apiVersion", .string("coordination.k8s.io/v1")), JSONMember("kind", .string("Lease")),
                JSONMember("metadata", .object(metadata)), JSONMember("spec", .object(spec)),
            ]))
    }

    private static func state(_ lease: KubernetesObject) -> State {
        let seconds = lease["spec", "leaseDurationSeconds"]?.integerValue ?? 0
        return State(
            holder: String((lease["spec", "holderIdentity"]?.stringValue ?? "").prefix(200)),
            renewed: lease["spec", "renewTime"]?.stringValue.flatMap(date),
            duration: .seconds(min(max(seconds, 1), 3600)), process: lease.annotations[process], uid: lease.uid,
            version: lease.resourceVersion)
    }

    /// Kubernetes' MicroTime.
    private static func text(_ date: Date) -> String {
        let micros = Int(date.timeIntervalSince1970.truncatingRemainder(dividingBy: 1) * 1_000_000)
        let digits = String(micros)
        let whole = Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
            .formatted(Date.ISO8601FormatStyle(timeZone: .gmt))
        return whole.dropLast() + "." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + "Z"
    }

    private static func date(_ text: String) -> Date? {
        guard let seconds = text.split(separator: ".").first else { return nil }
        let whole = seconds.hasSuffix("Z") ? String(seconds) : seconds + "Z"
        do { return try Date.ISO8601FormatStyle(timeZone: .gmt).parse(whole) } catch { return nil }
    }

    /// Renews a lease beside the work.
    private final class Renewing: Sendable {
        private let isOver = Monitor(false)
        private let thread = Mutex<OwnedThread?>(nil)

        init(_ lease: ClusterLease, _ holder: LeaseHolder) {
            let isOver = isOver
            do throws(Failure) {
                let started = try OwnedThread { () throws(Failure) in
                    while isOver.wait(atMost: ClusterLease.renewal, { $0 ? true : nil }) == nil { lease.renew(holder) }
                }
                thread.withLock { $0 = started }
            } catch {
                lease.context.report(.step("the Lease \(lease.name) is not renewed: \(error.description)"))
            }
        }

        /// Waits for a renewal that is under way.
        func end() {
            isOver.change { $0 = true }
            thread.withLock { $0 = nil }
        }
    }
}

extension HostCluster {
    /// Throws `refused` while a restore or upgrade has a cluster in its hands: its mark is what protects it.
    public func refuseMarked(_ cluster: VirtualCluster, commands: HostRestoreCommands) throws(Failure) {
        let workload = try client.get(cluster.workload.type, cluster.workload.name, in: cluster.namespace)
        guard let mark = try RunMark(of: workload) else { return }
        let locked = mark.locked(cluster.path, commands)
        throw Failure(.refused, locked.what, why: locked.why, next: locked.next)
    }
}

extension HostRestore {
    /// Does something with the cluster while its lease says so.
    public func holding<Value>(
        _ holder: LeaseHolder, isRescue: Bool = false, _ work: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let cluster = try host.cluster(named: name).cluster
        return try ClusterLease(of: cluster.name, in: cluster.namespace, on: host, context)
            .hold(holder, isRescue: isRescue, work)
    }
}

extension HostUpgrade {
    /// Does something with the cluster while its lease says so.
    public func holding<Value>(
        _ holder: LeaseHolder, isRescue: Bool = false, _ work: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try restore.holding(holder, isRescue: isRescue, work)
    }
}
