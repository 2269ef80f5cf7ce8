import Failures
import Files
import Foundation
import JSONValues
import Testing

@testable import Policies

@Suite struct VersionCatalogTests {
    /// As k3s's server answers, cut to what tells something.
    private static let channels = #"""
        {"type":"collection","links":{"self":"https://update.k3s.io/v1-release/channels"},"actions":{},
         "resourceType":"channels","data":[
          {"id":"stable","type":"channel","links":{"self":"https://update.k3s.io/v1-release/channels/stable"},
           "name":"stable","latest":"v1.33.4+k3s1"},
          {"id":"latest","type":"channel","name":"latest","latest":"v1.34.1+k3s1","latestRegexp":".*","excludeRegexp":"^[^+]+-"},
          {"id":"v1.32","type":"channel","name":"v1.32","latest":"v1.32.8+k3s1","latestRegexp":"v1\\.32\\..*"},
          {"id":"testing","type":"channel","latest":"v1.35.0-rc1+k3s1"},
          {"id":"rke2","latest":"v1.33.4+rke2r1"}, {"id":7,"latest":null}, {}
        ]}
        """#

    private func read(_ text: String) throws -> VersionCatalog {
        try VersionCatalog(bytes: Array(text.utf8), from: "https://catalog.example.com/channels")
    }

    @Test func takesTheChannelServersAnswer() throws {
        let catalog = try read(Self.channels)
        #expect(
            catalog.channels.mapValues(\.latest.description) == [
                "stable": "v1.33.4+k3s1", "latest": "v1.34.1+k3s1", "v1.32": "v1.32.8+k3s1",
                "testing": "v1.35.0-rc1+k3s1",
            ])
        #expect(
            catalog.releases.map(\.version.description) == [
                "v1.32.8+k3s1", "v1.33.4+k3s1", "v1.34.1+k3s1", "v1.35.0-rc1+k3s1",
            ])
        #expect(!catalog.isComplete)
        let releases = try read(
            #"{"data":[{"id":"v1.33.4+k3s1","type":"release","version":"v1.33.4+k3s1","released":"2026-08-10"}]}"#)
        #expect(try releases.release(version("v1.33.4+k3s1"))?.releasedAt == utc("2026-08-10T00:00:00Z"))
    }

    @Test(arguments: [
        "{", "{\"data\":{}}", "{\"data\":[]}", "{}", "{\"data\":[{\"id\":\"stable\",\"latest\":\"v1.33.4\"}]}",
        "<html>", "",
        "[]", "{\"data\":[" + String(repeating: "[", count: 5000),
    ])
    func refusesWhatIsNone(_ text: String) {
        let failure = failure { _ = try read(text) }
        #expect([.failed, .usage].contains(failure.code) && failure.what.contains("catalog.example.com"), "\(failure)")
    }

    @Test(arguments: [
        ("channels: [{name: stable, latest: 1.33}]", "6:37", "reads as the number 1.33"),
        ("releases: [{version: \"v1.33.4+k3s1\", released: 2026-08-10}]", "6:50", "Put it in quotes"),
        ("releases: [{version: \"v1.33.4+k3s1\"}, {version: \"v1.33.4+k3s1\"}]", "6:41", "is there already"),
        ("releases: [{version: \"v1.33.4+k3s1\", image: gone}]", "6:47", "instead of published, missing"),
    ])
    func namesThePlace(_ spec: String, _ place: String, _ message: String) {
        let text = "---\napiVersion: daytwo/v1\nkind: VersionCatalog\nmetadata: {name: k3s}\nspec:\n  \(spec)\n"
        let failure = failure { _ = try read(text) }
        #expect(failure.what.contains("channels:\(place):") && failure.what.contains(message), "\(failure.what)")
    }

    @Test func remembersWhatItSaw() throws {
        func seen(_ stable: String, _ earlier: VersionCatalog?, _ day: Int) throws -> VersionCatalog {
            try read("{\"data\":[{\"id\":\"stable\",\"latest\":\"\(stable)\"}]}").remembering(
                earlier, at: utc("2026-11-\(day)T00:00:00Z"))
        }
        let first = try seen("v1.33.4+k3s1", nil, 10)
        #expect(first.channels["stable"]?.since == nil)
        #expect(try first.release(version("v1.33.4+k3s1"))?.releasedAt == utc("2026-11-10T00:00:00Z"))
        let second = try seen("v1.34.0+k3s1", first, 12)
        #expect(try second.channels["stable"]?.since == utc("2026-11-12T00:00:00Z"))
        let same = try seen("v1.34.0+k3s1", second, 13)
        #expect(try same.channels["stable"]?.since == utc("2026-11-12T00:00:00Z"))
        let back = try seen("v1.33.4+k3s1", same, 14)
        #expect(try back.channels["stable"]?.since == utc("2026-11-14T00:00:00Z"))
        #expect(try back.channels["stable"]?.highest == version("v1.34.0+k3s1"))
        // An old release keeps its age, whatever the channel does.
        #expect(try back.release(version("v1.33.4+k3s1"))?.releasedAt == utc("2026-11-10T00:00:00Z"))
        #expect(try VersionCatalog(bytes: back.document.serialized(), from: "kept") == back)
    }
}
