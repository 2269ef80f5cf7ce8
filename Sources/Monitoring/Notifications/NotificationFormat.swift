public import Failures
internal import FoundationEssentials

/// The form in which a receiver wants notifications.
public enum NotificationFormat: Sendable, Equatable {
    /// Our own: `apiVersion: daytwo/v1`, `kind: Notification`.
    case json
    /// A message as Slack's incoming webhooks take it, and Mattermost's.
    /// Source: https://docs.slack.dev/messaging/formatting-message-text
    case slack
    /// An array of alerts for `POST /api/v2/alerts` of Alertmanager.
    /// Source: https://prometheus.io/docs/alerting/latest/alerts_api
    case alertmanager
    /// A template of the user's.
    case template(NotificationTemplate)

    /// The event in this form, as JSON.
    public func render(_ event: NotificationEvent) throws(Failure) -> [UInt8] {
        switch self {
        case .json: try encode(GenericNotification(event))
        case .slack: try encode(SlackMessage(event))
        case .alertmanager: try encode([Alert(event)])
        case .template(let template): try template.render(event)
        }
    }
}

private func encode(_ value: some Encodable) throws(Failure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return try Array(encoder.encode(value))
    } catch {
        throw Failure(.failed, "cannot write a notification as JSON", why: "\(error)", cause: error)
    }
}

private struct GenericNotification: Encodable {
    let apiVersion = "daytwo/v1"
    let kind = "Notification"
    let event, cluster, what, at, host: String
    let schedule, policy, job, why, next, since: String?
    let exitCode: Int32?

    init(_ event: NotificationEvent) {
        self.event = event.kind.rawValue
        cluster = event.cluster
        schedule = event.schedule
        policy = event.policy
        job = event.jobID
        exitCode = event.exitCode
        what = event.what
        why = event.why
        next = event.next
        at = timeText(event.at)
        since = event.since.map(timeText)
        host = event.hostName
    }
}

private struct SlackMessage: Encodable {
    let text: String

    init(_ event: NotificationEvent) {
        let head =
            "*\(event.kind.word)* \(Self.escape(event.cluster))"
            + ((event.schedule ?? event.policy).map { " (\(Self.escape($0)))" } ?? "")
        let job = event.jobID.map { "job \($0)" }
        let code = event.exitCode.map { "exit code \($0)" }
        let facts = [job, code, timeText(event.at), "on \(event.hostName)"].compactMap(\.self).joined(separator: ", ")
        let lines = [event.what, event.why, event.next, facts].compactMap(\.self).map(Self.escape)
        text = ([head] + lines).joined(separator: "\n")
    }

    /// The three characters that control Slack's markup.
    private static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

private struct Alert: Encodable {
    let labels, annotations: [String: String]
    let startsAt, endsAt: String

    init(_ event: NotificationEvent) {
        // Labels are an alert's identity: the same for all kinds, so that `recovered` ends what the others began.
        var labels = ["alertname": "DaytwoBackup", "cluster": event.cluster, "instance": event.hostName]
        labels["schedule"] = event.schedule
        if event.kind == .test { labels["alertname"] = "DaytwoTest" }
        if event.kind.isUpgrade {
            // Nothing ends what another began: each is an alert of its own.
            labels["alertname"] = "DaytwoUpgrade"
            labels["event"] = event.kind.rawValue
            labels["policy"] = event.policy
        }
        self.labels = labels
        var annotations = ["event": event.kind.rawValue, "summary": event.what]
        annotations["description"] = event.why
        annotations["next"] = event.next
        annotations["job"] = event.jobID
        annotations["exitCode"] = event.exitCode.map(String.init)
        self.annotations = annotations
        startsAt = timeText(event.since ?? event.at)
        // Each is told once, while Alertmanager forgets after minutes what is not told again: the end is set.
        endsAt = timeText(event.at + event.kind.lifetime)
    }
}

extension NotificationEvent.Kind {
    fileprivate var word: String {
        switch self {
        case .failure: "Backup failed"
        case .partial: "Backup partial"
        case .overdue: "Backup overdue"
        case .recovered: "Backup recovered"
        case .test: "Test"
        case .upgradePlanned: "Rollout begins"
        case .upgradeStarted: "Upgrade started"
        case .upgradeGated: "Upgrade held back"
        case .upgradeSucceeded: "Upgraded"
        case .upgradeFailed: "Upgrade failed"
        case .upgradeRolledBack: "Upgrade rolled back"
        case .upgradeQuarantined: "Quarantined"
        case .upgradeApprovalNeeded: "Approval needed"
        case .upgradeWindowMissed: "Window missed"
        case .upgradeWaveDone: "Wave done"
        case .upgradeFinished: "Rollout finished"
        }
    }

    /// Whether an upgrade policy tells it.
    public var isUpgrade: Bool { rawValue.hasPrefix("upgrade") }

    fileprivate var lifetime: Duration {
        switch self {
        case .failure, .partial, .overdue, .upgradeFailed, .upgradeRolledBack, .upgradeQuarantined,
            .upgradeApprovalNeeded:
            .seconds(7 * 86400)
        case .upgradeGated, .upgradeWindowMissed: .seconds(86400)
        case .upgradePlanned, .upgradeStarted, .upgradeSucceeded, .upgradeWaveDone, .upgradeFinished: .zero
        case .recovered: .zero
        case .test: .seconds(300)
        }
    }
}
