import AgentProtocol
import Datastore
import Failures
import Files
import Foundation
import JSONValues
import Operations
import Processes
import Synchronization
import Testing

extension RealBinary {
    /// Restores by way of the real `daytwo agent restore-…`, through pipes.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct RemoteRestoreTests {
        let place: Scratch
        let servers: VolumeServers
        let archive: OpenFile

        init() throws {
            place = try Scratch()
            try createDirectory(place["scratch"])
            servers = try VolumeServers.shared.get()
            archive = try OpenFile(servers.archive)
        }

        /// One operation of an agent of its own.
        func ask<Answer>(
            _ verb: String, _ root: String, _ context: OperationContext = testContext(), under: [String] = [],
            over wrapped: (ChildAgent) -> any AgentChannel = { $0.channel },
            _ body: (RemoteRestore) throws -> Answer
        ) throws -> Answer {
            let agent = try startAgent(
                "restore-\(verb)", ["--data-dir", root, "--scratch", place["scratch"]], under: under)
            let result = Result { try body(RemoteRestore(over: wrapped(agent), context)) }
            let ended = try end(of: agent)
            if case .success = result { #expect(ended == .exited(0), "\(verb)") }
            #expect(try files(below: place["scratch"]) == [], "\(verb)")
            return try result.get()
        }

        func plan(_ root: String, _ options: RemoteRestoreOptions = .init()) throws -> RemoteRestorePlan {
            try ask("plan", root) { try $0.plan(archive, named: servers.fileName, options) }
        }

        func run(
            _ root: String, _ options: RemoteRestoreOptions = .init(), expecting plan: RemoteRestorePlan? = nil
        ) throws -> RemoteRestoreOutcome {
            try ask("run", root) { try $0.run(archive, named: servers.fileName, options, expecting: plan) }
        }

        func list(_ root: String) throws -> [RemoteRestoreRun] { try ask("list", root) { try $0.list() } }

        func expectUntouched(_ root: String, _ note: String = "", _ location: SourceLocation = #_sourceLocation) throws
        {
            let differences = try TreePicture("\(root)/server").differences(servers.before)
            #expect(differences.isEmpty, "\(note) \(differences.prefix(5))", sourceLocation: location)
            let beside = try FileStatus.ifPresent("\(root)/.daytwo") == nil ? [] : directoryNames("\(root)/.daytwo")
            #expect(beside.filter { $0 != "lock" } == [], "\(note)", sourceLocation: location)
        }

        /// What was newer is there beside what the backup had.
        func expectCarried(
            _ root: String, _ journal: RestoreJournal, _ note: String = "",
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            let bump = try #require(journal.plan.bump, sourceLocation: location)
            let verdict = try servers.judge(root, bump: bump.revision)
            #expect(verdict.problems == [], "\(note)", sourceLocation: location)
            #expect(verdict.keys == servers.later.keys, "\(note)", sourceLocation: location)
            let old = try TreePicture("\(root)/.daytwo/\(journal.run)/server").differences(servers.before)
            #expect(old.isEmpty, "\(note): the old set: \(old.prefix(5))", sourceLocation: location)
        }

        @Test func plansWithoutATrace() throws {
            let root = try servers.copy(place)
            let plan = try plan(root)
            #expect(plan.plan.refusals == [] && plan.runningServer == nil && plan.datastoreIsReadable)
            #expect(plan.newerVolumes.map(\.key) == servers.later.keys)
            #expect(plan.newerVolumes.allSatisfy { $0.outcome == .carriedOver })
            #expect(plan.newerObjects == servers.later.others)
            #expect(plan.plan.source.path == servers.fileName && plan.plan.target.root == root)
            try expectUntouched(root)
            #expect(try FileStatus.ifPresent("\(root)/.daytwo") == nil)
        }

        @Test func runsAndGoesBack() throws {
            let root = try servers.copy(place)
            let outcome = try run(root, expecting: plan(root))
            #expect(outcome.state == .done && outcome.carriedOver.map(\.key) == servers.later.keys)
            #expect(outcome.authorities["server-ca"] == outcome.journal.plan.source.serverCA)
            #expect(outcome.authorities["server-ca"] != nil && outcome.authorities["client-ca"] != nil)
            #expect(outcome.oldSet == "\(root)/.daytwo/\(outcome.run)/server")
            try expectCarried(root, outcome.journal)
            let runs = try list(root)
            #expect(runs.map(\.run) == [outcome.run] && runs[0].isInPlace && !runs[0].needsArchive)
            #expect(runs[0].journal == outcome.journal)
            // The same record is read by a daytwo on that machine.
            let local = try execute([Tools.daytwo, "restore", "list", "--data-dir", root, "-o", "json"])
            #expect(local.status == 0 && local.output.contains(outcome.run), "\(local.error)")

            let back = try ask("rollback", root) { try $0.rollBack(run: nil) }
            #expect(back.state == .rolledBack && back.carriedOver == [] && back.oldSet == nil)
            let differences = try TreePicture("\(root)/server").differences(servers.before)
            #expect(differences.isEmpty, "\(differences.prefix(5))")
        }

        @Test func dropsWhenToldTo() throws {
            let root = try servers.copy(place)
            var options = RemoteRestoreOptions()
            options.newerVolumes = .drop
            options.discardsOld = true
            let plan = try plan(root, options)
            #expect(plan.newerVolumes.count > 5 && plan.newerVolumes.allSatisfy { $0.outcome == .lost })
            #expect(plan.plan.warnings.contains { $0.contains("are lost") && $0.contains("pv-later") })
            let outcome = try run(root, options, expecting: plan)
            let verdict = try servers.judge(root, bump: try #require(outcome.journal.plan.bump).revision)
            #expect(verdict.keys == [] && verdict.problems == [] && outcome.carriedOver == [])
            #expect(outcome.oldSet == nil && outcome.journal.isOldDiscarded)
        }

        @Test(arguments: ["corrupt", "missing", "empty"])
        func restoresOverWhatCannotBeRead(_ what: String) throws {
            let root = try servers.copy(place)
            let database = "\(root)/server/db/state.db"
            switch what {
            case "corrupt": _ = try python("volumes.py", "corrupt", database)
            case "missing":
                for name in try directoryNames("\(root)/server/db") where name.hasPrefix("state.db") {
                    try require(["/bin/rm", "\(root)/server/db/\(name)"])
                }
            default: try require(["/bin/sh", "-c", "rm '\(database)-wal'; : > '\(database)'"])
            }
            let plan = try plan(root)
            #expect(!plan.datastoreIsReadable && plan.newerVolumes == [] && plan.newerObjects == [:])
            #expect(plan.plan.warnings.contains { $0.contains("nothing can be carried over") })
            #expect(plan.plan.refusals == [])
            let outcome = try run(root, expecting: plan)
            #expect(outcome.state == .done && outcome.carriedOver == [])
            let verdict = try servers.judge(root, bump: try #require(outcome.journal.plan.bump).revision)
            #expect(verdict.keys == [] && verdict.problems == [])
        }

        @Test func holdsToThePlan() throws {
            let root = try servers.copy(place)
            var options = RemoteRestoreOptions()
            options.newerVolumes = .drop
            let dropping = try plan(root, options)
            let carrying = try plan(root)
            #expect(throws: Failure.self) { try run(root, expecting: dropping) }
            try expectUntouched(root, "other options")
            _ = try python(
                "node_object.py", "insert", "\(root)/server/db/state.db",
                "/registry/persistentvolumeclaims/default/unplanned", Tools.support("volumes.py"))
            let changed = try TreePicture("\(root)/server")
            let failure = #expect(throws: Failure.self) { try run(root, options, expecting: dropping) }
            #expect(failure?.code == .refused && failure?.why?.contains("unplanned would be lost") == true)
            #expect(try TreePicture("\(root)/server") == changed)
            #expect(try list(root).isEmpty)
            // What comes along besides is no loss.
            let outcome = try run(root, expecting: carrying)
            #expect(outcome.carriedOver.contains { $0.name == "unplanned" })
        }

        @Test func aServerThatRuns() throws {
            let root = try servers.copy(place)
            let server = try Running([
                "/usr/bin/env", "python3", "-B", Tools.support("restore_support.py"), "idle",
                "\(root)/server/db/state.db",
            ])
            try server.waitForOutput("ready")
            let plan = try plan(root)
            #expect(plan.runningServer?.contains("python3") == true && plan.plan.refusals == [])
            #expect(plan.newerVolumes.map(\.key) == servers.later.keys)
            let failure = #expect(throws: Failure.self) { try run(root, expecting: plan) }
            #expect(failure?.code == .refused && failure?.why?.contains("a k3s runs") == true)
            #expect(try list(root).isEmpty)
            server.kill()
            try expectCarried(root, run(root, expecting: plan).journal)
        }

        @Test func twoAtOnce() throws {
            let root = try servers.copy(place)
            try createDirectory("\(root)/.daytwo")
            let lock = try FileLock.lock("\(root)/.daytwo/lock", exclusive: true, holder: "another restore")
            let failure = #expect(throws: Failure.self) { try run(root) }
            #expect(failure?.code == .locked && failure?.why?.contains("another restore") == true)
            withExtendedLifetime(lock) {}
            _ = consume lock
            try expectUntouched(root)

            let results = Mutex<[Result<RemoteRestoreOutcome, any Error>]>([])
            let group = DispatchGroup()
            for _ in 0..<2 {
                group.enter()
                Thread { [self] in
                    let result = Result { try run(root) }
                    results.withLock { $0.append(result) }
                    group.leave()
                }.start()
            }
            group.wait()
            let outcomes = results.withLock { $0 }
            let done = outcomes.compactMap { try? $0.get() }
            #expect(done.count >= 1)
            for case .failure(let error) in outcomes {
                let code = (error as? Failure)?.code
                #expect(code == .locked || code == .refused, "\(error)")
            }
            #expect(try list(root).allSatisfy { $0.journal?.state == .done })
            if done.count == 1 { try expectCarried(root, done[0].journal) }
        }

        /// An archive that is whole in all but that its list of objects tells something else than its datastore has.
        @Test(arguments: ["hides", "invents", "lacks"])
        func aListOfObjects(_ what: String) throws {
            try createDirectory(place["tree"])
            try require(["/bin/tar", "--zstd", "-xf", servers.archive, "-C", place["tree"]])
            let top = "\(place["tree"])/\(try #require(try directoryNames(place["tree"]).first))"
            let list = "\(top)/objects.ndjson"
            switch what {
            case "hides": try require(["/bin/sed", "-i", "/persistentvolumes\\/pv-old\"/d", list])
            case "invents":
                try require(["/bin/sed", "-i", "s/claims\\/default\\/old\"/claims\\/later\\/data\"/", list])
            default:
                try require([
                    "/usr/bin/env", "python3", "-c",
                    """
                    import json, sys
                    with open(sys.argv[1] + "/inventory.json", "r+") as file:
                        inventory = json.load(file)
                        inventory["entries"] = [e for e in inventory["entries"] if e["path"] != "objects.ndjson"]
                        file.seek(0)
                        json.dump(inventory, file)
                        file.truncate()
                    """, top,
                ])
            }
            let forge = "\(Tools.package)/Tests/CommandTests/Support/forge.py"
            try require(["/usr/bin/env", "python3", "-B", forge, "--repack", top, place["forged"]])
            let forged = try OpenFile(place["forged"])
            let root = try servers.copy(place)
            let plan = try ask("plan", root) { try $0.plan(forged, named: "forged", .init()) }
            if what == "lacks" {
                #expect(!plan.datastoreIsReadable && plan.newerVolumes == [])
                return
            }
            #expect(try plan.newerVolumes != self.plan(root).newerVolumes)
            let failure = #expect(throws: Failure.self) {
                try ask("run", root) { try $0.run(forged, named: "forged", .init(), expecting: plan) }
            }
            #expect(failure?.code == .verificationFailed, "\(String(describing: failure))")
            #expect(failure?.what.contains("are not those of the plan") == true)
            try expectUntouched(root)
        }

        @Test func anArchiveThatIsNotWhole() throws {
            let root = try servers.copy(place)
            var bytes = try readFile(servers.archive, limit: 64 << 20)
            bytes[bytes.count / 2] ^= 1
            let failure = #expect(throws: Failure.self) {
                try ask("run", root) {
                    try $0.run(MemorySource(bytes), named: servers.fileName, .init(), expecting: nil)
                }
            }
            #expect(failure?.code == .verificationFailed, "\(String(describing: failure))")
            try expectUntouched(root)
            let cut = MemorySource(Array(bytes.prefix(bytes.count - 5)))
            #expect(throws: Failure.self) {
                try ask("run", root) { try $0.run(cut, named: "a", .init(), expecting: nil) }
            }
            for name in ["", "..", "../state.db", "a\nb"] {
                let refused = #expect(throws: Failure.self) {
                    try ask("plan", root) { try $0.plan(archive, named: name, .init()) }
                }
                #expect(refused?.code == .usage)
            }
            try expectUntouched(root)
        }

