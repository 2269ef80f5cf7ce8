import Failures
import Files
import Foundation
import Stores

/// What a caller asks of an agent that is to back up, but for the bytes of the host's files, which follow as data.
struct AgentBackupParameters: Codable, Sendable {
    /// A file of the host's, in the order of the data.
    struct File: Codable, Sendable {
        var path: String
        var size: UInt64
    }

    /// More host objects than any cluster has.
    static let mostFiles = 10_000
    static let mostBytes: UInt64 = 64 << 20

    var id: String
    var createdAt: String
    var host: String
    var namespace: String
    var name: String
    var place: AgentOperation.Place
    var etcdSnapshot: String?
    var snapshotAgeLimitSeconds: Int64
    var level: Int32?
    var version: BackupDocument.Version?
    /// Base 64 in JSON.
    var hostToken: Data?
    var facts: HostFacts
    var files: [File]

    init(_ request: RemoteBackupRequest, id: String, name: ArchiveName) {
        self.id = id
        createdAt = UTCTime.string(name.createdAt)
        host = request.cluster.host ?? ""
        namespace = request.cluster.namespace ?? ""
        self.name = request.cluster.name
        place = AgentOperation.Place(
            dataDirectory: request.dataDirectory, scratchDirectory: request.scratchDirectory)
        etcdSnapshot = request.etcdSnapshot
        snapshotAgeLimitSeconds = request.snapshotAgeLimit.components.seconds
        level = request.options.level
        version = request.version
        hostToken = request.hostToken.map { Data($0) }
        facts = request.facts
        files = request.files.map { File(path: $0.path, size: $0.content.size) }
    }

    /// Refuses what an agent would refuse.
    func check() throws(Failure) {
        let size = files.reduce(UInt64(0)) { $0.addingReportingOverflow($1.size).overflow ? .max : $0 + $1.size }
        guard files.count <= Self.mostFiles, size <= Self.mostBytes else {
            throw Failure(
                .refused, "there are too many host objects", why: "\(files.count) of \(size) bytes",
                next: "select fewer of them")
        }
        for file in files { try HostFile.check(file.path) }
    }

    func archiveName() throws(Failure) -> ArchiveName {
        guard let date = UTCTime.parse(createdAt) else { throw Failure(.failed, "the time of the backup is none") }
        return try ArchiveName(name: name, createdAt: date, id: id)
    }

    /// The same backup as one of a data directory.
    func backupRequest(_ hostFiles: [HostFile]) throws(Failure) -> BackupRequest {
        var request = BackupRequest(
            directory: try DataDirectory(place.dataDirectory, existing: true),
            cluster: try ClusterPath(host: host, namespace: namespace, name: name))
        request.etcdSnapshot = etcdSnapshot
        request.snapshotAgeLimit = .seconds(snapshotAgeLimitSeconds)
        request.scratchDirectory = place.scratchDirectory
        request.options.level = level
        request.toldVersion = version
        request.hostToken = hostToken.map { Array($0) }
        request.host = facts
        request.hostFiles = hostFiles
        return request
    }
}
