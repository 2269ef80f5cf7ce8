internal import Synchronization

/// What a container wrote; only the latest part is kept.
final class ContainerLog: Sendable {
    private static let limit = 256 << 10
    private let bytes = Mutex<[UInt8]>([])
    private let file = Mutex<String?>(nil)

    /// From now on what is in a file is shown after the rest.
    func follow(_ path: String) { file.withLock { $0 = path } }

    func write(_ more: some Sequence<UInt8>) {
        bytes.withLock { bytes in
            bytes += more
            if bytes.count > Self.limit { bytes.removeFirst(bytes.count - Self.limit) }
        }
    }

    func line(_ text: String) { write((text + "\n").utf8) }

    var content: [UInt8] {
        bytes.withLock { $0 } + (file.withLock { $0 }.flatMap(PlainFile.read) ?? []).suffix(Self.limit)
    }
}

/// Something that runs in a container until it is stopped or ends by itself.
protocol RunningContainer: AnyObject, Sendable {
    func stop(grace: Duration) async
}

/// Where a path inside of a container is on this machine.
struct Mount: Sendable, Hashable {
    let path: String
    let directory: String
    let isReadOnly: Bool
}

extension [Mount] {
    /// The real path; nil for what lies in no mount.
    func real(_ path: String) -> String? {
        for mount in self.sorted(by: { $0.path.utf8.count > $1.path.utf8.count }) {
            if path == mount.path { return mount.directory }
            let prefix = mount.path.hasSuffix("/") ? mount.path : mount.path + "/"
            if path.hasPrefix(prefix) { return mount.directory + "/" + path.dropFirst(prefix.count) }
        }
        return nil
    }

    /// An argument with real paths in it: `/data/x` and `--data-dir=/data/x`.
    func translated(_ argument: String) -> String {
        if let path = real(argument) { return path }
        guard let sign = argument.firstIndex(of: "="), let path = real(String(argument[argument.index(after: sign)...]))
        else {
            return argument
        }
        return argument[...sign] + path
    }
}

/// One container of a pod, as its node sees it.
struct ContainerState: Sendable {
    enum Phase: Sendable {
        case waiting(reason: String, message: String?)
        case running(since: String)
        case terminated(code: Int32, reason: String, since: String, until: String)
    }

    var phase = Phase.waiting(reason: "ContainerCreating", message: nil)
    var previous: Phase?
    var restarts = 0
    var isReady = false
    /// Whether something is on its way to start it.
    var isBusy = false
    var pulls = 0
    /// Whether its node has ended it for want of memory.
    var lacksMemory = false
    var running: (any RunningContainer)?
    let log = ContainerLog()
    let id: String

    init(id: String) { self.id = id }

    var isRunning: Bool { if case .running = phase { true } else { false } }
    var exitCode: Int32? { if case .terminated(let code, _, _, _) = phase { code } else { nil } }
}

/// A pod on its node.
struct PodRuntime: Sendable {
    enum Stage: Sendable { case alive, stopping, stopped }

    let name: ObjectName
    let uid: String
    let address: String
    /// Where its empty directories and its files are.
    let directory: String
    var stage = Stage.alive
    /// Directories by the names of volumes.
    var volumes: [String: String]
    var containers: [String: ContainerState]
    var controlPlane: VirtualControlPlane?
    /// Why its node has put it out; nil where it has not.
    var eviction: String?
    var syncing: Task<Void, Never>?
    let started: String

    func mounts(of container: JSONContainer) -> [Mount] {
        container.mounts.compactMap { mount in
            guard let directory = volumes[mount.volume] else { return nil }
            return Mount(
                path: mount.path, directory: mount.subPath.isEmpty ? directory : "\(directory)/\(mount.subPath)",
                isReadOnly: mount.isReadOnly)
        }
    }

    /// Stops all that runs in it.
    func stopAll(grace: Duration) async {
        syncing?.cancel()
        await withTaskGroup(of: Void.self) { group in
            for container in containers.values {
                if let running = container.running { group.addTask { await running.stop(grace: grace) } }
            }
        }
    }
}
