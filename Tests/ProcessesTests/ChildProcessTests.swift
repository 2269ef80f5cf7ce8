import Failures
import Files
import Foundation
import Glibc
import Processes
import Testing

@Suite struct ChildProcessTests {
    @Test func `an exit status is given, and again when asked again`() throws {
        let child = try ChildProcess(ProcessCommand("/bin/sh", ["-c", "exit 7"]))
        #expect(try child.wait(atMost: .seconds(60), uptime: uptime) == .exited(7))
        #expect(try child.poll() == .exited(7))
        child.kill()
        #expect(try child.stop(grace: .zero, uptime: uptime) == .exited(7))
    }

    @Test func `a signal is told apart from an exit status`() throws {
        #expect(try shell("kill -9 $$").end == .signalled(9))
        #expect(try shell("exit 137").end == .exited(137))
    }

    @Test func `waiting ends while the program goes on`() throws {
        let child = try ChildProcess(ProcessCommand("/bin/sleep", ["1000"]))
        #expect(try child.wait(atMost: .milliseconds(20), uptime: uptime) == nil)
        #expect(try child.poll() == nil)
        child.terminate()
        #expect(try child.wait(atMost: .seconds(60), uptime: uptime) == .signalled(SIGTERM))
    }

    @Test func `it is in a process group of its own`() throws {
        let child = try ChildProcess(ProcessCommand("/bin/sleep", ["1000"]))
        #expect(getpgid(child.id) == child.id)
        try child.stop(grace: .seconds(5), uptime: uptime)
    }

    @Test func `it gets no descriptor but the standard ones`() throws {
        // Opened as a careless library would: to be inherited.
        let open = Glibc.open("/etc/passwd", O_RDONLY)
        defer { close(open) }
        #expect(open > 2)
        let result = try shell("for f in /proc/$$/fd/*; do readlink $f; done")
        #expect(result.text.contains("/dev/null\n"))
        #expect(!result.text.contains("/etc/passwd"))
    }

    @Test func `it gets no blocked and no ignored signal`() throws {
        var set = sigset_t()
        var before = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGUSR2)
        pthread_sigmask(SIG_BLOCK, &set, &before)
        let pipeBefore = signal(SIGPIPE, SIG_IGN)
        let hangupBefore = signal(SIGHUP, SIG_IGN)
        defer {
            pthread_sigmask(SIG_SETMASK, &before, nil)
            signal(SIGPIPE, pipeBefore)
            signal(SIGHUP, hangupBefore)
        }
        let result = try CompletedProcess.run(
            ProcessCommand("/bin/grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]), deadline: .seconds(60),
            uptime: uptime)
        // 32 and 33 are glibc's own, out of reach for programs.
        let outOfReach: UInt64 = 3 << 31
        let masks = result.text.split(separator: "\n").compactMap {
            UInt64($0.split(separator: "\t").last ?? "", radix: 16).map { $0 & ~outOfReach }
        }
        #expect(masks == [0, 0])
    }

    @Test func `it gets the named variables, arguments and directory, and no others`() throws {
        setenv("DAYTWO_TEST_SECRET", "seen", 1)
        defer { unsetenv("DAYTWO_TEST_SECRET") }
        let result = try CompletedProcess.run(
            ProcessCommand("/usr/bin/env", environment: ["ONE": "1", "TWO": "a b"]), deadline: .seconds(60),
            uptime: uptime)
        #expect(result.text == "ONE=1\nTWO=a b\n")
        let arguments = try CompletedProcess.run(
            ProcessCommand("/bin/sh", ["-c", "pwd; printf '%s|' \"$@\"", "sh", "a b", "", "$HOME"], directory: "/usr"),
            deadline: .seconds(60), uptime: uptime)
        #expect(arguments.text == "/usr\na b||$HOME|")
    }

    @Test func `output is appended to a private file`() throws {
        let scratch = try Scratch()
        for word in ["one", "two"] {
            let child = try ChildProcess(
                ProcessCommand("/bin/sh", ["-c", "echo \(word); echo \(word) >&2"]),
                output: .appended(scratch["log"]), errors: .appended(scratch["log"]))
            #expect(try child.wait(atMost: .seconds(60), uptime: uptime) == .exited(0))
        }
        #expect(String(decoding: try readFile(scratch["log"], limit: 100), as: UTF8.self) == "one\none\ntwo\ntwo\n")
        #expect(try FileStatus.ifPresent(scratch["log"])?.mode == 0o600)
    }

    @Test func `what cannot be started says why`() throws {
        let scratch = try Scratch()
        let none = scratch["none"]
        #expect(failure { _ = try ChildProcess(ProcessCommand(none)) }.code == .notFound)
        #expect(failure { _ = try ChildProcess(ProcessCommand("/etc/passwd")) }.code == .denied)
        #expect(failure { _ = try ChildProcess(ProcessCommand("sh")) }.code == .usage)
        #expect(failure { _ = try ChildProcess(ProcessCommand("/bin/sh", ["a\0b"])) }.code == .usage)
        #expect(
            failure { _ = try ChildProcess(ProcessCommand("/bin/sh", directory: none)) }.code == .notFound)
        #expect(
            failure {
                _ = try ChildProcess(ProcessCommand("/bin/sh"), output: .appended(none + "/log"))
            }.code == .notFound)
    }
}
