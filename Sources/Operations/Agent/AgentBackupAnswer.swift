import Datastore
import Failures
import Files
import Stores

/// What an agent says of a backup, once all of its archive is sent.
struct AgentBackupAnswer: Codable, Sendable {
    var document: BackupDocument
    var liveKeys: Int
    var databaseSize: UInt64
    var reading: KineSnapshot.Reading?

    init(_ prepared: PreparedBackup) {
        document = prepared.document
        liveKeys = prepared.snapshot.contents.liveKeys
        databaseSize = prepared.snapshot.file.size
        reading = prepared.snapshot.reading
    }

    /// Throws unless it is of the backup that was asked for: an agent is not trusted to name what it sends.
    func check(id: String, _ name: ArchiveName, _ cluster: ClusterPath) throws(Failure) {
        let identity = document.identity
        guard document.id == id, document.createdAt == UTCTime.string(name.createdAt), identity.host == cluster.host,
            identity.namespace == cluster.namespace, identity.name == cluster.name, liveKeys >= 0
        else {
            throw Failure(
                .verificationFailed, "the agent sent another backup than the one of \(cluster) that it was asked for",
                next: "check the agent's image")
        }
    }
}
