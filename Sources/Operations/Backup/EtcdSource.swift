import Archive
import Datastore
import Failures
import Files
import Foundation
import Stores

/// Finds the snapshot of embedded etcd that a backup is made of: the one that was told, else the newest that is whole.
///
/// The files of a running etcd are never copied: only etcd itself can write a snapshot of them.
struct EtcdSource {
    let request: BackupRequest

    /// Clocks of two machines, or of a machine and its past, may be apart by this much.
    private static let clockTolerance: TimeInterval = 300

    /// The files to try, in this order; throws `refused` when there is none.
    func candidates() throws(Failure) -> [EtcdSnapshotFile] {
        if let told = request.etcdSnapshot { return [try EtcdSnapshotFile(path: told)] }
        let directory = request.directory
        let found = try EtcdSnapshotFile.all(in: directory.snapshots)
        guard !found.isEmpty else {
            throw Failure(
                .refused, "cannot back up \(directory.root)",
                why: "it is on embedded etcd, and there is no snapshot in server/db/snapshots",
                next: "\(Self.taking(directory)), then back up again; or give one with --etcd-snapshot FILE")
        }
        return found
    }

    func take(scratch: String, _ context: OperationContext) throws(Failure) -> DatastoreCopy {
        var passedOver: [String] = []
        var first: Failure?
        for candidate in try candidates() {
            do throws(Failure) {
                return try read(candidate, passedOver, scratch, context)
            } catch {
                // What k3s prunes meanwhile is gone, and what it still writes is not whole yet.
                guard request.etcdSnapshot == nil, [.verificationFailed, .notFound].contains(error.code) else {
                    throw error
                }
                passedOver.append("\(candidate.name) (\(error.why ?? error.description))")
                first = first ?? error
            }
        }
        throw Failure(
            .verificationFailed, "none of the etcd snapshots of \(request.directory.root) is whole",
            why: passedOver.joined(separator: "; "), next: Self.taking(request.directory), cause: first)
    }

    private func read(
        _ candidate: EtcdSnapshotFile, _ passedOver: [String], _ scratch: String, _ context: OperationContext
    ) throws(Failure) -> DatastoreCopy {
        context.report(.step("reading the etcd snapshot \(candidate.name)"))
        let status = try FileStatus(of: candidate.path, following: true)
        let (file, snapshot) = try candidate.open(scratchDirectory: scratch)
        let sum = try SHA256Sum(of: file)
        try context.checkStop()
        let found = try snapshot.inspect(scratchDirectory: scratch)
        guard found.contents.liveKeys > 0 else {
            throw Failure(
                .verificationFailed, "\(candidate.path) is no snapshot of a cluster", why: "it has no keys",
                next: Self.taking(request.directory))
        }
        let now = context.now()
        let age = now.timeIntervalSince(candidate.takenAt)
        return DatastoreCopy(
            driver: .etcd, file: file, sha256: { sum }, isPrivate: candidate.isCompressed, status: status,
            window: found.window, rowsSHA256: found.rowsSHA256, contents: found.contents, objects: found.objects,
            reading: nil,
            etcd: BackupDocument.EtcdSnapshotFacts(
                file: candidate.name, takenAt: UTCTime.string(candidate.takenAt),
                takenAtSource: candidate.timeSource.rawValue, ageSeconds: Int64(age.rounded()),
                hash: found.status.hash, totalKeys: found.status.totalKey, totalSize: found.status.totalSize,
                storageVersion: found.status.version, passedOver: passedOver),
            reasons: reasons(candidate, age: age), takenAt: candidate.takenAt)
    }

    private func reasons(_ candidate: EtcdSnapshotFile, age: TimeInterval) -> [String] {
        let limit = TimeInterval(request.snapshotAgeLimit.components.seconds)
        if age < -Self.clockTolerance {
            return ["the etcd snapshot \(candidate.name) is dated in the future, so how old it is is unknown"]
        }
        guard age > limit else { return [] }
        return [
            "the etcd snapshot \(candidate.name) is \(age.inWords) old, more than \(limit.inWords):"
                + " what changed since is missing (\(Self.taking(request.directory)))"
        ]
    }

    /// How a person takes a new one.
    private static func taking(_ directory: DataDirectory) -> String {
        "take one with: k3s etcd-snapshot save --data-dir \(directory.root)"
    }
}

extension TimeInterval {
    /// A duration for a person: its largest unit with one decimal.
    fileprivate var inWords: String {
        for (unit, seconds) in [("d", 86400.0), ("h", 3600.0), ("min", 60.0)] where self >= seconds {
            let tenths = Int((self / seconds * 10).rounded(.down))
            return tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(Int(self)) s"
    }
}
