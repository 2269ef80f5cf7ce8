import Foundation
import Monitoring
import Processes
import Testing

/// The files of policies/monitoring, and what is rendered, held against Prometheus' own promtool.
@Suite struct PrometheusTests {
    let folder = repository + "/policies/monitoring"

    @Test func `promtool finds nothing to say against the metrics`() throws {
        let result = try run("promtool", "check", "metrics", input: everything.metrics())
        #expect(result.end == .exited(0))
        #expect(result.text == "")
    }

    @Test func `promtool takes the rules, and their unit tests hold`() throws {
        let check = try run("promtool", "check", "rules", "alerts.yaml", directory: folder)
        #expect(check.end == .exited(0), "\(check.text)")
        let tests = try run("promtool", "test", "rules", "alerts.test.yaml", directory: folder)
        #expect(tests.end == .exited(0), "\(tests.text)")
    }

    @Test func `every alert is unit-tested, and has a section in the runbooks`() throws {
        let rules = try text("alerts.yaml")
        let tests = try text("alerts.test.yaml")
        let runbooks = try text("runbooks.md")
        let alerts = rules.matches(of: /- alert: (\w+)/).map { String($0.1) }
        #expect(alerts.count >= 12)
        let anchors = rules.matches(of: /runbook_url: runbooks\.md#([a-z-]+)\n/).map { String($0.1) }
        #expect(anchors.count == alerts.count)
        #expect(Set(anchors).count == anchors.count)
        for anchor in anchors { #expect(runbooks.contains("\n## \(anchor)\n"), "\(anchor)") }
        #expect(runbooks.split(separator: "\n").count { $0.hasPrefix("## ") } == anchors.count)
        for alert in alerts {
            // Once where it must be silent, and once where it must fire.
            let cases = tests.split(separator: "- eval_time").filter { $0.contains("alertname: \(alert)\n") }
            #expect(cases.contains { $0.contains("exp_alerts") }, "\(alert) is never expected to fire")
            #expect(cases.contains { !$0.contains("exp_alerts") }, "\(alert) is never expected to be silent")
        }
    }

    @Test func `alerts and dashboard use no metric that is not rendered, and no panel is mistyped`() throws {
        let rendered = Set(
            String(decoding: everything.metrics(), as: UTF8.self).matches(of: /# TYPE (\w+)/).map { String($0.1) })
        #expect(rendered.count >= 25)
        for file in ["alerts.yaml", "alerts.test.yaml", "dashboard.json"] {
            let used = Set(try text(file).matches(of: /\bdaytwo_\w+/).map { String($0.0) })
            #expect(!used.isEmpty)
            #expect(used.subtracting(rendered) == [], "\(file)")
        }
        let board = try JSONDecoder().decode(Dashboard.self, from: Data(try text("dashboard.json").utf8))
        #expect(Set(board.panels.map(\.id)).count == board.panels.count)
        let expressions = board.panels.flatMap { $0.targets.map(\.expr) }
        #expect(expressions.count >= 20)
        // As recording rules, promtool parses them.
        let rules = expressions.enumerated().map { index, expression in
            let plain = expression.replacing("$cluster", with: ".*").replacing("$schedule", with: ".*")
            return "      - {record: 'daytwo:panel_\(index)', expr: '\(plain)'}\n"
        }
        let scratch = try Scratch()
        let path = try scratch.write("groups:\n  - name: g\n    rules:\n" + rules.joined(), to: "rules.yaml")
        let check = try run("promtool", "check", "rules", path)
        #expect(check.end == .exited(0), "\(check.text)")
    }

    @Test func `a clean copy of the rules finds what is broken`() throws {
        // promtool itself must be able to say no, or the tests above prove nothing.
        let scratch = try Scratch()
        let rules = try text("alerts.yaml").replacing("daytwo_prune_frozen == 1", with: "daytwo_prune_frozen == 2")
        _ = try scratch.write(rules, to: "alerts.yaml")
        _ = try scratch.write(try text("alerts.test.yaml"), to: "alerts.test.yaml")
        #expect(try run("promtool", "test", "rules", "alerts.test.yaml", directory: scratch.path).end != .exited(0))
        let metrics = Array("# TYPE daytwo_things counter\ndaytwo_things 1\n".utf8)
        #expect(try run("promtool", "check", "metrics", input: metrics).end != .exited(0))
    }

    /// A fleet in which every metric has a sample.
    private var everything: FleetStatus {
        var strange = healthyCluster("local/a\"b\\c\nd", "täglich")
        strange.lastRun = .init(exitCode: 3, at: noon)
        strange.pruneFrozenReason = "x"
        strange.isSuspended = true
        var fleet = healthyFleet([
            healthyCluster(), strange, ClusterStatus(cluster: "local/new", schedule: "weekly", firstSeenAt: noon),
        ])
        fleet.uncovered = [.init(cluster: "local/lost")]
        return fleet
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    }

    private struct Dashboard: Decodable {
        struct Panel: Decodable {
            let id: Int
            let targets: [Target]
        }

        struct Target: Decodable {
            let expr: String
        }

        let panels: [Panel]
    }
}
