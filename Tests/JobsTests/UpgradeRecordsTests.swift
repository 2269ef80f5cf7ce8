import Foundation
import GRDB
import Policies
import Testing

@testable import Jobs

@Suite("What upgrades did and what people said")
struct UpgradeRecordsTests {
    private let scratch: Scratch
    private let clock = TestClock()
    private let database: StateDatabase
    private let records: UpgradeRecords
    private let old: K3sVersion
    private let new: K3sVersion

    init() throws {
        scratch = try Scratch()
        database = try StateDatabase(directory: scratch["state"])
        records = UpgradeRecords(database, context: Bench.context(clock))
        old = try #require(K3sVersion("v1.21.2+k3s1"))
        new = try #require(K3sVersion("v1.22.4+k3s2"))
    }

    private func event(_ kind: UpgradeEvent.Kind, _ cluster: String) -> UpgradeEvent {
        var event = UpgradeEvent(kind, cluster: cluster, policy: "gold")
        (event.from, event.to) = (old, new)
        return event
    }

    @Test("A step runs until it ends; a quarantine lasts until it is released; a pause until it is taken back")
    func folds() throws {
        try records.append([event(.started, "h/a/one"), event(.started, "h/a/two")])
        clock.advance(60)
        var failed = event(.rolledBack, "h/a/two")
        failed.reason = "its API was not ready"
        var quarantined = UpgradeEvent(.quarantined, cluster: "h/a/two", policy: "gold")
        quarantined.reason = failed.reason
        var yes = UpgradeEvent(.approved, policy: "gold")
        (yes.wave, yes.to) = ("canary", new)
        try records.append([failed, quarantined, yes, UpgradeEvent(.paused, policy: "gold")])

        var history = try records.history()
        #expect(history.running.map(\.cluster) == ["h/a/one"] && history.running.first?.to == new)
        #expect(history.steps.map(\.result) == [.rolledBack] && history.steps.first?.from == old)
        #expect(history.quarantines.map(\.reason) == ["its API was not ready"])
        #expect(history.approvals.map(\.wave) == ["canary"] && history.approvals.first?.version == new)
        #expect(history.approvals.first?.by == Bench.context(clock).actor.user)
        #expect(history.pauses.map(\.policy) == ["gold"])

        try records.append([
            event(.succeeded, "h/a/one"), UpgradeEvent(.released, cluster: "h/a/two"),
            UpgradeEvent(.resumed, policy: "gold"),
        ])
        history = try records.history()
        #expect(history.running.isEmpty && history.quarantines.isEmpty && history.pauses.isEmpty)
        #expect(history.releases.map(\.cluster) == ["h/a/two"])
        #expect(history.steps.map(\.result) == [.rolledBack, .succeeded])
    }

    @Test("Nothing of it is ever changed or removed")
    func onlyAddedTo() throws {
        try records.append([event(.started, "h/a/one")])
        for statement in ["UPDATE upgrade_events SET event = 'failed'", "DELETE FROM upgrade_events"] {
            #expect(throws: (any Error).self) { try database.write { db in try db.execute(sql: statement) } }
        }
        #expect(try records.events().count == 1)
    }
}
