import Failures
import Files
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct TreeTests {
    func sample(_ scratch: Scratch) throws {
        try createDirectory(scratch["t/a/deep"])
        try createDirectory(scratch["outside"])
        try scratch.write("precious", to: "outside/keep")
        try scratch.write("1", to: "t/a/deep/f")
        try scratch.write("2", to: "t/a-b")
        #expect(symlink("../../outside", scratch["t/a/out"]) == 0)
        #expect(mkfifo(scratch["t/pipe"], 0o600) == 0)
    }

    @Test func walkIsSortedByBytesAndFollowsNothing() throws {
        let scratch = try Scratch()
        try sample(scratch)
        let entries = try walkTree(scratch["t"])
        #expect(entries.map(\.path) == ["a", "a-b", "a/deep", "a/deep/f", "a/out", "pipe"])
        #expect(entries.map(\.status.kind) == [.directory, .regular, .directory, .regular, .symbolicLink, .fifo])
        #expect(entries[4].linkTarget == "../../outside")
        #expect(entries.allSatisfy { !$0.isMountPoint })
    }

    @Test func aNameThatIsNotUTF8StopsTheWalkOrIsNamed() throws {
        let scratch = try Scratch()
        try createDirectory(scratch["t/d"])
        let raw: [CChar] = Array(scratch["t/d/bad"].utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
        #expect(mkdir(raw, 0o700) == 0)
        try scratch.write("x", to: "t/z")
        #expect(failure { _ = try walkTree(scratch["t"]) }.code == .refused)
        var skipped: [String] = []
        let entries = try walkTree(scratch["t"]) { path, _ throws(Failure) in skipped.append(path) }
        #expect(entries.map(\.path) == ["d", "z"])
        #expect(skipped == ["d/bad\u{FFFD}"])
        // Whoever aborts from the closure gets exactly that failure, once.
        var calls = 0
        let stop = failure {
            _ = try walkTree(scratch["t"]) { _, _ throws(Failure) in
                calls += 1
                throw Failure(.usage, "stop")
            }
        }
        #expect(stop.code == .usage)
        #expect(calls == 1)
        try removeTree(scratch["t"])
        #expect(try scratch.names().isEmpty)
    }

    @Test func removeTreeStaysInside() throws {
        let scratch = try Scratch()
        try sample(scratch)
        try removeTree(scratch["t"])
        #expect(try scratch.names() == ["outside"])
        #expect(try scratch.text("outside/keep") == "precious")
        #expect(symlink("outside", scratch["link"]) == 0)
        try removeTree(scratch["link"])
        #expect(try scratch.names() == ["outside"])
        try removeTree(scratch["none"])
        try removeTree(scratch["none/at/all"])
    }

    @Test func removeTreeOpensWhatIsShut() throws {
        let scratch = try Scratch()
        try createDirectory(scratch["t/a/b"])
        try scratch.write("x", to: "t/a/b/f", mode: 0)
        for name in ["t/a/b", "t/a"] { #expect(chmod(scratch[name], 0) == 0) }
        try removeTree(scratch["t"])
        #expect(try scratch.names().isEmpty)
    }

    @Test(arguments: ["/", "", ".", "..", "x/..", "/tmp/.."])
    func removeTreeRefusesWhatNamesNoSingleDirectory(path: String) {
        #expect(failure { try removeTree(path) }.code == .refused)
    }

    @Test func mountsAreNotCrossed() throws {
        let scratch = try Scratch()
        try createDirectory(scratch["t/tmpfs"])
        try createDirectory(scratch["t/bind"])
        try createDirectory(scratch["source"])
        try scratch.write("precious", to: "source/keep")
        guard try run("mount", "-t", "tmpfs", "daytwo-test", scratch["t/tmpfs"]) == 0 else {
            try Test.cancel("needs the right to mount (root)")
        }
        defer { _ = try? run("umount", scratch["t/tmpfs"]) }
        try #require(try run("mount", "--bind", scratch["source"], scratch["t/bind"]) == 0)
        defer { _ = try? run("umount", scratch["t/bind"]) }
        try scratch.write("inside", to: "t/tmpfs/f")
        #expect(try isMountPoint(scratch["t/tmpfs"]))
        #expect(try isMountPoint(scratch["t/bind"]))
        #expect(try !isMountPoint(scratch["t"]))
        let entries = try walkTree(scratch["t"])
        #expect(entries.map(\.path) == ["bind", "tmpfs"])
        #expect(entries.allSatisfy { $0.isMountPoint })
        #expect(failure { try removeTree(scratch["t"]) }.code == .refused)
        #expect(try scratch.text("source/keep") == "precious")
        #expect(try scratch.text("t/tmpfs/f") == "inside")
        #expect(try FileSystemFacts(of: scratch["t/tmpfs"]).typeName == "tmpfs")
        #expect(failure { try exchange(scratch["source"], scratch["t/tmpfs/f"]) }.code == .refused)
        let extractor = try TreeExtractor(root: scratch["t"])
        _ = failure { try extractor.begin(file: "bind/x", size: 0) }
        #expect(try scratch.names("source") == ["keep"])
    }

    @Test func factsNameTheFileSystem() throws {
        #expect(try FileSystemFacts(of: "/proc").typeName == "proc")
        let facts = try FileSystemFacts(of: "/tmp")
        #expect(!facts.isNetwork)
        #expect(facts.freeBytes > 0)
        #expect(facts.device == (try FileStatus(of: "/tmp").device))
        #expect(try isMountPoint("/proc"))
        #expect(failure { _ = try FileSystemFacts(of: "/none/at/all") }.code == .notFound)
    }

    @Test func exchangeSwapsWholeTrees() throws {
        let scratch = try Scratch()
        try createDirectory(scratch["a/sub"])
        try createDirectory(scratch["b"])
        try scratch.write("was a", to: "a/sub/f")
        try exchange(scratch["a"], scratch["b"])
        #expect(try scratch.text("b/sub/f") == "was a")
        #expect(try scratch.names("a").isEmpty)
        #expect(failure { try exchange(scratch["a"], scratch["none"]) }.code == .notFound)
        #expect(failure { try renameNew(scratch["a"], to: scratch["b"]) }.code == .refused)
        try renameNew(scratch["a"], to: scratch["c"])
        #expect(try scratch.names() == ["b", "c"])
    }

    @Test func copiesKeepMetadataAndBytes() throws {
        let scratch = try Scratch()
        let text = String(repeating: "0123456789abcdef", count: 150_000)
        try scratch.write(text, to: "f")
        let time = FileTime(seconds: 1_600_000_000, nanoseconds: 987_654_321)
        let owner: UInt32? = getuid() == 0 ? 4242 : nil
        try setMetadata(scratch["f"], FileMetadata(mode: 0o2741, uid: owner, gid: owner, modified: time))
        #expect(try copyFile(from: scratch["f"], to: scratch["g"]))
        let (old, new) = try (FileStatus(of: scratch["f"]), FileStatus(of: scratch["g"]))
        #expect((old.mode, old.uid, old.gid, old.size) == (new.mode, new.uid, new.gid, new.size))
        #expect(new.mode == 0o2741)
        #expect(new.modified == time)
        #expect(try readFile(scratch["g"], limit: 4 << 20) == Array(text.utf8))
        #expect(failure { _ = try copyFile(from: scratch["f"], to: scratch["g"]) }.code == .refused)
        #expect(symlink("f", scratch["l"]) == 0)
        #expect(failure { _ = try copyFile(from: scratch["l"], to: scratch["h"]) }.code == .refused)
        #expect(failure { _ = try copyFile(from: scratch.path, to: scratch["h"]) }.code == .refused)
        // procfs has neither clones nor sizes: the plain way reads to the real end.
        try copyFile(from: "/proc/self/cmdline", to: scratch["p"])
        #expect(try FileStatus(of: scratch["p"]).size > 0)
    }

    @Test func synchronizeTreeTakesAllKinds() throws {
        let scratch = try Scratch()
        try sample(scratch)
        try synchronizeTree(scratch["t"])
        try synchronizeDirectory(scratch["t"])
        #expect(failure { try synchronizeTree(scratch["none"]) }.code == .notFound)
    }

    @Test func createDirectoryMakesParentsAndRefusesFiles() throws {
        let scratch = try Scratch()
        try createDirectory(scratch["a/b/c"])
        try createDirectory(scratch["a/b/c"])
        #expect(try FileStatus(of: scratch["a/b"]).mode == 0o700)
        try scratch.write("", to: "f")
        #expect(failure { try createDirectory(scratch["f"]) }.code == .refused)
        _ = failure { try createDirectory(scratch["f/g"]) }
    }

    @Test func locksExcludeAndNameTheirHolder() throws {
        let scratch = try Scratch()
        let path = scratch["lock"]
        do {
            let lock = try FileLock.lock(path, exclusive: true, holder: "pid 7, restore of blue, since noon")
            #expect(try FileLock.tryLock(path, exclusive: false) == nil)
            let other = failure { _ = try FileLock.lock(path, exclusive: true) }
            #expect(other.code == .locked)
            #expect(other.description.contains("restore of blue"))
            #expect(lock.path == path)
        }
        let one = try FileLock.tryLock(path, exclusive: false)
        let two = try FileLock.tryLock(path, exclusive: false)
        #expect(one != nil && two != nil)
        #expect(try FileLock.tryLock(path, exclusive: true) == nil)
        #expect(try FileLock.holder(path).contains("restore of blue"))
        #expect(symlink("lock", scratch["link"]) == 0)
        #expect(failure { _ = try FileLock.tryLock(scratch["link"], exclusive: true) }.code == .refused)
    }
}
