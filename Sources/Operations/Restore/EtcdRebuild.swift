import Datastore
import Failures
import Files
import Foundation

/// The part of a restore that only k3s itself can do: it rebuilds its etcd from the restored snapshot.
struct EtcdRebuild {
    let plan: RestorePlan
    let directory: DataDirectory

    /// Throws unless the etcd of the directory holds what was restored. It may be running: then its file changes while it is
    /// read, which may fail, but does not make one cluster look like another.
    func check() throws(Failure) {
        guard try FileStatus.ifPresent(directory.etcdDatabase) != nil else {
            throw Failure(
                .halfWay, "\(directory.root) waits for k3s to rebuild its etcd",
                why: "there is no server/db/etcd yet", next: next)
        }
        let (uid, revision): (String?, Int64)
        do throws(Failure) {
            let member = try EtcdSnapshot(OpenFile(directory.etcdDatabase, following: false))
            revision = try member.newestRevision()
            uid = try DatastoreFile.etcd(member).clusterUID()
        } catch {
            throw Failure(
                .halfWay, "the etcd that k3s rebuilt in \(directory.root) cannot be read", why: error.description,
                next: "stop k3s if it runs, and run the command again", cause: error)
        }
        guard uid == plan.source.clusterUID, revision >= plan.source.window.maxRevision else {
            throw Failure(
                .halfWay, "the etcd in \(directory.root) is not the one of the backup",
                why: "it has revision \(revision) and cluster \(uid ?? "unknown"), the backup has revision"
                    + " \(plan.source.window.maxRevision) and cluster \(plan.source.clusterUID ?? "unknown")",
                next: next)
        }
    }

    /// k3s leaves a file behind that keeps it from doing it twice, and takes that away when it starts without `--cluster-reset`;
    /// k3k always starts it with that.
    func removeFlag() throws(Failure) {
        let flag = "\(directory.server)/db/reset-flag"
        guard try FileStatus.ifPresent(flag) != nil else { return }
        guard unlink(flag) == 0 else { throw Failure.system("remove", flag, errno) }
        try synchronizeDirectory("\(directory.server)/db")
    }

    /// What to do while it is not rebuilt.
    private var next: String {
        "run: \(plan.rebuildCommand ?? "k3s server --cluster-reset"); then: daytwo restore resume --data-dir \(directory.root)"
    }
}
