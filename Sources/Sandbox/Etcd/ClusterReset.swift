internal import Failures
internal import Files
internal import FoundationEssentials
internal import JSONValues

/// `k3s server --cluster-reset`: makes a cluster of one member of what is there, or of a snapshot, and ends.
struct ClusterReset: Sendable {
    private let program: K3sProgram
    private let flags: K3sProgram.Flags

    init(_ program: K3sProgram, _ flags: K3sProgram.Flags) {
        self.program = program
        self.flags = flags
    }

    func run() -> K3sProgram.Result {
        let log = ContainerLog()
        log.line("time=\"\(Moment.now())\" level=info msg=\"Starting k3s \(program.version.text)\"")
        var code: Int32 = 0
        do throws(Failure) {
            try reset(log)
            log.line(
                "time=\"\(Moment.now())\" level=info msg=\"Managed etcd cluster membership has been reset, restart without "
                    + "--cluster-reset flag now. Backup and delete ${datadir}/server/db on each peer etcd server and "
                    + "rejoin the nodes\"")
        } catch {
            log.line("time=\"\(Moment.now())\" level=fatal msg=\"\(error.description)\"")
            code = 1
        }
        return K3sProgram.Result(code: code, output: String(decoding: log.content, as: UTF8.self))
    }

    private func reset(_ log: ContainerLog) throws(Failure) {
        let config = try configuration()
        let inside = flags["data-dir"] ?? flags["d"] ?? config.text("data-dir") ?? K3kManifests.dataDirectory
        let server = "\(program.mounts.real(inside) ?? program.directory + inside)/server"
        let (etcd, flag) = ("\(server)/db/etcd", "\(server)/db/reset-flag")
        guard !PlainFile.exists(flag) else {
            throw Self.fatal(
                "Managed etcd cluster membership was previously reset, please remove the cluster-reset flag and start k3s "
                    + "normally. If you need to perform another cluster reset, you must first manually delete the file at "
                    + "\(inside)/server/db/reset-flag")
        }
        try createDirectory("\(server)/db")
        if let path = flags["cluster-reset-restore-path"] { try restore(path, to: etcd, inside, log) }
        guard EtcdDatabase.exists(etcd) else { throw Self.fatal("etcd: there is no etcd in \(inside)/server/db/etcd") }
        // As k3s does, before anything is known of the token.
        try PlainFile.write([], to: flag)
        let database = try EtcdDatabase(
            directory: etcd, address: program.address, output: "\(program.directory)/log-etcd-reset")
        defer { database.close() }
        let token = flags["token"] ?? flags["t"] ?? config.text("token")
        let start = IdentityStart(
            server: server, version: program.version,
            givenPassword: token.flatMap { VirtualIdentity.password(ofToken: Array($0.utf8)) }, log: log)
        _ = try start.identity(database, isNew: false)
    }

    private func restore(_ path: String, to etcd: String, _ inside: String, _ log: ContainerLog) throws(Failure) {
        guard let real = program.mounts.real(path), PlainFile.exists(real) else {
            throw Self.fatal("etcd: snapshot path does not exist: \(path)")
        }
        if PlainFile.exists(etcd) {
            let suffix = "old-\(Int(Date().timeIntervalSince1970))"
            try renameNew(etcd, to: "\(etcd)-\(suffix)")
            log.line(
                "time=\"\(Moment.now())\" level=info msg=\"Pre-restore etcd database moved to \(inside)/server/db/etcd-\(suffix)\""
            )
        }
        try EtcdTools.control(["snapshot", "restore", real, "--data-dir", etcd])
    }

    private func configuration() throws(Failure) -> JSONValue {
        guard let path = flags["config"] ?? flags["c"] else { return .null }
        guard let bytes = program.mounts.real(path).flatMap(PlainFile.read) else {
            throw Failure(.failed, "open \(path): no such file or directory")
        }
        do { return try APIRequest.json(yaml: String(decoding: bytes, as: UTF8.self)) } catch {
            throw Failure(.failed, "\(path) is no YAML", why: "\(error)")
        }
    }

    private static func fatal(_ text: String) -> Failure {
        Failure(.failed, "starting kubernetes: preparing server: start managed database: \(text)")
    }
}
