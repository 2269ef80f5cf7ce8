import Failures
import Files
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExtractionTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try createDirectory(scratch["root"])
        try createDirectory(scratch["outside"])
    }

    func put(_ text: String, _ path: String, _ extractor: TreeExtractor, mode: UInt32 = 0o640) throws {
        try extractor.begin(file: path, size: UInt64(text.utf8.count))
        try Array(text.utf8).withBytes { bytes throws(Failure) in try extractor.write(bytes) }
        try extractor.end(FileMetadata(mode: mode, modified: FileTime(seconds: 1000, nanoseconds: 5)))
    }

    @Test func writesATreeWithItsMetadata() throws {
        let extractor = try TreeExtractor(root: scratch["root"])
        let time = FileTime(seconds: 1_500_000_000, nanoseconds: 42)
        let owner: UInt32? = getuid() == 0 ? 1234 : nil
        // Unwritable, and listed before what is in it; the one in between is not listed at all.
        try extractor.directory("a/", FileMetadata(mode: 0o2550, uid: owner, modified: time))
        try put("one", "a/b/f", extractor)
        // Without the right to enter it, what is inside must be finished before.
        try extractor.directory("closed", FileMetadata(mode: 0o600))
        try extractor.directory("closed/inner", FileMetadata(mode: 0o750, modified: time))
        try put("", "a/empty", extractor, mode: 0o4755)
        try put("shut", "a/shut", extractor, mode: 0)
        try extractor.symbolicLink("a/b/l", to: "../empty", FileMetadata(modified: time))
        try extractor.finish()
        #expect(try scratch.text("root/a/b/f") == "one")
        let directory = try FileStatus(of: scratch["root/a"])
        #expect(directory.mode == 0o2550)
        #expect(directory.modified == time)
        #expect(owner == nil || directory.uid == 1234)
        let file = try FileStatus(of: scratch["root/a/b/f"])
        #expect(file.mode == 0o640)
        #expect(file.modified == FileTime(seconds: 1000, nanoseconds: 5))
        #expect(try FileStatus(of: scratch["root/a/empty"]).mode == 0o755)
        #expect(try FileStatus(of: scratch["root/a/shut"]).mode == 0)
        #expect(try FileStatus(of: scratch["root/closed"]).mode == 0o600)
        #expect(chmod(scratch["root/closed"], 0o700) == 0)
        #expect(try FileStatus(of: scratch["root/closed/inner"]).modified == time)
        let link = try FileStatus(of: scratch["root/a/b/l"])
        #expect(link.kind == .symbolicLink)
        #expect(link.modified == time)
    }

    @Test(arguments: [
        "../x", "a/../../x", "a/..", "..", ".", "", "/etc/passwd", "a//b", "a/./b", "a\0b", "a/", "/",
        String(repeating: "n", count: 256), String(repeating: "d/", count: 3000) + "f",
    ])
    func hostilePathsAreRefused(path: String) throws {
        let extractor = try TreeExtractor(root: scratch["root"])
        #expect(failure { try extractor.begin(file: path, size: 0) }.code == .refused)
        #expect(try scratch.names("root").isEmpty)
        #expect(try scratch.names() == ["outside", "root"])
    }

    @Test func combiningMarksDoNotHideSlashes() throws {
        let path = try TreePath("a/\u{301}b")
        #expect(path.components.count == 2)
        #expect(failure { _ = try TreePath("a/\u{301}/../../x") }.code == .refused)
    }

    @Test(arguments: [
        "/etc", "..", "../..", "x/../../..", "x/..", "", "../../outside", "a\0b", "./../../x",
    ])
    func linksThatLeaveAreRefused(target: String) throws {
        let extractor = try TreeExtractor(root: scratch["root"])
        let path = target == ".." ? "l" : "d/l"
        #expect(failure { try extractor.symbolicLink(path, to: target, FileMetadata()) }.code == .refused)
        #expect(try FileStatus.ifPresent(scratch["root/" + path]) == nil)
    }

    @Test func noLinkInAPathIsFollowed() throws {
        #expect(symlink("../outside", scratch["root/planted"]) == 0)
        #expect(symlink("../outside/f", scratch["root/file"]) == 0)
        let extractor = try TreeExtractor(root: scratch["root"])
        try extractor.symbolicLink("inner", to: "d", FileMetadata())
        #expect(failure { try extractor.begin(file: "planted/f", size: 0) }.code == .refused)
        #expect(failure { try extractor.begin(file: "planted/d/f", size: 0) }.code == .refused)
        #expect(failure { try extractor.begin(file: "inner/f", size: 0) }.code == .refused)
        #expect(failure { try extractor.begin(file: "file", size: 0) }.code == .refused)
        #expect(failure { try extractor.directory("planted", FileMetadata()) }.code == .refused)
        #expect(failure { try extractor.symbolicLink("planted/l", to: "x", FileMetadata()) }.code == .refused)
        #expect(try scratch.names("outside").isEmpty)
    }

    @Test func nothingIsWrittenTwice() throws {
        try scratch.write("there before", to: "root/old")
        let extractor = try TreeExtractor(root: scratch["root"])
        #expect(failure { try extractor.begin(file: "old", size: 0) }.code == .refused)
        #expect(try scratch.text("root/old") == "there before")
        try put("x", "f", extractor)
        #expect(failure { try extractor.begin(file: "f", size: 0) }.code == .refused)
        #expect(failure { try extractor.begin(file: "f/g", size: 0) }.code == .refused)
        #expect(failure { try extractor.symbolicLink("f", to: "old", FileMetadata()) }.code == .refused)
        try extractor.directory("d", FileMetadata())
        #expect(failure { try extractor.directory("d/", FileMetadata()) }.code == .refused)
        #expect(failure { try extractor.begin(file: "d", size: 0) }.code == .refused)
    }

    @Test func announcedSizesHold() throws {
        let extractor = try TreeExtractor(root: scratch["root"])
        try extractor.begin(file: "long", size: 2)
        #expect(
            failure { try Array("123".utf8).withBytes { bytes throws(Failure) in try extractor.write(bytes) } }.code
                == .refused)
        try extractor.begin(file: "short", size: 2)
        #expect(failure { try extractor.begin(file: "other", size: 2) }.code == .failed)
        #expect(failure { try extractor.end(FileMetadata()) }.code == .refused)
        #expect(failure { try extractor.end(FileMetadata()) }.code == .failed)
    }
}
