internal import Failures
internal import Files
internal import FoundationEssentials
internal import Glibc
internal import Processes

/// The programs of etcd, and what has to be on this machine for them.
enum EtcdTools {
    static func find(_ name: String) throws(Failure) -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for directory in path.split(separator: ":") where access("\(directory)/\(name)", X_OK) == 0 {
            return "\(directory)/\(name)"
        }
        throw Failure(.notFound, "sandbox: a cluster of k3k needs \(name), which is not on the PATH of the sandbox")
    }

    /// Runs `etcdctl` to its end.
    static func control(_ arguments: [String]) throws(Failure) {
        let start = ContinuousClock.now
        let command = ProcessCommand(
            try find("etcdctl"), arguments,
            environment: ProcessCommand.plainEnvironment.merging(["ETCDCTL_API": "3"]) { $1 })
        let done = try CompletedProcess.run(command, deadline: .seconds(120), uptime: { start.duration(to: .now) })
        guard done.end == .exited(0) else {
            let words = String(decoding: done.output, as: UTF8.self).trimmed
            throw Failure(.failed, "etcdctl \(arguments.first ?? "") failed", why: words)
        }
    }
}

/// A real etcd with one member, which ends with the sandbox at the latest.
final class EtcdServer: Sendable {
    private let process: ContainerProcess
    let client: EtcdClient

    /// Starts it on a data directory, and returns once it answers.
    init(directory: String, address: String, output: String) throws(Failure) {
        let etcd = try EtcdTools.find("etcd")
        let guardian = try EtcdTools.find("setpriv")
        try createDirectory(directory)
        let name = try Self.name(directory)
        let (clients, peers) = ("http://\(address):\(EtcdClient.port)", "http://\(address):\(EtcdClient.port + 1)")
        let input = try FileDescriptor(opening: "/dev/null")
        let log = try FileDescriptor(opening: output, O_WRONLY | O_CREAT | O_TRUNC)
        process = try ContainerProcess(
            guardian,
            // Whatever ends the sandbox ends it too.
            ["--pdeathsig", "KILL", etcd, "--data-dir", directory, "--name", name, "--force-new-cluster"]
                + ["--listen-client-urls", clients, "--advertise-client-urls", clients]
                + ["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
                + ["--initial-cluster", "\(name)=\(peers)", "--logger", "zap", "--log-level", "warn"],
            // Where etcd is not officially supported, it wants to be told that this is known.
            environment: ["ETCD_UNSUPPORTED_ARCH": "arm64"], directory: directory, input: input.raw, output: log.raw,
            errors: log.raw)
        client = EtcdClient(address: address)
        let deadline = ContinuousClock.now + .seconds(60)
        while !client.isHealthy {
            if process.hasEnded || ContinuousClock.now > deadline {
                stop()
                let words = String(decoding: PlainFile.read(output) ?? [], as: UTF8.self).split(separator: "\n")
                throw Failure(.failed, "etcd did not come up", why: words.last.map(String.init) ?? "")
            }
            usleep(20_000)
        }
    }

    /// The member's name, which k3s keeps in the data directory as well.
    private static func name(_ directory: String) throws(Failure) -> String {
        let path = "\(directory)/name"
        if let kept = PlainFile.read(path) { return String(decoding: kept, as: UTF8.self).trimmed }
        let name = "server-\(VirtualIdentity.randomHexadecimal(4))"
        try PlainFile.write(name.utf8, to: path)
        return name
    }

    /// Ends it, and returns when it has ended.
    func stop() {
        process.signal(SIGTERM)
        let deadline = ContinuousClock.now + .seconds(5)
        while !process.hasEnded {
            if ContinuousClock.now > deadline { process.signal(SIGKILL) }
            usleep(5_000)
        }
    }

    deinit { process.signal(SIGKILL) }
}
