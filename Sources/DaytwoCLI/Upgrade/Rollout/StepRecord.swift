import Failures
import Foundation
import Jobs
import Operations
import Policies

/// What becomes of one step, for the records that plans are made of.
struct StepRecord {
    let session: Session
    /// `host-1/team/blue`
    let cluster: String
    /// The policy that it is a step of; nil where a person asked for it.
    let policy: String?
    let from: K3sVersion?
    let to: K3sVersion

    init(session: Session, cluster: String, policy: UpgradePolicy?, from: K3sVersion?, to: K3sVersion) {
        self.init(session, cluster, policy?.name, from, to)
    }

    /// The step of a cluster that was begun and has not ended; nil where there is none.
    init?(running cluster: String, _ session: Session) throws(Failure) {
        guard let step = try session.upgradeHistory().running.first(where: { $0.cluster == cluster }) else {
            return nil
        }
        let began = try session.upgradeRecords().events().last { $0.kind == .started && $0.cluster == cluster }
        self.init(session, cluster, step.policy.isEmpty ? nil : step.policy, began?.from, step.to)
    }

    private init(
        _ session: Session, _ cluster: String, _ policy: String?, _ from: K3sVersion?, _ to: K3sVersion
    ) {
        (self.session, self.cluster, self.policy, self.from, self.to) = (session, cluster, policy, from, to)
    }

    /// A step that had ended well, and that somebody takes back: it is not done again before somebody says so.
    static func takenBack(
        _ cluster: String, from: K3sVersion?, to: K3sVersion?, _ reason: String?, _ session: Session
    ) {
        var (back, quarantined) = (
            UpgradeEvent(.rolledBack, cluster: cluster), UpgradeEvent(.quarantined, cluster: cluster)
        )
        (back.from, back.to, back.reason) = (from, to, reason ?? "somebody took it back")
        quarantined.reason = reason ?? "somebody took its upgrade back"
        do throws(Failure) { try session.upgradeRecords().append([back, quarantined]) } catch {
            session.console.warn("that it was taken back could not be recorded: \(error.description)")
        }
    }

    /// Right before anything is changed, with what runs inside then, for the time that the cluster is watched.
    func begin(_ workloads: String?) throws(Failure) {
        try session.upgradeRecords().watch(cluster, workloads: workloads)
        var event = event(.started)
        event.owner = "process \(ProcessInfo.processInfo.processIdentifier)"
        try session.upgradeRecords().append([event])
    }

    /// How it ended. What failed under a policy is not tried again before somebody has looked.
    func end(_ failure: Failure?, hasBegun: Bool) {
        var events: [UpgradeEvent] = []
        switch failure?.code {
        case nil: events = [event(.succeeded)]
        case .some where !hasBegun: events = [event(.gated, failure)]
        case .rolledBack: events = [event(.rolledBack, failure)]
        default: events = [event(.failed, failure)]
        }
        if hasBegun, let failure, policy != nil { events.append(event(.quarantined, failure)) }
        do throws(Failure) {
            try session.upgradeRecords().append(events)
        } catch {
            session.console.warn("what became of the upgrade could not be recorded: \(error.description)")
        }
    }

    private func event(_ kind: UpgradeEvent.Kind, _ failure: Failure? = nil) -> UpgradeEvent {
        var event = UpgradeEvent(kind, cluster: cluster, policy: policy)
        (event.from, event.to) = (from, to)
        event.reason = failure.map { $0.why.map { why in "\(failure?.what ?? ""): \(why)" } ?? $0.what }
        return event
    }
}

extension Session {
    /// What happened before; nothing where there is no state directory yet.
    func upgradeHistory() throws(Failure) -> UpgradeHistory {
        do throws(Failure) {
            return try UpgradeRecords(openState(creating: false), context: JobSurroundings.context()).history()
        } catch {
            guard error.code == .notFound else { throw error }
            return UpgradeHistory()
        }
    }
}

extension HostUpgradeOptions {
    /// What a policy says of a step of one cluster now.
    mutating func follow(_ policy: UpgradePolicy, _ cluster: String, at now: Date) {
        maxRollbackAge = .seconds(policy.rollback.maxRollbackAge)
        rollsBack = policy.rollback.mode == .auto
        startsPaused = policy.paused == .start
        (checksBefore, checksAfter) = (policy.gates.before, policy.gates.after)
        environment = Environment.all
        watch = .seconds(policy.soak)
        for override in policy.gates.overrides where override.holds(for: cluster, at: now) {
            overrides[override.gate] = override.reason
        }
    }
}
