internal import Failures
internal import Files
internal import FoundationEssentials
internal import Glibc
internal import JSONValues
internal import NIOPosix

/// What a virtual control plane is started with.
struct PlaneOptions: Sendable {
    let name: String
    let namespace: String
    /// The real path of `--data-dir`.
    let directory: String
    /// The same as the container sees it.
    let dataDirectory: String
    let version: ServerVersion
    let address: String
    var port = 8443
    let token: String?
    let serverNames: [String]
    /// Whether k3s keeps its data in embedded etcd, as `cluster-init` has it.
    var isOnEtcd = false
    /// Where etcd writes what it has to say.
    var etcdLog = "/dev/null"
    /// The certificates of Kubernetes; nil for k3s.
    var certificates: KubernetesCertificates?
    /// What a datastore that is not there yet is filled with.
    let seed: SeedOptions
    let pace: Pace
    let startDelay: Duration
    let nodeName: String
    var isCorruptedAfterStart = false
}

/// A simulated k3s or Kubernetes: a real kine datastore that goes on changing, an identity, and an API over both.
actor VirtualControlPlane: RunningContainer {
    private nonisolated let queue: QueueExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    let options: PlaneOptions
    private let log: ContainerLog
    private(set) var database: (any PlaneDatabase)?
    private(set) var identity: VirtualIdentity?
    private(set) var isReady = false
    private(set) var apiFault = VirtualAPIFault()
    private(set) var isBroken = false
    private var isStopping = false
    private var isClosed = false
    private var work: Task<Int32?, Never>?
    private var server: APIServer?
    private var tick: UInt64 = 0
    private var lastCompaction = ContinuousClock.now
    private var previousRevision: Int64 = 0
    /// Of what the syncer was told last.
    var syncMark: Int64 = -1
    private(set) var clientAuthority: KeyedCertificate?

    init(_ options: PlaneOptions, log: ContainerLog) {
        self.options = options
        self.log = log
        // Datastores are slow now and then; the other actors go on meanwhile.
        queue = QueueExecutor("control plane \(options.namespace)/\(options.name)")
    }

    private var serverDirectory: String { "\(options.directory)/server" }
    private var databasePath: String {
        if options.isOnEtcd { return "\(etcdDirectory)/member/snap/db" }
        return options.certificates == nil ? "\(serverDirectory)/db/state.db" : "\(options.directory)/state.db"
    }
    private var etcdDirectory: String { "\(serverDirectory)/db/etcd" }
    private var what: String { options.certificates == nil ? "k3s" : "Kubernetes" }

    /// Runs until it is stopped; gives the exit code where it ended by itself.
    func run(onReady: @escaping @Sendable () async -> Void, onUnready: @escaping @Sendable () async -> Void) async
        -> Int32?
    {
        guard !isStopping else {
            isClosed = true
            return nil
        }
        let task = Task { await self.live(onReady, onUnready) }
        work = task
        let result = await task.value
        await close()
        return isStopping ? nil : result
    }

    func stop(grace: Duration) async {
        isStopping = true
        if work == nil { isClosed = true }
        work?.cancel()
        while !isClosed { do { try await Task.sleep(for: .milliseconds(5)) } catch { return } }
    }

    private func live(_ onReady: @Sendable () async -> Void, _ onUnready: @Sendable () async -> Void) async -> Int32? {
        log.line("time=\"\(Moment.now())\" level=info msg=\"Starting \(what) \(options.version.text)\"")
        do throws(Failure) {
            try open()
        } catch {
            log.line("time=\"\(Moment.now())\" level=fatal msg=\"\(error.description)\"")
            return 1
        }
        do { try await Task.sleep(for: options.pace.controlPlaneStart + options.startDelay) } catch { return nil }
        do throws(Failure) { try await serve() } catch {
            log.line("time=\"\(Moment.now())\" level=fatal msg=\"\(error.description)\"")
            return 1
        }
        isReady = true
        log.line("time=\"\(Moment.now())\" level=info msg=\"\(what) is up and running\"")
        await onReady()
        if options.isCorruptedAfterStart { await corrupt(onUnready) }
        while !Task.isCancelled {
            do { try await Task.sleep(for: options.pace.write) } catch { break }
            if isBroken { continue }
            do throws(Failure) { try write() } catch {
                log.line("time=\"\(Moment.now())\" level=error msg=\"\(error.description)\"")
            }
        }
        return nil
    }

    // MARK: Start and end

    private func open() throws(Failure) {
        if options.certificates == nil { try createDirectory("\(serverDirectory)/db") }
        let isNew = options.isOnEtcd ? !EtcdDatabase.exists(etcdDirectory) : !PlainFile.exists(databasePath)
        let database = try openDatabase()
        self.database = database
        let identity = try identity(database, isNew: isNew)
        self.identity = identity
        clientAuthority = try identity.authority("ClientCA")
        if try database.get("/registry/health") == nil {
            try database.put("/registry/health", Array("{\"health\":\"true\"}".utf8))
        }
        if isNew {
            var generator = SeedGenerator(options.seed)
            try generator.fill(database)
        }
        if options.certificates == nil { try writeKubeconfig(identity) }
        previousRevision = try database.revision()
        if isNew, options.isOnEtcd { try snapshot("etcd-snapshot") }
    }

    private func openDatabase() throws(Failure) -> any PlaneDatabase {
        guard options.isOnEtcd else { return try KineDatabase(path: databasePath, version: options.version) }
        try EtcdDatabase.check(etcdDirectory)
        // A start without --cluster-reset is what the flag waits for.
        unlink("\(serverDirectory)/db/reset-flag")
        return try EtcdDatabase(directory: etcdDirectory, address: options.address, output: options.etcdLog)
    }

    /// Writes a snapshot of etcd, and gives its name.
    @discardableResult
    func snapshot(_ name: String) throws(Failure) -> String {
        guard let etcd = database as? EtcdDatabase else { throw Failure(.failed, "etcd datastore disabled") }
        let full = "\(name)-\(options.nodeName)-\(Int(Date().timeIntervalSince1970))"
        try createDirectory("\(serverDirectory)/db/snapshots")
        try etcd.snapshot(to: "\(serverDirectory)/db/snapshots/\(full)")
        return full
    }

    private func identity(_ database: any PlaneDatabase, isNew: Bool) throws(Failure) -> VirtualIdentity {
        if let certificates = options.certificates {
            try certificates.lay(out: options.directory)
            return certificates.identity
        }
        let start = IdentityStart(
            server: serverDirectory, version: options.version, givenPassword: options.token, log: log)
        return try start.identity(database, isNew: isNew)
    }

    private func writeKubeconfig(_ identity: VirtualIdentity) throws(Failure) {
        let admin = try adminCertificate(identity)
        try AdminFiles(server: serverDirectory, dataDirectory: options.dataDirectory, port: options.port).write(admin)
        // By default it is beside the data, where nobody looks for it.
        if options.isOnEtcd { return }
        try createDirectory("\(options.directory)/k3s-config")
        let kubeconfig = Kubeconfig(
            server: "https://127.0.0.1:\(options.port)",
            authority: String(decoding: identity.files["ServerCA"] ?? [], as: UTF8.self),
            certificate: admin.certificatePEM,
            key: admin.keyPEM, name: "default")
        try PlainFile.write(kubeconfig.text.utf8, to: "\(options.directory)/k3s-config/kube-config.yaml")
    }

    private func adminCertificate(_ identity: VirtualIdentity) throws(Failure) -> KeyedCertificate {
        try identity.authority("ClientCA").client("system:admin", groups: ["system:masters"])
    }

    /// What the syncer writes into Secret `vc-NAME`.
    func credentials() throws(Failure) -> (authority: String, certificate: String, key: String)? {
        guard let identity else { return nil }
        let admin = try adminCertificate(identity)
        return (String(decoding: identity.files["ServerCA"] ?? [], as: UTF8.self), admin.certificatePEM, admin.keyPEM)
    }

    private func serve() async throws(Failure) {
        guard let identity else { return }
        let addresses = options.serverNames.filter { $0.allSatisfy { $0.isNumber || $0 == "." } }
        // As the real ones do, the certificate names no pod's address.
        let serving = try identity.authority("ServerCA").server(
            "kube-apiserver",
            names: [
                "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
                "localhost",
            ] + options.serverNames.filter { !addresses.contains($0) }, addresses: addresses)
        let tls = try APIServer.tls(serving, authority: try identity.authority("ClientCA"))
        server = try await APIServer(
            VirtualAPI(plane: self), tls: tls, address: options.address, port: options.port,
            group: MultiThreadedEventLoopGroup.singleton)
    }

    private func close() async {
        isReady = false
        await server?.stop()
        server = nil
        do throws(Failure) { try database?.close() } catch { log.line(error.description) }
        database = nil
        isClosed = true
    }

    /// A fault: pages in the middle of the database become nonsense while nobody has it open.
    private func corrupt(_ onUnready: @Sendable () async -> Void) async {
        do { try await Task.sleep(for: .milliseconds(300)) } catch { return }
        let path = databasePath
        do throws(Failure) {
            try database?.close()
            database = nil
            try Self.scribble(over: path)
        } catch { log.line(error.description) }
        isBroken = true
        isReady = false
        log.line("time=\"\(Moment.now())\" level=error msg=\"error in txn: database disk image is malformed\"")
        await onUnready()
    }

    private static func scribble(over path: String) throws(Failure) {
        let file = try FileDescriptor(opening: path, 2)
        let pages = try file.status().size / 4096
        let nonsense = [UInt8](repeating: 0xA5, count: 4096)
        for divisor in [2, 3, 4, 5] as [UInt64] {
            try nonsense.withBytes { bytes throws(Failure) in
                try file.writeAll(bytes, at: max(1, pages / divisor) * 4096)
            }
        }
    }

    // MARK: Life

    /// One of the things that change all the time in a cluster.
    private func write() throws(Failure) {
        guard let database else { return }
        tick += 1
        let moment = Moment.precise()
        let lease =
            "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"name\":\"\(options.nodeName)\","
            + "\"namespace\":\"kube-node-lease\"},\"spec\":{\"holderIdentity\":\"\(options.nodeName)\","
            + "\"leaseDurationSeconds\":40,\"renewTime\":\"\(moment)\"}}\n"
        switch tick % 4 {
        case 0:
            try database.put(
                "/registry/events/shop/web.\(String(tick, radix: 16))\(UInt32.random(in: 0...UInt32.max))",
                Array(
                    ("{\"kind\":\"Event\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"web.\(tick)\",\"namespace\":\"shop\"},"
                        + "\"reason\":\"Pulled\",\"message\":\"tick \(tick)\",\"type\":\"Normal\"}\n").utf8),
                lease: 3600)
        case 1:
            try database.put(
                "/registry/configmaps/shop/changing",
                Array(
                    ("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"changing\",\"namespace\":\"shop\"},"
                        + "\"data\":{\"turn\":\"\(tick)\",\"time\":\"\(moment)\"}}\n").utf8))
        case 2:
            try database.put("/registry/masterleases/\(options.address)", Array("{\"turn\":\(tick)}".utf8), lease: 15)
        default: try database.put("/registry/leases/kube-node-lease/\(options.nodeName)", Array(lease.utf8))
        }
        guard ContinuousClock.now - lastCompaction > options.pace.compaction else { return }
        lastCompaction = .now
        // As kine does: up to what was current the time before, and never the latest thousand.
        let target = min(previousRevision, try database.revision() - 1000)
        previousRevision = try database.revision()
        guard target > 0 else { return }
        try database.compact(to: target)
        if options.version.minor >= 23 { try (database as? KineDatabase)?.checkpoint("FULL") }
    }

    /// What is wrong with its API: a node that is gone takes its address away, and so does who forbids the way.
    func setAPI(_ fault: VirtualAPIFault, isNodeGone: Bool) async throws(Failure) {
        apiFault = fault
        if isNodeGone || fault.isUnreached {
            await server?.stop()
            server = nil
        } else if server == nil, isReady {
            try await serve()
        }
    }

    func setFull(_ isFull: Bool) throws(Failure) { try database?.setFull(isFull) }
}
