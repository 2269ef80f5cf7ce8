import Failures
import Foundation
import Testing

@testable import Archive

/// The archive in the hands of programs that know nothing of daytwo.
@Suite(.timeLimit(.minutes(1)))
struct ToolsTests {
    private static func run(_ arguments: [String], in folder: URL) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private static func withArchive(_ entries: [ArchiveInput], _ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daytwo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch { Issue.record(error) }
        }
        let (bytes, _) = try write(contents(entries))
        try Data(bytes).write(to: folder.appending(path: "blue.tar.zst"))
        try body(folder)
    }

    @Test func tarAndSha256sumOpenIt() throws {
        let entries = variedEntries()
        try Self.withArchive(entries) { folder in
            let tar = try Self.run(["tar", "--zstd", "--numeric-owner", "-xpf", "blue.tar.zst"], in: folder)
            #expect(tar.status == 0)
            #expect(tar.output == "", "tar must have nothing to say")
            let top = folder.appending(path: "blue")
            let sums = try Self.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], in: top)
            #expect(sums.status == 0, "\(sums.output)")
            let files = entries.filter { $0.header.kind == .file }.count
            #expect(sums.output.split(separator: "\n").filter { $0.hasSuffix(": OK") }.count == files + 2)
            for entry in entries {
                let header = entry.header
                let stat = try Self.run(["stat", "-c", "%a|%u|%g|%s|%.9Y|%F", header.path], in: top)
                let kind: String
                switch header.kind {
                case .file: kind = header.size == 0 ? "regular empty file" : "regular file"
                case .directory: kind = "directory"
                case .symbolicLink(let target):
                    kind = "symbolic link"
                    #expect(try Self.run(["readlink", header.path], in: top).output == target + "\n")
                    continue
                }
                let fields = stat.output.dropLast().split(separator: "|").map(String.init)
                #expect(fields.count == 6, "\(stat.output)")
                #expect(fields.first == String(header.mode, radix: 8), "\(header.path)")
                if getuid() == 0 { #expect(fields[1...2] == [String(header.userID), String(header.groupID)]) }
                if header.kind == .file { #expect(fields[3] == String(header.size)) }
                #expect(fields.last == kind)
                if header.kind == .file {
                    let nanoseconds = String(1_000_000_000 + Int(header.modificationNanoseconds)).dropFirst()
                    #expect(fields[4] == "\(header.modificationSeconds).\(nanoseconds)")
                }
            }
        }
    }

    @Test func zstdTestsAndListsIt() throws {
        try Self.withArchive(variedEntries()) { folder in
            let test = try Self.run(["zstd", "-t", "blue.tar.zst"], in: folder)
            #expect(test.status == 0, "\(test.output)")
            let list = try Self.run(["zstd", "-lv", "blue.tar.zst"], in: folder)
            #expect(list.status == 0)
            #expect(list.output.contains("# Skippable Frames: 2"))
        }
    }

    @Test func whatTarAndZstdMakeIsNoArchive() throws {
        try Self.withArchive(variedEntries()) { folder in
            let again = try Self.run(
                ["sh", "-c", "tar --zstd -xf blue.tar.zst && tar --zstd -cf b.zst blue"], in: folder)
            #expect(again.status == 0)
            let bytes = try [UInt8](Data(contentsOf: folder.appending(path: "b.zst")))
            let failure = #expect(throws: Failure.self) { try verify(bytes) }
            #expect(failure?.what == "blue.tar.zst is not a daytwo archive")
            let repacked = try Self.run(["sh", "-c", "zstd -dc blue.tar.zst | zstd -c"], in: folder)
            #expect(repacked.status == 0)
        }
    }
}
