import Foundation
import Testing

@testable import Operations

@Suite("What a new image says of the flags of a control plane")
struct ImageTrialTests {
    private let place: Scratch

    init() throws { place = try Scratch() }

    /// What k3s v1.21.3 does: the help leaves hidden flags out, and the parser complains before it shows the help.
    private static let server = """
        #!/bin/sh
        [ "$1" = --version ] && { echo "k3s version v1.21.3+k3s1 (HEAD)"; exit 0; }
        help='NAME:
           k3s server - Run management server
        OPTIONS:
           --data-dir value, -d value      (data) Folder to hold state
           --disable value                 (components) Do not deploy'
        case "$2" in
            --help | --disable-agent=*) echo "$help" ;;
            --etcd-s3-timeout=1) printf '%s\\n\\n%s\\n' 'Incorrect Usage: invalid value "1" for flag -etcd-s3-timeout: parse error' "$help"; exit 1 ;;
            *) printf '%s\\n\\n%s\\n' "Incorrect Usage: flag provided but not defined: -${2%%=*}" "$help"; exit 1 ;;
        esac
        """

    private func log(_ trial: ImageTrial, _ server: String = server) throws -> String {
        let program = place["k3s"]
        try Data(server.utf8).write(to: URL(fileURLWithPath: program))
        #expect(chmod(program, 0o755) == 0)
        let script = try #require(trial.command.last).replacing("/bin/k3s", with: program)
        #expect(trial.command.dropLast() == ["/bin/sh", "-c"])
        return try require(["/bin/sh", "-c", script])
    }

    @Test("Those in the help are known, hidden ones too, and what is not defined is told")
    func asked() throws {
        let trial = ImageTrial(
            "rancher/k3s:v1.21.3-k3s1",
            flags: ["--disable-agent", "--data-dir", "--no-such-flag", "--etcd-s3-timeout", "--disable", "--dis"])
        #expect(trial.unknownFlags(try log(trial)) == ["--dis", "--no-such-flag"])
    }

    @Test("Nothing is concluded from an image that says something else")
    func foreign() throws {
        let trial = ImageTrial("busybox", flags: ["--data-dir"])
        #expect(trial.unknownFlags("") == nil)
        #expect(trial.unknownFlags("k3s version v1.21.3+k3s1 (HEAD)\n") == nil)
    }

    @Test("What is no name of a flag gets into no script")
    func hostile() throws {
        let trial = ImageTrial("x", flags: ["--a;reboot", "--$(reboot)", "--b c", "-d", "--data-dir"])
        #expect(trial.flags == ["--data-dir"])
        #expect(ImageTrial("x", flags: []).unknownFlags(try log(ImageTrial("x", flags: []))) == [])
    }
}
