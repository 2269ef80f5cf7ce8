public import Failures
import Files
import Foundation
public import Jobs
public import Monitoring
public import Policies
import Processes
import Transfer

/// Tells people what went wrong with the fleet and what is well again: each beginning and each end once.
public struct Announcements: Sendable {
    private let configuration: DaytwoConfiguration
    private let queue: JobQueue
    private let context: OperationContext
    private let hostName: String
    private let environment: @Sendable (String) -> String?

    /// Prepares announcements; `environment` gives the value of a variable that the configuration names.
    public init(
        _ configuration: DaytwoConfiguration, _ queue: JobQueue, _ context: OperationContext, hostName: String,
        environment: @escaping @Sendable (String) -> String?
    ) {
        self.configuration = configuration
        self.queue = queue
        self.context = context
        self.hostName = hostName
        self.environment = environment
    }

    /// Compares a survey with what is known, and puts what changed into the outbox. With `cluster`, the survey is of that
    /// one alone.
    public func announce(_ status: FleetStatus, of cluster: String? = nil) throws(Failure) {
        let now = context.now()
        var found: [Jobs.Condition: Monitoring.Condition] = [:]
        // What is only good to know is told nobody: it would be known already when it gets bad.
        for condition in status.conditions(at: now) where condition.kind.event != nil && condition.severity > .ok {
            if let cluster, condition.cluster != cluster { continue }
            let key = Jobs.Condition(
                cluster: condition.cluster ?? "", schedule: condition.schedule ?? "", name: condition.kind.rawValue)
            found[key] = condition
        }
        var problem: Failure?
        _ = try Conditions(queue.database, context: queue.context).transition(to: Set(found.keys), of: cluster) {
            changes in
            var events = changes.began.compactMap { key in found[key].flatMap { event($0, status, now) } }
            events += changes.recovered.map { recovered($0, now) }
            return events.flatMap { event in messages(event) { problem = $0 } }
        }
        if let problem { throw problem }
    }

    /// Puts what upgrade policies tell of their rollouts into the outbox, each once.
    ///
    /// `isWhole`: all hosts were asked, so that what is not in the plan is over.
    public func tell(
        _ plan: UpgradePlan, _ policies: [UpgradePolicy], isWhole: Bool, _ records: UpgradeRecords
    ) throws(Failure) {
        var problem: Failure?
        try records.tell { told, events in
            let tidings = UpgradeTidings(
                policies: policies, plan: plan, events: events, told: told, isWhole: isWhole)
            var news = UpgradeNews()
            (news.began, news.ended) = (tidings.began, tidings.ended)
            for tiding in tidings.all {
                guard let kind = NotificationEvent.Kind(tiding.event) else { continue }
                var event = NotificationEvent(
                    kind, cluster: tiding.cluster ?? "none", what: tiding.what, at: tiding.at, hostName: hostName)
                (event.policy, event.why, event.next) = (tiding.policy, tiding.why, tiding.next)
                let targets = configuration.notifications.filter { tiding.targets.contains($0.name) }
                news.notifications += messages(event, to: targets) { problem = $0 }
            }
            return news
        }
        if let problem { throw problem }
    }

    /// Delivers what waits in the outbox, one after the other as long as `budget` lasts; what cannot be delivered now is
    /// tried again later. Gives what went wrong.
    public func deliver(within budget: Duration) throws(Failure) -> [Failure] {
        let outbox = Outbox(queue.database, context: queue.context)
        let end = context.uptime() + budget
        var failures: [Failure] = []
        while context.uptime() < end, let message = try outbox.claim(limit: 1).first {
            try context.checkStop()
            var error: Failure?
            if let target = configuration.notifications.first(where: { $0.name == message.notification.endpoint }) {
                error = attempt(Array(message.notification.payload.utf8), target)
            } else {
                error = Failure(.notFound, "the configuration has no \(message.notification.endpoint) any more")
            }
            _ = try outbox.finish(message.id, error: error?.description)
            if let error { failures.append(error) }
        }
        return failures
    }

    /// Sends a test to one endpoint, or to all, at once.
    public func test(_ name: String?) throws(Failure) -> [(endpoint: String, failure: Failure?)] {
        let targets = configuration.notifications.filter { name == nil || $0.name == name }
        guard !targets.isEmpty else {
            throw Failure(
                .notFound, name.map { "there is no endpoint \($0)" } ?? "no endpoint is configured",
                next: "see notifications: in \(configuration.path)")
        }
        var event = NotificationEvent(
            .test, cluster: "none", what: "a test of daytwo's notifications", at: context.now(), hostName: hostName)
        event.next = "Nothing is to be done."
        var results: [(endpoint: String, failure: Failure?)] = []
        for target in targets {
            do throws(Failure) {
                let failure = attempt(try target.format().render(event), target)
                if failure == nil { try Outbox(queue.database, context: queue.context).forgetGivenUp(of: target.name) }
                results.append((target.name, failure))
            } catch {
                results.append((target.name, error))
            }
        }
        return results
    }

    /// The dead man's switch of a schedule; nil when it has none.
    public func ping(of schedule: String) -> Ping? {
        guard let source = configuration.schedules.first(where: { $0.name == schedule })?.ping else { return nil }
        return Ping(url: secret(source), client: HTTPClient())
    }

