import Archive
import Datastore
public import Failures
import Files
import Kubernetes
import VirtualClusters

/// An archive that a virtual cluster is to be restored from: every byte of it verified, before anything is believed.
public struct HostRestoreArchive: Sendable {
    /// The name of the file.
    public let fileName: String
    /// What it says about itself.
    public let document: BackupDocument
    let source: any ByteSource
    let driver: DatastoreDriver
    /// Its host objects.
    let manifests: [HostManifest]
    /// Files below `host/` that are no manifests, and why.
    let foreign: [String]
    /// What its datastore holds, by resource.
    let resources: [DatastoreContents.Resource]
    /// Bytes of the database in it.
    let databaseBytes: UInt64
    /// The claims that its datastore knows.
    let claims: Set<SyncerNames.VirtualName>
    /// The token that opens its datastore; nil where that is not proven.
    var token: ServerToken?
    /// What in its datastore belongs to the host that it was on, by key.
    var hostBindings: [HostBinding] = []
}

extension HostRestoreArchive {
    /// Opens and verifies an archive.
    public init(path: String, _ context: OperationContext) throws(Failure) {
        try self.init(OpenFile(path), named: path.split(separator: "/").last.map(String.init) ?? path, context)
    }

    init(_ source: any ByteSource, named fileName: String, _ context: OperationContext) throws(Failure) {
        self.source = source
        self.fileName = fileName
        let reader = try ArchiveReader(source, name: fileName)
        let facts = try ArchiveFacts(reader)
        guard facts.document.kind == "full" else {
            throw Failure(.refused, "\(fileName) cannot be restored by itself", why: "it is no full backup")
        }
        document = facts.document
        let (driver, datastore) = try facts.datastoreEntry(of: reader)
        self.driver = driver
        databaseBytes = datastore.header.size
        resources = facts.contents?.datastore.resources ?? []
        let hosts = facts.index.inventory.entries.filter {
            $0.header.kind == .file && $0.header.path.hasPrefix(HostFile.folder)
        }
        context.report(.step("verifying \(fileName)"))
        let receiver = CheckReceiver(
            context, total: reader.uncompressedSize, wanted: Set(hosts.map(\.header.path) + [Self.tokenPath]))
        _ = try reader.verify(workers: context.workers, delivering: receiver)
        var manifests: [HostManifest] = []
        var foreign: [String] = []
        for (path, bytes) in receiver.files.sorted(by: { $0.key < $1.key }) where path != Self.tokenPath {
            do throws(Failure) {
                manifests.append(try HostManifest(path: path, bytes: bytes))
            } catch {
                foreign.append(error.description)
            }
        }
        if document.token.isProven, let bytes = receiver.files[Self.tokenPath] {
            token = try ServerToken(parsing: bytes)
        }
        self.manifests = manifests
        self.foreign = foreign
        hostBindings = try ObjectsReading(reader, facts.index).hostBindings(HostBinding.Kind.allCases)
        let names = hostBindings.filter { $0.kind == .claims }.map { claim in
            SyncerNames.VirtualName(namespace: claim.namespace ?? "", name: claim.name)
        }
        claims = Set(names)
    }

    private static let tokenPath = "server/token"

    /// What it is a backup of: `host-1/team/blue`, or a name alone.
    var cluster: String {
        [document.identity.host, document.identity.namespace, document.identity.name].compactMap { $0 }
            .joined(separator: "/")
    }

    var facts: HostRestorePlan.Source {
        HostRestorePlan.Source(
            file: fileName, size: source.size, id: document.id, cluster: cluster, createdAt: document.createdAt,
            version: document.serverVersion?.value ?? "unknown", serverCA: document.authorities["server-ca"],
            hostObjects: manifests.count, reasons: document.reasons)
    }
}
