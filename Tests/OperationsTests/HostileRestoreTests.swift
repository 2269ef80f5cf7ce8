import Files
import Foundation
import Testing

extension RealBinary {
    /// Archives that somebody made or damaged, given to a restore: nothing of them gets in place or is left beside it.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct HostileRestoreTests {
        private let place: Scratch
        private let samples: SampleServers
        private let judge: Judge

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
            judge = Judge(samples)
        }

        private func expectRefused(
            _ archive: String, _ statuses: Set<Int32>, _ note: String, location: SourceLocation = #_sourceLocation
        ) throws {
            let root = try samples.copyOfSmallNow(place, note)
            let above = try directoryNames(place.path)
            let ended = try restore("run", archive, root, "--yes")
            #expect(
                statuses.contains(ended.status), "\(note): \(ended.status) \(ended.error)", sourceLocation: location)
            #expect(
                ended.error.split(separator: "\n").filter { $0.hasPrefix("daytwo: ") }.count == 1,
                "\(note): \(ended.error)",
                sourceLocation: location)
            try judge.expectOld(root, note, location)
            #expect(try directoryNames(place.path) == above, "\(note): nothing escaped", sourceLocation: location)
            if try FileStatus.ifPresent("\(root)/.daytwo") != nil {
                #expect(try directoryNames("\(root)/.daytwo") == ["lock"], "\(note)", sourceLocation: location)
            }
            try removeTree(root)
        }

        @Test func madeByAnEnemy() throws {
            try createDirectory(place["made"])
            _ = try python("hostile_archives.py", samples.smallArchive, place["made"])
            let names = try directoryNames(place["made"])
            #expect(names.count == 22)
            for file in names {
                let name = String(file.prefix { $0 != "_" })
                let path = "\(place["made"])/\(file)"
                switch name {
                case "sound":
                    // The forge is right: otherwise everything would be refused for its making.
                    let root = try samples.copyOfSmallNow(place, name)
                    let ended = try restore("run", path, root, "--yes")
                    #expect(ended.status == 0, "\(ended.error)")
                case "age":
                    // With a database that can be read the age does not matter; without one the bump stays in bounds.
                    try createDirectory(place[name])
                    let ended = try restore("run", path, place[name], "--yes")
                    #expect(ended.status == 0 || ended.status == 4, "\(ended.status) \(ended.error)")
                case "stamp":
                    let root = try samples.copyOfSmallNow(place, name)
                    let ended = try restore("run", path, root, "--yes")
                    #expect([0, 4, 5].contains(ended.status), "\(ended.error)")
                    if ended.status == 0 {
                        let database = try directoryNames("\(root)/server/db")
                        #expect(!database.contains { $0.hasPrefix("joined-") || $0 == "state.db-wal" }, "\(database)")
                    }
                case "newer": try expectRefused(path, [4], name)
                case "enormous-sizes", "largest-revision", "largest-sequence": try expectRefused(path, [4, 5], name)
                case "garbage-database", "no-rows": try expectRefused(path, [1, 5], name)
                default: try expectRefused(path, [4, 5], name)
                }
            }
        }

        @Test func damaged() throws {
            let good = try Data(contentsOf: URL(fileURLWithPath: samples.smallArchive))
            let name = URL(fileURLWithPath: samples.smallArchive).lastPathComponent
            try createDirectory(place["damaged"])
            let path = "\(place["damaged"])/\(name)"
            func attempt(_ bytes: Data, _ note: String) throws {
                try bytes.write(to: URL(fileURLWithPath: path))
                try expectRefused(path, [4, 5], note)
            }
            for part in [3, 20, 50, 80, 99] {
                var flipped = good
                flipped[good.count * part / 100] ^= 0x10
                try attempt(flipped, "flipped at \(part) percent")
            }
            for length in [0, 10, good.count / 2, good.count - 1] {
                try attempt(good.prefix(length), "cut to \(length)")
            }
            try attempt(good + good, "twice")
            // The same file undamaged is restored.
            try good.write(to: URL(fileURLWithPath: path))
            let root = try samples.copyOfSmallNow(place, "good")
            #expect(try restore("run", path, root, "--yes").status == 0)
            try judge.expectRestored(root, "undamaged")
        }

        /// The archive is damaged after the plan, and again after an interruption.
        @Test(.enabled(if: Tools.hasStrace)) func damagedLater() throws {
            let name = URL(fileURLWithPath: samples.smallArchive).lastPathComponent
            try createDirectory(place["later"])
            let path = "\(place["later"])/\(name)"
            try require(["/bin/cp", samples.smallArchive, path])
            let root = try samples.copyOfSmallNow(place)
            let killed = try execute(
                injecting("signal=KILL", at: InjectionPoint(call: "write", number: 20))
                    + [Tools.daytwo, "restore", "run", path, "--data-dir", root, "--yes"])
            try #require(killed.isKilled)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let ended = try restore("resume", nil, root)
            #expect(ended.status == 4 || ended.status == 5, "\(ended.error)")
            #expect(try judge.whole(root, "damaged") == .old)
            try removeTree(path)
            #expect(try restore("resume", nil, root).status == 11)
            #expect(try judge.whole(root, "gone") == .old)
            // Without any archive there is the way back.
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 0, "\(back.error)")
            try judge.expectOld(root, "back")
        }
    }
}