    private func attempt(_ payload: [UInt8], _ target: NotificationTarget) -> Failure? {
        let endpoint: NotificationEndpoint
        switch target.channel {
        case .webhook(let url, _, _, let headers): endpoint = .webhook(url: secret(url), headersFile: headers)
        case .command(let words):
            endpoint = .command(ProcessCommand(words.first ?? "", Array(words.dropFirst())))
        }
        let checkStop = context.checkStop
        do throws(Failure) {
            try NotificationDelivery(client: HTTPClient(), timeout: .seconds(10), uptime: context.uptime)
                .deliver(payload, to: endpoint, checkStop: checkStop)
            return nil
        } catch {
            return error
        }
    }

    private func secret(_ source: Policies.SecretSource) -> Monitoring.SecretSource {
        switch source {
        case .file(let path): .file(path)
        case .environment(let name): .value(environment(name) ?? "", name: name)
        }
    }

    /// One for each endpoint that wants it. Where its own form cannot be made, the plain one goes out: each change is told
    /// only once, and a receiver that refuses it is seen.
    private func messages(_ event: NotificationEvent, onProblem: (Failure) -> Void) -> [Jobs.Notification] {
        messages(event, to: configuration.notifications.filter { $0.wants(event.kind) }, onProblem: onProblem)
    }

    private func messages(
        _ event: NotificationEvent, to targets: [NotificationTarget], onProblem: (Failure) -> Void
    ) -> [Jobs.Notification] {
        targets.compactMap { target in
            func message(_ format: () throws(Failure) -> NotificationFormat) -> Jobs.Notification? {
                do throws(Failure) {
                    let payload = String(decoding: try format().render(event), as: UTF8.self)
                    return Jobs.Notification(endpoint: target.name, event: event.kind.rawValue, payload: payload)
                } catch {
                    onProblem(error)
                    return nil
                }
            }
            return message(target.format) ?? message { .json }
        }
    }

    private func event(
        _ condition: Monitoring.Condition, _ status: FleetStatus, _ now: Date
    ) -> NotificationEvent? {
        guard let kind = condition.kind.event else { return nil }
        var event = NotificationEvent(
            kind, cluster: condition.cluster ?? "none", schedule: condition.schedule, what: condition.sentence, at: now,
            hostName: hostName)
        event.next = condition.next
        event.since = condition.since
        let run = status.clusters.first {
            $0.cluster == condition.cluster && $0.schedule == condition.schedule
        }?.lastRun
        if condition.kind == .lastFailed || condition.kind == .partial, let run {
            event.jobID = run.jobID
            event.exitCode = run.exitCode
            event.why = run.what
        }
        return event
    }

    private func recovered(_ lasting: LastingCondition, _ now: Date) -> NotificationEvent {
        let condition = lasting.condition
        let cluster = condition.cluster.isEmpty ? "none" : condition.cluster
        let kind = Monitoring.Condition.Kind(rawValue: condition.name)
        var event = NotificationEvent(
            .recovered, cluster: cluster, schedule: condition.schedule.isEmpty ? nil : condition.schedule,
            what: "\(kind?.past ?? condition.name): this is so no more", at: now, hostName: hostName)
        event.since = lasting.since
        return event
    }
}

extension Monitoring.Condition.Kind {
    /// What is told of it; nil for what is only shown.
    fileprivate var event: NotificationEvent.Kind? {
        switch self {
        case .overdue, .neverBackedUp, .notVerified, .notDrilled: .overdue
        case .lastFailed, .needsDecision, .storeUnreachable, .pruneFrozen: .failure
        case .partial: .partial
        case .schedulerSilent, .uncovered, .notificationsFailing, .clockSuspicious, .suspended: nil
        }
    }

    fileprivate var past: String {
        switch self {
        case .overdue: "the backup was overdue"
        case .neverBackedUp: "there was no backup"
        case .notVerified: "the verification was overdue"
        case .notDrilled: "the drill was overdue"
        case .lastFailed: "the last run had failed"
        case .needsDecision: "a job waited for a decision"
        case .storeUnreachable: "the store could not be read"
        case .pruneFrozen: "pruning was frozen"
        case .partial: "the newest backup was partial"
        case .schedulerSilent, .uncovered, .notificationsFailing, .clockSuspicious, .suspended: rawValue
        }
    }
}

extension NotificationTarget {
    fileprivate func wants(_ kind: NotificationEvent.Kind) -> Bool {
        switch kind {
        case .failure: events.contains(.failure)
        case .partial: events.contains(.partial)
        case .overdue: events.contains(.overdue)
        case .recovered: events.contains(.recovered)
        case .test: true
        // Whom an upgrade policy names is told, whatever else it wants.
        default: false
        }
    }

    fileprivate func format() throws(Failure) -> NotificationFormat {
        guard case .webhook(_, let format, let template, _) = channel else { return .json }
        if let template {
            let text = String(decoding: try readFile(template, limit: 1 << 20), as: UTF8.self)
            return .template(try NotificationTemplate(text, name: template))
        }
        switch format {
        case .generic: return .json
        case .slack: return .slack
        case .alertmanager: return .alertmanager
        }
    }
}

extension NotificationEvent.Kind {
    fileprivate init?(_ event: UpgradeNotification.Event) {
        self.init(rawValue: "upgrade" + event.rawValue.prefix(1).uppercased() + event.rawValue.dropFirst())
    }
}
