import Files
import Foundation
import Testing

extension RealBinary {
    /// What the archive does not hold, and what becomes of the old set.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct CarryOverTests {
        private let place: Scratch
        private let samples: SampleServers
        private let judge: Judge

        init() throws {
            place = try Scratch()
            samples = try SampleServers.shared.get()
            judge = Judge(samples)
        }

        private func append(_ text: String, to path: String) throws {
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
        }

        @Test func carriedFilesAreTheirOwn() throws {
            let root = try samples.copyOfSmallNow(place)
            try require([
                "/usr/bin/env", "python3", "-c",
                "import os, sys; open(os.fsencode(sys.argv[1]) + b'/bad-\\xff', 'w').close()",
                "\(root)/server/mine",
            ])
            let before = try TreePicture("\(root)/server/db")
            let ended = try restore("run", samples.smallArchive, root, "--yes")
            try #require(ended.status == 0, "\(ended.error)")
            // What cannot be carried is named, and so is what the archive's whole directories leave out.
            #expect(ended.error.contains("server/manifests/later.yaml is not in the backup"), "\(ended.error)")
            #expect(ended.error.contains("server/mine/bad-"), "\(ended.error)")
            let runs = try directoryNames("\(root)/.daytwo").filter { $0 != "lock" }
            try #require(runs.count == 1)
            let old = "\(root)/.daytwo/\(runs[0])/server"
            #expect(try FileStatus.ifPresent("\(root)/server/manifests/later.yaml") == nil)
            #expect(try FileStatus.ifPresent("\(old)/manifests/later.yaml") != nil)

            func inode(_ path: String) throws -> UInt64 { try FileStatus(of: path).inode }
            #expect(try inode("\(old)/db/snapshots/on-demand-1") == inode("\(root)/server/db/snapshots/on-demand-1"))
            for path in ["db/unknown.txt", "mine/deep/notes.txt"] {
                #expect(try inode("\(old)/\(path)") != inode("\(root)/server/\(path)"), "\(path) is a copy")
                try append("changed by a server", to: "\(root)/server/\(path)")
            }
            try removeTree("\(root)/server/db/snapshots/on-demand-1")
            #expect(try TreePicture("\(old)/db").differences(before) == [])
            #expect(try readFile("\(old)/mine/deep/notes.txt", limit: 100) == Array("a person's own notes".utf8))
            #expect(try FileStatus.ifPresent("\(root)/server/mine/bad-\u{FFFD}") == nil)
        }

        @Test func discardOnTheWayAndLater() throws {
            let root = try samples.copyOfSmallNow(place)
            #expect(try restore("run", samples.smallArchive, root, "--yes", "--discard-old").status == 0)
            #expect(try judge.whole(root, "discarded") == .new)
            #expect(try judge.sets(root) == [])
            let back = try restore("rollback", nil, root, "--yes")
            #expect(back.status == 11, "nothing to go back to: \(back.error)")

            let later = try samples.copyOfSmallNow(place, "later")
            #expect(try restore("run", samples.smallArchive, later, "--yes").status == 0)
            try judge.expectRestored(later, "kept aside")
            #expect(try restore("resume", nil, later).status == 11, "there is nothing to finish")
            #expect(try judge.sets(later).count == 1)
            let unasked = try restore("resume", nil, later, "--discard-old")
            #expect(unasked.status == 64 && unasked.error.contains("--yes"), "\(unasked.error)")
            #expect(try judge.sets(later).count == 1)
            let discard = try restore("resume", nil, later, "--discard-old", "--yes")
            #expect(discard.status == 0, "\(discard.error)")
            #expect(try judge.sets(later) == [])
            #expect(try judge.whole(later, "discarded later") == .new)
        }

        @Test func discardAfterARollbackRemovesNothing() throws {
            let root = try samples.copyOfSmallNow(place)
            #expect(try restore("run", samples.smallArchive, root, "--yes").status == 0)
            let runs = try directoryNames("\(root)/.daytwo").filter { $0 != "lock" }
            #expect(try restore("rollback", nil, root, "--yes").status == 0)
            let ended = try restore("resume", runs[0], root, "--discard-old", "--yes")
            #expect(ended.status == 4, "\(ended.error)")
            try judge.expectOld(root, "rolled back")
        }

        /// What the kernel says of a file system is put in place by strace: 0x6969 is NFS.
        @Test(.enabled(if: Tools.hasStrace)) func networkFileSystemIsRefused() throws {
            let root = try samples.copyOfSmallNow(place)
            let asNFS = [
                "/usr/bin/strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fstatfs", "-e",
                "inject=fstatfs:poke_exit=@arg2=6969000000000000",
            ]
            let ended = try restore("run", samples.smallArchive, root, "--yes", under: asNFS)
            #expect(ended.status == 4 && ended.error.contains("is on nfs"), "\(ended.status) \(ended.error)")
            #expect(try FileStatus.ifPresent("\(root)/.daytwo") == nil)
            try judge.expectOld(root, "nfs")
        }
    }
}
