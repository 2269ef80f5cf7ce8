import Foundation
import Policies
import Testing

@Suite struct ExamplePoliciesTests {
    @Test func loadAndWarnOnlyOfWhatTheySay() throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../policies").standardizedFileURL.path
        let configuration = try DaytwoConfiguration.load(
            path: folder + "/daytwo.yaml", now: utc("2026-11-24T09:00:00Z"))
        #expect(configuration.clusters.map(\.path) == ["local/billing", "local/build"])
        #expect(configuration.schedules.map(\.name) == ["daily", "hourly", "weekly"])
        #expect(configuration.stores.map(\.name) == ["main", "offsite"])
        #expect(configuration.notifications.count == 3)
        #expect(configuration.warnings.map(\.kind) == [.schedulesOverlap, .schedulesOverlap, .schedulesOverlap])
        #expect(try configuration.isCurrent())
    }
}
