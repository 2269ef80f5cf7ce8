import Archive
import Datastore
import Failures
import Files
import Foundation
import Stores

/// What makes an archive in a store a backup, wherever its bytes came from: read back, recorded, noted.
struct BackupKeeping: Sendable {
    let cluster: ClusterPath
    let store: any ArchiveStore
    let context: OperationContext

    /// Removes what killed backups left. Rubbish that cannot be removed is no reason to have no backup.
    func sweep() {
        do throws(Failure) {
            _ = try store.sweep(now: context.now())
        } catch {
            context.report(.step("passing over remains of earlier backups (\(error))"))
        }
    }

    /// Reads an archive back before it counts, and compares it with what was written; nil where the store cannot.
    func readBack(
        _ pending: borrowing PendingArchive, _ name: ArchiveName, size: UInt64, sha256: SHA256Sum
    ) throws(Failure) -> VerifiedArchive? {
        guard let written = try pending.written() else { return nil }
        context.report(.step("reading the archive back"))
        let verified = try ArchiveReader(written, name: name.fileName).verify(workers: context.workers)
        guard verified.sha256 == sha256, verified.size == size else {
            throw Failure(
                .verificationFailed, "the archive \(name.fileName) reads back as something else",
                why: "its SHA-256 is not the one that was written", next: "check the disk of \(store.location)")
        }
        return verified
    }

    /// The record that stands beside the archive; `start` is when the backup began, by `context.uptime`.
    func record(
        _ document: BackupDocument, _ name: ArchiveName, size: UInt64, sha256: SHA256Sum, liveKeys: Int,
        since start: Duration, purpose: StoredRecord.Purpose? = nil
    ) -> StoredRecord {
        var record = StoredRecord(
            id: document.id, name: name,
            identity: StoredRecord.Identity(cluster: cluster, clusterUID: document.identity.clusterUID),
            size: size, sha256: sha256.hex, daytwoVersion: OperationContext.version,
            result: document.reasons.isEmpty ? .complete : .partial, reasons: document.reasons)
        record.window = StoredRecord.Window(
            revision: document.datastore.window.maxRevision, compactRevision: document.datastore.window.compactRevision,
            liveKeys: Int64(liveKeys))
        record.purpose = purpose
        record.duration = .milliseconds((context.uptime() - start).milliseconds)
        return record
    }

    /// Notes that an archive was read back.
    func noteVerification(_ entry: CatalogEntry) throws(Failure) {
        do throws(Failure) {
            try store.appendEvent(
                StoredEvent(
                    at: context.now(), what: StoredEvent.verified, level: .stored, by: OperationContext.version),
                to: entry)
        } catch {
            throw error.raised(
                to: .partial, "the backup \(entry.location) is stored and verified, but that could not be recorded",
                next: "record it with: daytwo backup verify \(entry.shortID)")
        }
    }
}
