import Foundation
import Testing

@Suite("Signals and streams", .timeLimit(.minutes(2)))
struct SignalTests {
    @Test(
        "A backup that is stopped says how to go on, and leaves nothing",
        arguments: [(SIGINT, 130 as Int32), (SIGTERM, 143 as Int32)])
    func stopped(_ signal: Int32, _ code: Int32) throws {
        let fixture = try CommandFixture()
        let directory = try fixture.dataDirectory()
        let store = fixture.store
        let result = try fixture.daytwo(
            ["backup", "create", "--data-dir", directory, "--name", "blue", "--store", store],
            whileRunning: { process in
                // The store is made once the command is on its way.
                guard FileManager.default.fileExists(atPath: store) else { return false }
                kill(process, signal)
                return true
            })
        #expect(result.code == code, "\(result.text)\(result.errors)")
        #expect(result.errors.contains("next: nothing was stored; run the command again"))
        #expect(try fixture.tool("find", store, "-type", "f") == "")
    }

    @Test("A reader that goes away ends a listing as it ends every tool")
    func brokenPipe() throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let command = try fixture.command(["backup", "ls", "--objects", archive]).joined(separator: " ")
        let result = try fixture.tool("bash", "-c", "\(command) | head -1 | wc -l; echo ${PIPESTATUS[0]}")
        #expect(result.split(whereSeparator: \.isNewline) == ["1", "141"])
    }

    @Test("A result that cannot be written is an error")
    func fullOutput() throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let result = try fixture.daytwo(["backup", "ls", archive], output: "/dev/full")
        #expect(result.code == 1)
        #expect(result.errors.contains("cannot write the result to stdout"))
    }

    @Test("On a terminal a deletion is asked about", arguments: [("n", 4 as Int32), ("", 4), ("y", 0)])
    func confirmation(_ answer: String, _ code: Int32) throws {
        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let command = try fixture.command(["backup", "delete", archive]).joined(separator: " ")
        let result = try ChildProcess(
            arguments: ["sh", "-c", "printf '\(answer)\\n' | script -qec '\(command)' /dev/null"]
        ).run(below: fixture.root)
        #expect(result.code == code, "\(result.text)")
        #expect(result.text.contains("[y/N]"))
        #expect(FileManager.default.fileExists(atPath: archive) == (code != 0))
    }
}
