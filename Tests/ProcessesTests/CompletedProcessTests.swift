import Failures
import Foundation
import Glibc
import Processes
import Testing

@Suite struct CompletedProcessTests {
    @Test func `input is read and output kept`() throws {
        let input = Array(String(repeating: "line of input\n", count: 50_000).utf8)
        let result = try shell("cat", input: input, limit: 1 << 20)
        #expect(result.end == .exited(0))
        #expect(result.output == input)
        #expect(try shell("cat").output.isEmpty)
    }

    @Test func `a program that does not read its input is no trouble`() throws {
        let result = try shell("exit 0", input: [UInt8](repeating: 65, count: 4 << 20))
        #expect(result.end == .exited(0))
    }

    @Test func `of much output the beginning is kept`() throws {
        let result = try shell("echo first; yes | head -n 500000; echo last >&2; exit 3", limit: 100)
        #expect(result.end == .exited(3))
        #expect(result.output.count == 100)
        #expect(result.text.hasPrefix("first\ny\n"))
    }

    @Test func `a program that never stops writing is stopped`() throws {
        let result = try shell("exec yes", limit: 10, deadline: .milliseconds(200))
        #expect(result.timedOut)
        #expect(result.end == .signalled(SIGTERM))
        #expect(result.output.count == 10)
    }

    @Test func `at the deadline it is asked to end`() throws {
        let result = try shell(
            "trap 'echo bye; exit 9' TERM; while :; do sleep 0.05; done", deadline: .milliseconds(300))
        #expect(result.timedOut)
        #expect(result.end == .exited(9))
        #expect(result.text.hasSuffix("bye\n"))
    }

    @Test func `what does not end when asked is killed, with all that it started`() throws {
        let result = try shell(
            "trap '' TERM; (trap '' TERM; sleep 1000) & echo $!; wait; sleep 1000", deadline: .milliseconds(300),
            grace: .milliseconds(50))
        #expect(result.timedOut)
        #expect(result.end == .signalled(SIGKILL))
        let grandchild = try #require(Int32(result.text.split(separator: "\n").first ?? ""))
        try eventually("the grandchild ends") { !isAlive(grandchild) }
    }

    @Test func `what a program leaves behind is not waited for`() throws {
        let result = try shell("sleep 1000 & echo $!")
        #expect(result.end == .exited(0))
        #expect(!result.timedOut)
        let left = try #require(Int32(result.text.split(separator: "\n").first ?? ""))
        #expect(isAlive(left))
        kill(left, SIGKILL)
    }

    @Test func `being told to stop ends the program`() throws {
        let scratch = try Scratch()
        let stopped = failure {
            _ = try CompletedProcess.run(
                ProcessCommand("/bin/sh", ["-c", "echo $$ > \(scratch["pid"]); exec sleep 1000"]),
                deadline: .seconds(600), uptime: uptime,
                checkStop: { () throws(Failure) in
                    // Not before it has told its number.
                    if let text = try? String(contentsOfFile: scratch["pid"], encoding: .utf8), text.hasSuffix("\n") {
                        throw Failure(.failed, "told to stop")
                    }
                })
        }
        #expect(stopped.what == "told to stop")
        let text = try String(contentsOfFile: scratch["pid"], encoding: .utf8)
        #expect(!isAlive(try #require(Int32(text.dropLast()))))
    }
}
