import Failures
import Foundation
import Monitoring
import Testing

@Suite struct NotificationFormatTests {
    @Test func `our own form has all members, and lacks those without a value`() throws {
        let json = try object(.json, full)
        #expect(json["apiVersion"] as? String == "daytwo/v1")
        #expect(json["kind"] as? String == "Notification")
        #expect(json["event"] as? String == "failure")
        #expect(json["cluster"] as? String == "local/shop")
        #expect(json["schedule"] as? String == "hourly")
        #expect(json["job"] as? String == "42")
        #expect(json["exitCode"] as? Int == 5)
        #expect(json["what"] as? String == full.what)
        #expect(json["why"] as? String == "a <frame> & \"more\"")
        #expect(json["next"] as? String == "Run: daytwo jobs show 42")
        #expect(json["at"] as? String == "2026-11-22T11:00:00Z")
        #expect(json["since"] as? String == "2026-11-22T10:00:00Z")
        #expect(json["host"] as? String == "backup-1")
        let least = try object(.json, NotificationEvent(.test, cluster: "-", what: "a test", at: noon, hostName: "h"))
        #expect(Set(least.keys) == ["apiVersion", "kind", "event", "cluster", "what", "at", "host"])
    }

    @Test func `Slack gets a text in which nothing is markup that was not meant`() throws {
        let json = try object(.slack, full)
        #expect(
            json["text"] as? String == """
                *Backup failed* local/shop (hourly)
                verification of local/shop failed
                a &lt;frame&gt; &amp; "more"
                Run: daytwo jobs show 42
                job 42, exit code 5, 2026-11-22T11:00:00Z, on backup-1
                """)
        #expect(json.count == 1)
    }

    @Test func `Alertmanager gets an alert that recovering ends`() throws {
        let fired = try alert(full)
        var event = full
        event.kind = .recovered
        event.at = noon.adding(.seconds(3600))
        event.exitCode = 0
        let ended = try alert(event)
        // The labels are what makes both the same alert.
        #expect(fired.labels == ended.labels)
        #expect(
            fired.labels == [
                "alertname": "DaytwoBackup", "cluster": "local/shop", "schedule": "hourly", "instance": "backup-1",
            ])
        #expect(fired.startsAt == "2026-11-22T10:00:00Z")
        #expect(fired.endsAt == "2026-11-29T11:00:00Z")
        #expect(ended.startsAt == "2026-11-22T10:00:00Z")
        #expect(ended.endsAt == "2026-11-22T12:00:00Z")
        #expect(fired.annotations["summary"] == full.what)
        #expect(fired.annotations["exitCode"] == "5")
    }

    @Test func `a template may have every member, in strings and as values`() throws {
        let template = try NotificationTemplate(
            #"{"t": "{{event}}: {{ what }} \"{{why}}\"", "code": {{exitCode}}, "job": {{job}}, "c": "{{exitCode}}"}"#,
            name: "chat.json")
        let json = try object(.template(template), full)
        #expect(json["t"] as? String == "failure: verification of local/shop failed \"a <frame> & \"more\"\"")
        #expect(json["code"] as? Int == 5)
        #expect(json["job"] as? String == "42")
        #expect(json["c"] as? String == "5")
        let least = NotificationEvent(
            .test, cluster: "-", what: "tab\t, line\n, bell\u{7}, \\", at: noon, hostName: "h")
        let sparse = try object(.template(template), least)
        #expect(sparse["t"] as? String == "test: tab\t, line\n, bell\u{7}, \\ \"\"")
        #expect(sparse["code"] is NSNull)
        for member in NotificationTemplate.members {
            let one = try NotificationTemplate("{\"x\": {{\(member)}}}", name: "t")
            #expect(try !(object(.template(one), full)["x"] is NSNull), "\(member)")
        }
    }

    @Test(arguments: [
        (#"{"t": "{{clutser}}"}"#, "clutser"), (#"{"t": "{{}}"}"#, "{{}}"), (#"{"t": "{{event"}"#, "without }}"),
        (#"{"t": {{event}}"#, "no JSON"), (#"{"t": "a" {{event}}}"#, "no JSON"), ("", "no JSON"),
        (#"{"t": what {{event}}}"#, "no JSON"),
    ]) func `a template that cannot work is refused when it is read`(text: String, reason: String) {
        let error = failure { _ = try NotificationTemplate(text, name: "chat.json") }
        #expect(error.code == .usage)
        #expect(error.what.contains("chat.json"))
        #expect(error.what.contains(reason))
        #expect(error.next != nil)
    }

    private var full: NotificationEvent {
        var event = NotificationEvent(
            .failure, cluster: "local/shop", schedule: "hourly", what: "verification of local/shop failed", at: noon,
            hostName: "backup-1")
        event.policy = "gold"
        event.jobID = "42"
        event.exitCode = 5
        event.why = "a <frame> & \"more\""
        event.next = "Run: daytwo jobs show 42"
        event.since = noon.adding(.seconds(-3600))
        return event
    }

    private func object(_ format: NotificationFormat, _ event: NotificationEvent) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(format.render(event))) as? [String: Any])
    }

    private struct Alert: Decodable {
        let labels, annotations: [String: String]
        let startsAt, endsAt: String
    }

    private func alert(_ event: NotificationEvent) throws -> Alert {
        let alerts = try JSONDecoder().decode([Alert].self, from: Data(NotificationFormat.alertmanager.render(event)))
        #expect(alerts.count == 1)
        return alerts[0]
    }
}
