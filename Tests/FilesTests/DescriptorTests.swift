import Failures
import Files
import Glibc
import Testing

@Suite struct DescriptorTests {
    @Test(arguments: [
        (ENOENT, Failure.Code.notFound), (EACCES, .denied), (EPERM, .denied), (EROFS, .denied), (ENOSPC, .failed),
        (EDQUOT, .failed), (EIO, .failed), (EEXIST, .refused), (ELOOP, .refused),
    ])
    func errnoMapsToOneCode(number: Int32, code: Failure.Code) {
        let failure = Failure.system("open", "/some/where", number)
        #expect(failure.code == code)
        #expect(failure.systemError == number)
        #expect(failure.description.contains("/some/where"))
        #expect(failure.description.contains(String(cString: strerror(number))))
        if number == ENOSPC || number == EDQUOT { #expect(failure.next?.hasPrefix("Free space") == true) }
    }

    @Test func missingFileIsNotFoundAndNamed() throws {
        let scratch = try Scratch()
        let failure = failure { _ = try FileDescriptor(opening: scratch["none"]) }
        #expect(failure.code == .notFound)
        #expect(failure.description.contains(scratch["none"]))
    }

    @Test func nulInAPathIsRefusedInsteadOfCut() throws {
        let scratch = try Scratch()
        try scratch.write("x", to: "a")
        #expect(failure { _ = try FileDescriptor(opening: scratch["a\0b"]) }.code == .refused)
    }

    @Test func writesAndReadsAtOffsets() throws {
        let scratch = try Scratch()
        let file = try FileDescriptor(opening: scratch["f"], O_RDWR | O_CREAT | O_EXCL)
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try bytes.withBytes { buffer throws(Failure) in try file.writeAll(buffer, at: 100) }
        var back = [UInt8](repeating: 0, count: bytes.count)
        try back.withMutableBytes { buffer throws(Failure) in try file.readExactly(into: buffer, at: 100) }
        #expect(back == bytes)
        #expect(try file.status().size == 300_100)
        let short = failure {
            try back.withMutableBytes { buffer throws(Failure) in try file.readExactly(into: buffer, at: 101) }
        }
        #expect(short.description.contains("1 bytes before expected"))
        try file.truncate(to: 7)
        #expect(try file.status().size == 7)
        try file.close()
    }

    @Test func scratchFilesHaveNoNameAndAreSpacious() throws {
        let scratch = try Scratch()
        let file = try FileDescriptor.temporary(in: scratch.path)
        #expect(try scratch.names().isEmpty)
        let status = try file.status()
        #expect(status.links == 0)
        #expect(status.mode == 0o600)
        try Array("x".utf8).withBytes { buffer throws(Failure) in try file.writeAll(buffer, at: 0) }
        #expect(failure { _ = try FileDescriptor.temporary(in: scratch["none"]) }.code == .notFound)
    }

    @Test func sourcesReadRangesAndNothingBeyond() throws {
        let scratch = try Scratch()
        try scratch.write("0123456789", to: "f")
        let file = try OpenFile(scratch["f"])
        #expect(file.size == 10)
        let part = try file.range(at: 3, size: 4)
        var bytes = [UInt8](repeating: 0, count: 4)
        try bytes.withMutableBytes { buffer throws(Failure) in try part.read(into: buffer, at: 0) }
        #expect(String(decoding: bytes, as: UTF8.self) == "3456")
        _ = failure { try bytes.withMutableBytes { buffer throws(Failure) in try part.read(into: buffer, at: 1) } }
        _ = failure { try bytes.withMutableBytes { buffer throws(Failure) in try part.read(into: buffer, at: .max) } }
        _ = failure { _ = try file.range(at: 8, size: 3) }
        _ = failure { _ = try file.range(at: .max, size: .max) }
        // Cut behind our back: an error, never zeros.
        try scratch.write("0", to: "f")
        _ = failure { try bytes.withMutableBytes { buffer throws(Failure) in try file.read(into: buffer, at: 0) } }
    }

    @Test(.timeLimit(.minutes(1))) func pipesAndDirectoriesAreNoSources() throws {
        let scratch = try Scratch()
        #expect(mkfifo(scratch["pipe"], 0o600) == 0)
        #expect(failure { _ = try OpenFile(scratch["pipe"]) }.code == .refused)
        #expect(failure { _ = try OpenFile(scratch.path) }.code == .refused)
        #expect(symlink("pipe", scratch["link"]) == 0)
        #expect(failure { _ = try OpenFile(scratch["link"], following: false) }.code == .refused)
    }

    @Test func readFileHasALimit() throws {
        let scratch = try Scratch()
        try scratch.write("12345", to: "f")
        #expect(try readFile(scratch["f"], limit: 5).count == 5)
        #expect(failure { _ = try readFile(scratch["f"], limit: 4) }.code == .refused)
    }

    @Test func statusTellsKindModeAndNanoseconds() throws {
        let scratch = try Scratch()
        try scratch.write("abc", to: "f", mode: 0o640)
        let time = FileTime(seconds: 1_700_000_000, nanoseconds: 123_456_789)
        try setMetadata(scratch["f"], FileMetadata(mode: 0o4751, modified: time))
        let status = try FileStatus(of: scratch["f"])
        #expect(status.kind == .regular)
        #expect(status.mode == 0o4751)
        #expect(status.size == 3)
        #expect(status.modified == time)
        #expect(status.links == 1)
        #expect(try FileStatus(of: scratch.path).kind == .directory)
        #expect(try FileStatus.ifPresent(scratch["none"]) == nil)
        #expect(try FileStatus.ifPresent(scratch["f/below"]) == nil)
        #expect(try FileStatus(of: "/dev/null").kind == .characterDevice)
    }
}
