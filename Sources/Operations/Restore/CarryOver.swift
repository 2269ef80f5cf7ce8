import Failures
import Files
import Foundation

/// Decides what of the replaced `server/` comes along, and brings it.
struct CarryOver {
    let directory: DataDirectory
    /// The archive's paths below `server/`.
    let archived: Set<String>
    /// Both are the same cluster, so that a token which the archive lacks is still right.
    let isSameCluster: Bool

    struct Decision {
        var carried: [TreeEntry] = []
        var setAside: [String] = []

        var bytes: UInt64 {
            carried.reduce(0) { $0 + ($1.status.kind == .regular && !CarryOver.isShared($1.path) ? $1.status.size : 0) }
        }
    }

    func decide() throws(Failure) -> Decision {
        var decision = Decision()
        // Around the database of Kubernetes, everything stays where it is.
        guard directory.distribution == .k3s, try FileStatus.ifPresent(directory.server)?.kind == .directory else {
            return decision
        }
        var asideDirectories: [String] = []
        var unreadable: [String] = []
        for entry in try walkTree(directory.server, skipping: { path, _ in unreadable.append(path) }) {
            if asideDirectories.contains(where: { entry.path.hasPrefix($0 + "/") }) { continue }
            if isDatastore(entry.path) || !isKept(entry.status.kind) || isMadeAtStart(entry) {
                if entry.status.kind == .directory { asideDirectories.append(entry.path) }
                continue
            }
            if archived.contains(entry.path) { continue }
            let first = entry.path.split(separator: "/").first.map(String.init) ?? entry.path
            let isToken = entry.path == "token" || entry.path == "agent-token"
            if ServerFiles.owned.contains(first), !(isToken && isSameCluster) {
                // What the archive holds as a whole is not mixed with what was there.
                decision.setAside.append(entry.path)
                if entry.status.kind == .directory { asideDirectories.append(entry.path) }
                continue
            }
            decision.carried.append(entry)
        }
        decision.setAside += unreadable
        return decision
    }

    /// Snapshots are written once and never changed, so that both sets may have the same file.
    private static func isShared(_ path: String) -> Bool { path.hasPrefix("db/snapshots/") }

    private func isKept(_ kind: FileStatus.Kind) -> Bool {
        kind == .regular || kind == .directory || kind == .symbolicLink
    }

    /// The datastore itself, and the stamps and flags that make k3s take one for another.
    private func isDatastore(_ path: String) -> Bool {
        path.hasPrefix("db/state.db") || path.hasPrefix("db/joined-") || path == "db/etcd" || path.hasPrefix("db/etcd/")
            || path.hasPrefix("db/etcd-") || path == "db/reset-flag" || path == "kine.sock"
    }

    /// The link that k3s sets to its token each time that it starts.
    private func isMadeAtStart(_ entry: TreeEntry) -> Bool {
        entry.path == "node-token" && entry.status.kind == .symbolicLink
    }

    /// Brings the entries into `stage`. Snapshots are shared by a hard link; all else is copied, so that the set put
    /// aside stays as it is.
    func bring(_ entries: [TreeEntry], into stage: String) throws(Failure) {
        var directories: [TreeEntry] = []
        for entry in entries {
            let (from, to) = ("\(directory.server)/\(entry.path)", "\(stage)/\(entry.path)")
            guard try FileStatus.ifPresent(to) == nil else { continue }
            switch entry.status.kind {
            case .directory:
                try createDirectory(to)
                directories.append(entry)
            case .symbolicLink:
                guard symlink(entry.linkTarget ?? "", to) == 0 else {
                    throw Failure.system("create the link", to, errno)
                }
                try setMetadata(to, FileMetadata(entry.status), owner: .whenPermitted)
            default:
                if Self.isShared(entry.path), link(from, to) == 0 { continue }
                try copyFile(from: from, to: to)
            }
        }
        for entry in directories.reversed() {
            try setMetadata("\(stage)/\(entry.path)", FileMetadata(entry.status), owner: .whenPermitted)
        }
    }
}
