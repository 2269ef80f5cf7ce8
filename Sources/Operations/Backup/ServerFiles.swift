import Archive
import Crypto
import Datastore
import Failures
import Files
import Foundation

/// The server's own files, read once at the time of the backup, with what was left out and why.
struct ServerFiles: Sendable {
    private(set) var inputs: [ArchiveInput] = []
    private(set) var leftOut: [InventoryFacts.LeftOut] = []
    /// Files that should be in a backup and could not be read.
    private(set) var unreadable: [String] = []
    /// The bytes of small files by their path below `server/`, for the proofs.
    private(set) var small: [String: [UInt8]] = [:]

    /// What of `server/` is the server's identity and its user's own: the rest is made again, or is the datastore.
    static let owned = ["token", "node-token", "agent-token", "cred", "tls", "manifests"]
    private static let smallLimit: UInt64 = 4 << 20

    private let scratch: ScratchCopies

    init(
        of directory: DataDirectory, _ driver: DatastoreDriver, configuration: String?, scratchDirectory: String
    ) throws(Failure) {
        scratch = ScratchCopies(directory: scratchDirectory)
        guard directory.distribution == .k3s else {
            try captureKubernetes(directory.root)
            return
        }
        try capture(directory.server, as: "server") { path in
            let first = path.split(separator: "/").first.map(String.init) ?? path
            if Self.owned.contains(first) || path == "db" { return nil }
            return path.hasPrefix("db/") ? Self.datastoreReason(path, driver) : Self.otherReason(first)
        }
        // vcluster has k3s write the kubeconfig beside the server.
        let kubeconfig = "\(directory.root)/k3s-config"
        if try FileStatus.ifPresent(kubeconfig)?.kind == .directory {
            try capture(kubeconfig, as: "config/k3s-config") { _ in nil }
        }
        if let configuration { try capture(configuration, as: "config/rancher/k3s") { _ in nil } }
    }

    /// Its certificates and keys; all else of its directory, a whole volume, is the datastore, or is made again.
    private mutating func captureKubernetes(_ root: String) throws(Failure) {
        inputs.append(ArchiveInput(header("server", .directory, try FileStatus(of: root), size: 0)))
        for name in try directoryNames(root).sorted() {
            switch name {
            case KubernetesFiles.directory where try FileStatus(of: "\(root)/\(name)").kind == .directory:
                try capture("\(root)/\(name)", as: "server/\(name)") { _ in nil }
            case "state.db", "state.db-wal", "state.db-shm":
                leftOut.append(.init(path: "server/\(name)", reason: "the datastore is in datastore/"))
            case "kine.sock": leftOut.append(.init(path: "server/\(name)", reason: "kine makes it again"))
            default:
                leftOut.append(.init(path: "server/\(name)", reason: "not one of the control plane's own files"))
            }
        }
    }

    func bytes(_ file: IdentityFile) -> [UInt8]? { small[file.path] }

    var token: [UInt8]? { small["token"] }

    private static func datastoreReason(_ path: String, _ driver: DatastoreDriver) -> String {
        switch true {
        case path.hasPrefix("db/joined-"): "a stamp that makes k3s skip its bootstrap"
        case path.hasPrefix("db/snapshots"): "snapshots are backups of their own"
        case path == "db/state.db" || path.hasPrefix("db/state.db-") where driver == .kine,
            path == "db/etcd" where driver == .etcd:
            "the datastore is in datastore/"
        default: "not part of the datastore"
        }
    }

    private static func otherReason(_ name: String) -> String {
        switch name {
        case "static", "etc", "kine.sock": "k3s makes it again"
        default: "not one of k3s's own files"
        }
    }

    private mutating func capture(
        _ root: String, as prefix: String, leavingOut reason: (String) -> String?
    ) throws(Failure) {
        var skipped: [(String, Failure)] = []
        let rootStatus = try FileStatus(of: root)
        inputs.append(ArchiveInput(header(prefix, .directory, rootStatus, size: 0)))
        let entries = try walkTree(root) { path, failure in skipped.append((path, failure)) }
        for (path, failure) in skipped { noteUnreadable("\(prefix)/\(path)", failure.description) }
        var leftDirectories: [String] = []
        for entry in entries {
            if leftDirectories.contains(where: { entry.path.hasPrefix($0 + "/") }) { continue }
            if let reason = reason(entry.path) {
                leftOut.append(.init(path: "\(prefix)/\(entry.path)", reason: reason))
                if entry.status.kind == .directory { leftDirectories.append(entry.path) }
                continue
            }
            try capture(entry, below: root, as: prefix)
        }
    }

