import Files
import Foundation
import Testing

extension RealBinary {
    /// Restores of real servers, held against counts that share no code with daytwo.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct TruthTests {
        private let place: Scratch
        private let samples: SampleServers

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
        }

        private func truth(_ database: String) throws -> [String: Any] {
            let text = try python("truth.py", database)
            return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        private func recorded(_ fixture: String) throws -> [String: Any] {
            let data = try Data(
                contentsOf: URL(fileURLWithPath: "\(Tools.package)/Tests/Fixtures/\(fixture).truth.json"))
            var truth = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            // The restored database is one file.
            truth["rowsWithoutWAL"] = nil
            truth["maxRevisionWithoutWAL"] = nil
            return truth
        }

        private func number(_ truth: [String: Any], _ name: String) throws -> Int {
            try #require(truth[name] as? Int, "\(name) is not there")
        }

        @Test(arguments: SampleServers.fixtures)
        func restoredIsWhatWasBackedUp(_ fixture: String) throws {
            let source = samples.scratch[fixture]
            let before = try TreePicture("\(source)/server")
            let archive = try backUp(source, name: "truth", into: place["store"])
            #expect(try TreePicture("\(source)/server") == before, "a backup changes nothing")

            // Without the bump every count and digest is the fixture's.
            try createDirectory(place["plain"])
            let plain = try restore("run", archive, place["plain"], "--no-bump", "--yes")
            try #require(plain.status == 0, "\(plain.error)")
            let expected = try recorded(fixture)
            let found = try truth("\(place["plain"])/server/db/state.db")
            #expect(NSDictionary(dictionary: found) == NSDictionary(dictionary: expected))
            // A comparison of nothing with nothing would pass as well.
            #expect(try number(found, "rows") > 2000)
            try checkFiles(before, place["plain"])
            try checkIndexes(place["plain"])
            try checkPlan(archive)

            // With the bump exactly the filler row, the compact revision and the sequence differ.
            try require(["/bin/cp", "-a", source, place["bumped"]])
            try removeTree("\(place["bumped"])/.daytwo")
            let bumped = try restore("run", archive, place["bumped"], "--yes")
            try #require(bumped.status == 0, "\(bumped.error)")
            #expect(!bumped.error.contains("node-token"), "k3s sets that link each time: \(bumped.error)")
            let database = "\(place["bumped"])/server/db/state.db"
            let raised = try truth(database)
            let revision = try number(expected, "maxRevision") + 1000
            #expect(try number(raised, "maxRevision") == revision)
            #expect(try number(raised, "compactRevision") == revision)
            #expect(try number(raised, "sequence") == revision)
            #expect(try number(raised, "rows") == number(expected, "rows") + 1)
            #expect(raised["liveSHA256"] as? String == expected["liveSHA256"] as? String)
            #expect(raised["rowsSHA256"] as? String != expected["rowsSHA256"] as? String)
            _ = try python(
                "restore_support.py", "unbumped", database, place["unbumped.db"], String(revision),
                String(try number(expected, "compactRevision")), String(try number(expected, "sequence")))
            #expect(NSDictionary(dictionary: try truth(place["unbumped.db"])) == NSDictionary(dictionary: expected))
            try checkIndexes(place["bumped"])
        }

        private func checkFiles(_ before: TreePicture, _ root: String) throws {
            let after = try TreePicture("\(root)/server")
            let kept = before.files.filter { path, _ in
                ["token", "tls", "cred", "manifests"].contains { path == $0 || path.hasPrefix($0 + "/") }
            }
            #expect(kept.count > 50, "the fixture has these files")
            for (path, line) in kept { #expect(after.files[path] == line, "\(path)") }
            #expect(before.files.keys.contains { $0.hasPrefix("db/joined-") }, "the fixture has a stamp")
            #expect(!after.files.keys.contains { $0.hasPrefix("db/joined-") })
            #expect(before.files["node-token"] != nil && after.files["node-token"] == nil)
            let others = Set(after.files.keys).subtracting(kept.keys)
            #expect(others == [".", "db", "db/state.db"])
        }

        private func checkIndexes(_ root: String) throws {
            let text = try python("restore_support.py", "indexes", "\(root)/server/db/state.db")
            #expect(text == "{\"indexes\": 6, \"check\": \"ok\"}\n")
        }

        private func checkPlan(_ archive: String) throws {
            let plan = try restore("plan", archive, place["plain"])
            #expect(plan.status == 0)
            #expect(
                plan.output.contains("server/node-token (a link that leaves: /data/server/token)"), "\(plan.output)")
            // The kubeconfigs in cred/ lead there.
            #expect(plan.output.contains("only with --data-dir /data, which they name"), "\(plan.output)")
            let recreated = try restore("plan", archive, place["plain"], "--server-files", "recreate")
            #expect(recreated.status == 0 && !recreated.output.contains("only with"), "\(recreated.output)")
        }
    }
}