        /// A caller that sends other bytes than it says, or asks an agent that has not been told where.
        @Test func aCallerThatIsNotBelieved() throws {
            let root = try servers.copy(place)
            for (size, sent) in [(10, 11), (10, 9), (Int.max >> 1, 10)] {
                let agent = try startAgent("restore-run", ["--data-dir", root, "--scratch", place["scratch"]])
                let connection = try AgentConnection(over: agent.channel, to: .agent, uptime: testContext().uptime)
                let request = JSONValue.object([
                    JSONMember(
                        "archive",
                        .object([
                            JSONMember("fileName", .string("a")), JSONMember("size", .integer(Int64(size))),
                        ]))
                ])
                let failure = #expect(throws: Failure.self) {
                    try connection.send(.request(operation: "restore-run", request))
                    try [UInt8](repeating: 7, count: sent).withBytes { bytes throws(Failure) in
                        try connection.sendData(bytes)
                    }
                    try connection.awaitAcknowledgement(of: connection.endData())
                }
                #expect(failure?.code == (size > 100 ? .refused : .failed), "\(String(describing: failure))")
                connection.close()
                _ = try end(of: agent)
            }
            let agent = try startAgent("restore-list")
            let failure = #expect(throws: Failure.self) { try RemoteRestore(over: agent.channel, testContext()).list() }
            #expect(failure?.code == .usage)
            _ = try end(of: agent)
            try expectUntouched(root)
        }

        @Test func stopsWhenToldTo() throws {
            let root = try servers.copy(place)
            let isStopped = Atomic<Bool>(false)
            let context = testContext(
                checkStop: { () throws(Failure) in
                    if isStopped.load(ordering: .relaxed) { throw Failure(.failed, "somebody stopped it") }
                },
                report: { event in
                    if case .step(let text) = event, text.hasPrefix("agent: staging") {
                        isStopped.store(true, ordering: .relaxed)
                    }
                })
            // Slowed down, so that it is heard before all is over.
            let failure = #expect(throws: Failure.self) {
                try ask("run", root, context, under: Tools.hasStrace ? slowly("fsync", "20000") : []) {
                    try $0.run(archive, named: servers.fileName, .init(), expecting: nil)
                }
            }
            #expect(failure?.what == "somebody stopped it")
            try expectUntouched(root)
        }

        private func slowly(_ call: String, _ microseconds: String) -> [String] {
            [
                "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                "inject=\(call):delay_enter=\(microseconds)",
            ]
        }
    }
}
