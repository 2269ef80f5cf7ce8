import Foundation
import Testing

/// `scripts/image`, with the daytwo of these tests in the place of a release, which takes minutes to build.
@Suite("The image of the agent", .timeLimit(.minutes(3)))
struct ImageTests {
    private let fixture: CommandFixture
    private let tools: String

    init() throws {
        fixture = try CommandFixture()
        tools = fixture.path("tools")
        try fixture.tool("mkdir", tools)
        let built = URL(filePath: try fixture.command([])[0]).deletingLastPathComponent().path
        try program("swift", #"case " $* " in *" --show-bin-path "*) echo '\#(built)' ;; esac"#)
        // What this machine has of these is not meant.
        for name in ["docker", "podman", "buildah"] { try program(name, "exit 1") }
    }

    private func program(_ name: String, _ body: String) throws {
        let path = "\(tools)/\(name)"
        try "#!/bin/sh\n\(body)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try fixture.tool("chmod", "755", path)
    }

    private func image(_ words: String...) throws -> ChildProcess.Result {
        let package = URL(filePath: Fixtures.tests).deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try ChildProcess(
            arguments: ["\(package)/scripts/image"] + words,
            environment: ["PATH": "\(tools):\(path)", "HOME": fixture.root, "TMPDIR": fixture.root],
            directory: fixture.root, timeout: .seconds(120)
        ).run(below: fixture.root)
    }

    @Test("What is in it is enough to run daytwo, and there is no shell", .enabled(if: CommandFixture.isRoot))
    func runs() throws {
        let root = fixture.path("root")
        let made = try image("--context", root)
        #expect(made.code == 0 && made.text.contains("in the image"), "\(made.text)\(made.errors)")
        // As every container, it has a /proc: Swift reads the arguments of a program there.
        let script =
            "mkdir -p '\(root)/proc' && mount -t proc proc '\(root)/proc' && chroot '\(root)' daytwo --version"
        let version = try fixture.tool("unshare", "--mount", "sh", "-c", script)
        #expect(version == (try fixture.tool(fixture.command(["--version"])[0], "--version")))
        // libcurl is found there as well, and what it needs: nobody listens on port 1.
        let kubeconfig = """
            {"apiVersion": "v1", "kind": "Config", "current-context": "a", "users": [{"name": "a", "user": {"token": "t"}}],
            "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}
            """
        try kubeconfig.write(toFile: "\(root)/tmp/kubeconfig", atomically: true, encoding: .utf8)
        let asked = try fixture.tool(
            "unshare", "--mount", "sh", "-c",
            script.replacing("daytwo --version", with: "daytwo clusters list --kubeconfig /tmp/kubeconfig 2>&1 || true")
        )
        #expect(asked.contains("no answer from https://127.0.0.1:1"), "\(asked)")
        for program in ["bin/sh", "usr/bin/sh", "bin/bash"] {
            #expect(!FileManager.default.fileExists(atPath: "\(root)/\(program)"))
        }
    }

    @Test("The first engine that works builds it, and its size is said")
    func built() throws {
        let log = fixture.path("log")
        try program(
            "podman",
            """
            echo "$*" >> '\(log)'
            case "$1" in
            build) for last; do :; done; test -x "$last/usr/bin/daytwo" && test -d "$last/tmp" && test -f "$6" ;;
            image) echo 123456 ;;
            esac
            """)
        let made = try image("example.com/daytwo:1")
        #expect(made.code == 0 && made.text.contains("example.com/daytwo:1"), "\(made.text)\(made.errors)")
        #expect(made.text.contains("123456") || made.text.contains("0.1"), "\(made.text)")
        let calls = try String(contentsOfFile: log, encoding: .utf8)
        #expect(calls.hasPrefix("info\nbuild -q -t example.com/daytwo:1 -f scripts/Dockerfile "), "\(calls)")
    }

    @Test("Without an engine, or where it cannot build, it says so")
    func refused() throws {
        let none = try image("daytwo:1")
        #expect(none.code == 1 && none.errors.contains("no docker, podman or buildah that works"), "\(none.errors)")
        try program("docker", #"[ "$1" = info ] || { echo "no space left" >&2; exit 3; }"#)
        let failed = try image("daytwo:1")
        #expect(failed.code == 1 && failed.errors.contains("no space left"), "\(failed.errors)")
        #expect(failed.errors.contains("docker could not build daytwo:1"), "\(failed.errors)")
        #expect(try image().code == 64)
    }
}
