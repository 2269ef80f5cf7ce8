import Failures
import Foundation
import Jobs
import Operations
import Policies

/// Tells whom the policies name of their rollouts. What goes wrong with that is said, and stops nothing.
struct RolloutNews {
    private let session: Session
    private let policies: [UpgradePolicy]
    private let announcements: Announcements?

    init(_ session: Session, _ policies: [UpgradePolicy]) throws(Failure) {
        self.session = session
        self.policies = policies
        guard policies.contains(where: { !$0.notify.isEmpty }) else {
            announcements = nil
            return
        }
        try session.upgradeRecords().beginTelling()
        guard let configuration = try session.settings.optionalConfiguration(session.console) else {
            session.console.warn("nobody is told of anything: notifications are in daytwo.yaml, and there is none")
            announcements = nil
            return
        }
        let known = Set(configuration.notifications.map(\.name))
        for name in Set(policies.flatMap(\.notify).map(\.target)).subtracting(known).sorted() {
            session.console.warn("there is no notification \(name.debugDescription) in \(configuration.path)")
        }
        announcements = Announcements(
            configuration, JobQueue(try session.openState(), context: JobSurroundings.context()),
            session.context(stopped: "run it again"), hostName: JobSurroundings.hostName,
            environment: { Environment.value(of: $0) })
    }

    /// Puts what is new into the outbox.
    func tell(_ plan: UpgradePlan, isWhole: Bool) {
        guard let announcements else { return }
        attempt { () throws(Failure) in
            try announcements.tell(plan, policies, isWhole: isWhole, session.upgradeRecords())
        }
    }

    /// Sends what waits, unless a scheduler is at work, which does that by itself.
    func deliver() {
        guard let announcements else { return }
        attempt { () throws(Failure) in
            guard
                try !SchedulerRecord.all(session.openState()).contains(where: { $0.isServing(at: session.now) })
            else { return }
            for failure in try announcements.deliver(within: .seconds(10)) {
                session.console.warn("a notification: \(failure.description)")
            }
        }
    }

    private func attempt(_ body: () throws(Failure) -> Void) {
        do throws(Failure) { try body() } catch { session.console.warn("notifications: \(error.description)") }
    }
}
