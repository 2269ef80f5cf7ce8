import Failures
import Glibc
import Testing

@testable import Files

/// What is used only where a file system or kernel lacks the better way.
@Suite struct FallbackTests {
    @Test func linkingIsAsExclusiveAsRenaming() throws {
        let scratch = try Scratch()
        try scratch.write("new", to: "a")
        try scratch.write("old", to: "taken")
        let directory = try FileDescriptor(opening: scratch.path, O_DIRECTORY)
        #expect(failure { try linkNew("a", in: directory, to: "taken", in: directory) }.code == .refused)
        #expect(try scratch.text("taken") == "old")
        try linkNew("a", in: directory, to: "b", in: directory)
        #expect(try scratch.names() == ["b", "taken"])
        #expect(try scratch.text("b") == "new")
        // A request that was repeated after it had worked.
        #expect(link(scratch["b"], scratch["c"]) == 0)
        try linkNew("b", in: directory, to: "c", in: directory)
        #expect(try scratch.names() == ["c", "taken"])
        try createDirectory(scratch["d"])
        #expect(failure { try linkNew("d", in: directory, to: "e", in: directory) }.code == .refused)
    }

    @Test func directoriesThatCannotBeMadeAreAnAnswer() {
        // procfs says ENOENT however often the directory above is made sure of.
        #expect(failure { try createDirectory("/proc/nothing") }.code == .notFound)
        #expect(failure { try createDirectory("/proc/nothing/below") }.code == .notFound)
    }

    @Test func namedScratchFilesLoseTheirName() throws {
        let scratch = try Scratch()
        let file = try FileDescriptor.namedTemporary(in: scratch.path)
        #expect(try scratch.names().isEmpty)
        #expect(try file.status().links == 0)
        #expect(try file.status().mode == 0o600)
    }

    @Test func mountPointsAreReadFromTheKernel() throws {
        #expect(try mountPoints().contains("/proc"))
        #expect(unescapeMount(ArraySlice(#"/a\040b\134\011"#.utf8)) == "/a b\\\t")
        #expect(unescapeMount(ArraySlice(#"/a\04"#.utf8)) == #"/a\04"#)
    }

    @Test func permissionsAreDenied() throws {
        guard getuid() != 0 else { try Test.cancel("root is denied nothing") }
        let scratch = try Scratch()
        try createDirectory(scratch["d"], mode: 0o500)
        #expect(failure { try durablyWrite([1], to: scratch["d/f"]) }.code == .denied)
        try scratch.write("x", to: "shut", mode: 0)
        #expect(failure { _ = try OpenFile(scratch["shut"]) }.code == .denied)
        #expect(failure { try setMetadata(scratch["d"], FileMetadata(uid: 0)) }.code == .denied)
        #expect(try !setMetadata(scratch["d"], FileMetadata(uid: 0), owner: .whenPermitted))
        try createDirectory(scratch["t/closed"])
        #expect(chmod(scratch["t/closed"], 0) == 0)
        #expect(failure { _ = try walkTree(scratch["t"]) }.code == .denied)
        var skipped: [String] = []
        let entries = try walkTree(scratch["t"]) { path, _ throws(Failure) in skipped.append(path) }
        #expect(skipped == ["closed"])
        #expect(entries.map(\.path) == ["closed"])
    }
}
