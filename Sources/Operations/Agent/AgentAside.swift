import Datastore
import Failures
import Files
import Stores

/// What a caller asks of an agent that keeps copies on a volume.
struct AgentAsideParameters: Codable, Sendable {
    /// The run that they are kept for; nil is all of them.
    var run: String?
    /// The other run whose copy may still be asked for; what is kept for any third one is of no use any more.
    var kept: String?
    /// The cluster, as it is recorded.
    var host: String?
    var namespace: String?
    var name: String?
    /// The version that wrote what is there.
    var version: BackupDocument.Version?

    init(run: String?) { self.run = run }
}

/// A copy of a stopped server on its own volume.
public struct AsideSet: Codable, Sendable, Equatable {
    /// The id of its archive.
    public var id: String
    /// The run that it is kept for.
    public var run: String
    /// When it was made, UTC.
    public var createdAt: String
    /// Bytes on the volume.
    public var size: UInt64
    /// The newest revision in it; nil where its archive does not tell.
    public var newestRevision: Int64?
    /// Why it is only partial.
    public var reasons: [String]
}

/// The agent's side: a copy of a stopped server is an archive as any backup is, in a store on the volume itself. So it is
/// proven when it is made and again when it comes back, and what brings it back is a restore as any other.
struct AgentAside {
    /// Kept free beside what is needed.
    private static let reserve: UInt64 = 64 << 20

    private let place: AgentOperation.Place
    private let directory: DataDirectory
    private let context: OperationContext

    init(_ place: AgentOperation.Place, _ context: OperationContext) throws(Failure) {
        self.place = place
        self.context = context
        directory = try DataDirectory(place.dataDirectory, existing: true)
    }

    /// Makes one. What an earlier attempt of the same run left is replaced, and what nobody can go back to goes.
    func set(_ parameters: AgentAsideParameters) throws(Failure) -> [AsideSet] {
        guard let run = parameters.run, let host = parameters.host, let namespace = parameters.namespace,
            let name = parameters.name
        else {
            throw Failure(.usage, "the caller named no run and no cluster")
        }
        if let evidence = try RunningServer.evidence(at: directory.place) {
            throw Failure(.refused, "a k3s runs on \(directory.root)", why: evidence, next: "stop it first")
        }
        let sets = AsideSets(directory)
        for left in try sets.runs() where left != parameters.kept { try sets.drop(run: left, context) }
        try requireSpace()
        var request = BackupRequest(
            directory: directory,
            cluster: try ClusterPath(host: host, namespace: namespace, name: name))
        request.scratchDirectory = place.scratchDirectory
        request.toldVersion = parameters.version
        let result = try Backup(request, to: try sets.store(for: run), context).run()
        guard result.isVerified else { throw Failure(.failed, "what was set aside was not read back") }
        return [try sets.set(run, result.document, size: result.entry.size)]
    }

    /// Removes those of a run, or all.
    func drop(_ parameters: AgentAsideParameters) throws(Failure) -> [AsideSet] {
        let sets = AsideSets(directory)
        try sets.drop(run: parameters.run, context)
        return try sets.list()
    }

    /// An archive is smaller than what is in it, but nobody knows by how much before it is made.
    private func requireSpace() throws(Failure) {
        let database = try FileStatus.ifPresent(directory.database)?.size ?? 0
        let log = try FileStatus.ifPresent(directory.database + "-wal")?.size ?? 0
        let free = try FileSystemFacts(of: directory.root).freeBytes
        guard free >= database + log + Self.reserve else {
            throw Failure(
                .refused, "there is too little space on the volume to set the data aside",
                why: "\(free >> 20) MiB are free, and the datastore has \((database + log) >> 20) MiB",
                next: "make the volume larger")
        }
    }
}

/// The copies on a volume, each in a store of its run.
struct AsideSets {
    let directory: DataDirectory

    init(_ directory: DataDirectory) { self.directory = directory }

    func store(for run: String) throws(Failure) -> DirectoryStore {
        guard run.utf8.count == 32, run.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { throw Failure(.usage, "\(run.prefix(40).debugDescription) is no id of a run") }
        try createDirectory(directory.aside)
        try synchronizeDirectory(directory.root)
        return try DirectoryStore("\(directory.aside)/\(run)", for: .writing)
    }

    /// All of them, the oldest first.
    func list() throws(Failure) -> [AsideSet] {
        try found().map { $0.set }.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    /// The archive of an id. A restore verifies all of it before it counts.
    func archive(_ id: String) throws(Failure) -> RestoreArchive {
        guard let found = try found().first(where: { $0.set.id == id }) else {
            throw Failure(
                .notFound, "there is no copy \(id.prefix(8)) aside on the volume",
                next: "restore a backup instead: daytwo restore run")
        }
        return try RestoreArchive(path: found.path)
    }

    /// The names of all that lie there.
    func runs() throws(Failure) -> [String] {
        guard try FileStatus.ifPresent(directory.aside)?.kind == .directory else { return [] }
        return try directoryNames(directory.aside)
    }

    func drop(run: String?, _ context: OperationContext) throws(Failure) {
        for name in try runs() where run == nil || name == run {
            try context.checkStop()
            try removeTree("\(directory.aside)/\(name)")
        }
        if run == nil, try FileStatus.ifPresent(directory.aside) != nil { try removeTree(directory.aside) }
    }

    func set(_ run: String, _ document: BackupDocument, size: UInt64) throws(Failure) -> AsideSet {
        AsideSet(
            id: document.id, run: run, createdAt: document.createdAt, size: size,
            newestRevision: document.datastore.window.maxRevision, reasons: document.reasons)
    }

    private func found() throws(Failure) -> [(set: AsideSet, path: String)] {
        var found: [(AsideSet, String)] = []
        for run in try runs() {
            let store = try DirectoryStore("\(directory.aside)/\(run)", for: .reading)
            for entry in try store.list().entries {
                let path = try store.path(of: entry)
                let archive = try RestoreArchive(path: path)
                found.append((try set(run, archive.document, size: entry.size), path))
            }
        }
        return found
    }
}
