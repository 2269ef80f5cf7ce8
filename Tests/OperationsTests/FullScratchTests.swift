import AgentProtocol
import Datastore
import Failures
import Files
import Foundation
import Operations
import Processes
import Stores
import Testing

extension RealBinary {
    /// The scratch space of an agent on a host is small, and may be full: really full, on a tmpfs of a few files or bytes.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct FullScratchTests {
        private let place: Scratch
        private let store: DirectoryStore

        init() throws {
            place = try Scratch()
            for name in ["store", "scratch"] { try createDirectory(place[name]) }
            store = try DirectoryStore(place["store"], for: .writing)
        }

        /// What there is room for: so many files, its directory among them, or so many bytes.
        private static let limits =
            (1...12).map { "nr_inodes=\($0)" } + (0...11).map { "size=\(64 << $0)k" }

        private func onScratch(_ limit: String, _ body: () throws -> Void) throws {
            let mounted = try execute([
                "/usr/bin/env", "mount", "-t", "tmpfs", "-o", limit, "daytwo-test", place["scratch"],
            ])
            guard mounted.status == 0 else { try Test.cancel("needs the right to mount a tmpfs (root)") }
            defer { _ = try? execute(["/usr/bin/env", "umount", place["scratch"]]) }
            try body()
        }

        /// Makes room step by step: each attempt fails well, until one succeeds; gives how many failed for want of files and of
        /// bytes.
        private func eachLimit(_ attempt: (String) throws -> Failure?) throws -> (files: Int, bytes: Int) {
            var failed = (files: 0, bytes: 0)
            var succeeded = (files: false, bytes: false)
            for limit in Self.limits {
                let isFiles = limit.hasPrefix("nr_inodes")
                if isFiles ? succeeded.files : succeeded.bytes { continue }
                try onScratch(limit) {
                    guard let failure = try attempt(limit) else {
                        if isFiles { succeeded.files = true } else { succeeded.bytes = true }
                        return
                    }
                    if isFiles { failed.files += 1 } else { failed.bytes += 1 }
                    #expect([.failed, .refused].contains(failure.code), "\(limit): \(failure)")
                    let text = "\(failure)"
                    #expect(text.contains("No space left") || text.contains("too little space"), "\(limit): \(text)")
                    #expect(try files(below: place["scratch"]) == [], "\(limit)")
                }
            }
            #expect(succeeded.files && succeeded.bytes, "there was enough room in the end")
            return failed
        }

        @Test func aBackupIsWholeOrNone() throws {
            var stored = 0
            let root = try SampleServers.shared.get().scratch[SampleServers.fixtures[0]]
            let before = try TreePicture("\(root)/server")
            let failed = try eachLimit { limit in
                let request = try RemoteBackupRequest(
                    cluster: ClusterPath(host: "east", namespace: "team", name: "blue"), dataDirectory: root,
                    scratchDirectory: place["scratch"])
                let agent = try startAgent("backup")
                let result = Result { try RemoteBackup(request, to: store, over: agent.channel, testContext()).run() }
                let ended = try end(of: agent)
                guard case .failure(let error) = result else {
                    #expect(ended == .exited(0), "\(limit)")
                    stored += 1
                    return nil
                }
                #expect(try store.list().entries.count == stored, "\(limit)")
                return try #require(error as? Failure, "\(limit)")
            }
            #expect(failed.files > 0 && failed.bytes > 1, "\(failed)")
            // Those with room enough: of files, and of bytes.
            #expect(try store.list().entries.count == 2)
            #expect(try files(below: place["store"]).filter { $0.contains(".tmp") || $0.contains("partial") } == [])
            #expect(try TreePicture("\(root)/server") == before)
        }

        @Test func aRestoreChangesNothingOrAll() throws {
            let samples = try SampleServers.shared.get()
            let archive = try OpenFile(samples.smallArchive)
            let failed = try eachLimit { limit in
                let root = try samples.copyOfSmallNow(place, "data-\(limit)")
                let agent = try startAgent("restore-run", ["--data-dir", root, "--scratch", place["scratch"]])
                let result = Result {
                    try RemoteRestore(over: agent.channel, testContext()).run(
                        archive, named: "blue.tar.zst", RemoteRestoreOptions(), expecting: nil)
                }
                _ = try end(of: agent)
                guard case .failure(let error) = result else { return nil }
                #expect(try TreePicture("\(root)/server") == samples.before, "\(limit)")
                return try #require(error as? Failure, "\(limit)")
            }
            #expect(failed.files > 0, "\(failed)")
        }
    }
}