    private mutating func capture(_ entry: TreeEntry, below root: String, as prefix: String) throws(Failure) {
        let path = "\(prefix)/\(entry.path)"
        switch entry.status.kind {
        case .directory:
            if entry.isMountPoint {
                return noteUnreadable(path, "another file system is mounted there")
            }
            inputs.append(ArchiveInput(header(path, .directory, entry.status, size: 0)))
        case .symbolicLink:
            captureLink(entry, below: root, path)
        case .regular:
            do throws(Failure) {
                let key = path.hasPrefix("server/") ? String(path.dropFirst("server/".count)) : nil
                try captureFile("\(root)/\(entry.path)", path, key: key)
            } catch {
                // A file that k3s replaced meanwhile is not missing; one that cannot be read is.
                if error.code == .notFound { return }
                guard error.code == .denied else { throw error }
                noteUnreadable(path, error.description)
            }
        default:
            leftOut.append(.init(path: path, reason: "a \(entry.status.kind.rawValue) is nothing to keep"))
        }
    }

    private mutating func noteUnreadable(_ path: String, _ reason: String) {
        unreadable.append(path)
        leftOut.append(.init(path: path, reason: reason))
    }

    /// A link that stays inside is kept relative; one that leaves is recorded, and never followed or created.
    private mutating func captureLink(_ entry: TreeEntry, below root: String, _ path: String) {
        let target = entry.linkTarget ?? ""
        let folder = entry.path.split(separator: "/").dropLast()
        var relative = target
        if target.hasPrefix(root + "/") {
            relative = String(repeating: "../", count: folder.count) + target.dropFirst(root.utf8.count + 1)
        }
        guard ArchivePath.fault(inLinkAt: path, target: relative) == nil, stays(relative, below: folder.count) else {
            leftOut.append(.init(path: path, reason: "a link that leaves: \(target)"))
            return
        }
        inputs.append(ArchiveInput(header(path, .symbolicLink(target: relative), entry.status, size: 0)))
    }

    private func stays(_ target: String, below depth: Int) -> Bool {
        var depth = depth
        for part in target.split(separator: "/") {
            if part == ".." { depth -= 1 } else if part != "." { depth += 1 }
            if depth < 0 { return false }
        }
        return true
    }

    private mutating func captureFile(_ source: String, _ path: String, key: String?) throws(Failure) {
        let file = try OpenFile(source, following: false)
        let status = try file.status()
        let content: any ByteSource
        let sum: SHA256Sum
        if file.size <= Self.smallLimit {
            let bytes = try readFile(source, limit: Int(Self.smallLimit) * 2, following: false)
            content = MemorySource(bytes)
            sum = SHA256Sum(of: bytes)
            if let key { small[key] = bytes }
        } else {
            (content, sum) = try scratch.copy(file)
        }
        inputs.append(
            ArchiveInput(file: header(path, .file, status, size: content.size), content: content, sha256: sum))
    }

    private func header(_ path: String, _ kind: EntryKind, _ status: FileStatus, size: UInt64) -> EntryHeader {
        EntryHeader(
            path: path, kind: kind, size: size, mode: UInt16(truncatingIfNeeded: status.mode & 0o7777),
            userID: status.uid, groupID: status.gid, modificationSeconds: status.modified.seconds,
            modificationNanoseconds: status.modified.nanoseconds)
    }
}

/// Private copies of larger files, so that what is archived is what was hashed, whatever k3s does meanwhile.
struct ScratchCopies: Sendable {
    let directory: String

    func copy(_ file: OpenFile) throws(Failure) -> (any ByteSource, SHA256Sum) {
        let scratch = try FileDescriptor.temporary(in: directory)
        var hasher = SHA256()
        var offset: UInt64 = 0
        try file.forEachPiece { (piece) throws(Failure) in
            hasher.update(bufferPointer: piece)
            try scratch.writeAll(piece, at: offset)
            offset += UInt64(piece.count)
        }
        return (try OpenFile(scratch), SHA256Sum(hasher.finalize()))
    }
}
