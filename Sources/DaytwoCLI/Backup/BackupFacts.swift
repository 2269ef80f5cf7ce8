import Archive
import Datastore
import Failures
import Foundation
import JSONValues
import Operations
import Stores

/// The facts of `backup.json` as documents and blocks show them.
enum BackupFacts {
    /// The members of `backup.json` that belong into a document of kind Backup, also those that this version does
    /// not know. What kind of backup it is, is its type there.
    static func members(of document: JSON) -> [(String, JSON?)] {
        document.membersByName.compactMap { name, value in
            switch name {
            case "id", "reasons", "apiVersion": nil
            case "kind": ("type", value)
            default: (name, value)
            }
        }
    }

    /// One sentence about the revisions.
    static func sentence(_ datastore: BackupDocument.DatastoreFacts) -> String {
        let window = datastore.window
        return
            "revision \(window.maxRevision), history after \(window.compactRevision), \(Formats.count(window.rows, "row"))"
    }

    /// One sentence about the etcd snapshot that a backup is made of, its age first of all.
    static func sentence(_ snapshot: BackupDocument.EtcdSnapshotFacts) -> String {
        let taken = UTCTime.parse(snapshot.takenAt)
        let backup = taken?.addingTimeInterval(TimeInterval(snapshot.ageSeconds))
        let age = taken.flatMap { taken in backup.map { Formats.age(of: taken, at: $0) } } ?? "?"
        return "\(snapshot.file), taken \(snapshot.takenAt) (\(snapshot.takenAtSource)), \(age) old at the backup"
    }

    /// One sentence about how Secrets are stored.
    static func sentence(_ configured: SecretsEncryption?, _ sample: SecretsEncryption.Sample?) -> String {
        var parts: [String] = []
        if let configured {
            parts.append(
                configured.isEnabled
                    ? "new Secrets are encrypted (\(configured.providers.joined(separator: ", ")))"
                    : "new Secrets are not encrypted")
        } else {
            parts.append("the server has no configuration for it")
        }
        if let sample {
            let counts = sample.encodings.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            if !counts.isEmpty { parts.append("stored: " + counts.joined(separator: ", ")) }
            let missing = configured?.missingKeys(sample) ?? sample.keyNames
            if !missing.isEmpty { parts.append("the keys \(missing.joined(separator: ", ")) are missing") }
        }
        return parts.joined(separator: "; ")
    }
}
