public import Failures
public import Files
public import FoundationEssentials
internal import Glibc

/// A store that is a directory: on a disk, a mounted share, a removable drive.
public struct DirectoryStore: ArchiveStore {
    /// What a store is opened for.
    public enum Purpose: Sendable {
        /// To list and read: the directory may be read-only, and must be there.
        case reading
        /// To write: the directory must be writable. Its last part is made when it is missing, for a first backup; a
        /// missing directory above is more likely a typing mistake, or a disk that is not mounted.
        case writing
    }

    /// The path as it was given.
    public let location: String
    private let identity: FileStatus

    /// Opens a store.
    public init(_ path: String, for purpose: Purpose) throws(Failure) {
        guard !path.isEmpty else { throw Failure(.usage, "the path of the store is empty") }
        location = path
        do throws(Failure) {
            identity = try FileStatus(of: path, following: true)
        } catch {
            guard error.code == .notFound else { throw error }
            try Self.create(path, for: purpose)
            identity = try FileStatus(of: path, following: true)
        }
        guard identity.kind == .directory else {
            throw Failure(
                .refused, "\(path) is no store", why: "it is a file and not a directory",
                next: "Give a directory; one archive alone is named by its path instead of an id.")
        }
        let needed = purpose == .writing ? R_OK | W_OK | X_OK : R_OK | X_OK
        guard access(path, needed) == 0 else {
            throw Failure.system(purpose == .writing ? "write to the store" : "read the store", path, errno)
        }
    }

    private static func create(_ path: String, for purpose: Purpose) throws(Failure) {
        guard purpose == .writing else {
            throw Failure(
                .notFound, "there is no store at \(path)", why: "no such directory",
                next: "Check the path; the first backup makes the store, or create it with: mkdir -p \(path)")
        }
        var parent = path
        while parent.utf8.count > 1, parent.utf8.last == UInt8(ascii: "/") { parent.removeLast() }
        parent = parent.lastIndex(of: "/").map { String(parent[...$0]) } ?? "."
        guard try FileStatus.ifPresent(parent, following: true)?.kind == .directory else {
            throw Failure(
                .notFound, "there is no store at \(path), and no directory to make it in", why: "\(parent) is missing",
                next: "Mount the disk that it should be on, or create it with: mkdir -p \(path)")
        }
        try createDirectory(path, parents: false)
    }

    /// Begins to store an archive.
    public func begin(_ cluster: ClusterPath, _ name: ArchiveName) throws(Failure) -> PendingArchive {
        guard name.name == cluster.name else {
            throw Failure(.failed, "\(name.fileName) is no name for an archive of \(cluster)")
        }
        let folder = try makeFolder(cluster)
        let writer = try DirectoryWriter(store: self, folder: folder, name: name)
        return PendingArchive(writer, cluster: cluster, name: name)
    }

    /// What lies in the directory, however it came there.
    public func list() throws(Failure) -> Catalog { try DirectoryScan(location).catalog() }

    /// What lies in the folder of one cluster. An archive that somebody copied to another folder is not found by this.
    public func list(_ cluster: ClusterPath) throws(Failure) -> Catalog {
        let found = try DirectoryScan(location, below: cluster.folders.joined(separator: "/")).catalog()
        // Those of a host that is called "local" lie further down in the folder of a data directory.
        let own = found.entries.filter { $0.cluster == cluster || $0.cluster == nil }
        return Catalog(entries: own, problems: found.problems)
    }

    /// Opens an archive for reading.
    public func open(_ entry: CatalogEntry) throws(Failure) -> any ByteSource {
        let file = try OpenFile(path(of: entry), following: false)
        guard file.size == entry.size else {
            throw Failure(
                .verificationFailed, "\(entry.location) has changed since it was listed",
                why: "it has \(file.size) bytes instead of \(entry.size)")
        }
        return file
    }

    /// Writes the record of an archive that lies there.
    public func writeRecord(_ record: StoredRecord, for entry: CatalogEntry) throws(Failure) {
        guard record.file == entry.fileName, record.size == entry.size else {
            throw Failure(.failed, "the record is of \(record.file), not of \(entry.location)")
        }
        let neighbours = Neighbours(of: try path(of: entry))
        guard try FileStatus.ifPresent(neighbours.archive) != nil else {
            throw Failure(.notFound, "\(entry.location) is gone, so it gets no record")
        }
        try durablyWrite(record.bytes(), to: neighbours.record, replacing: true)
    }

    /// Removes an archive: first an event says so, then the archive goes, durably, then the rest. Whatever is left
    /// of a killed deletion says by itself that it is no backup.
    public func delete(_ entry: CatalogEntry, at: Date, by: String) throws(Failure) {
        let neighbours = Neighbours(of: try path(of: entry))
        if try FileStatus.ifPresent(neighbours.archive) != nil {
            do throws(Failure) {
                try appendEvent(StoredEvent(at: at, what: Neighbours.deleting, by: by), to: entry)
            } catch {
                // Deleting is how a full disk gets free again.
                guard error.systemError == ENOSPC || error.systemError == EDQUOT else { throw error }
            }
            guard unlink(neighbours.archive) == 0 || errno == ENOENT else {
                throw Failure.system("remove", neighbours.archive, errno)
            }
            try synchronizeDirectory(neighbours.folder)
        }
        try neighbours.removeRest()
    }

    /// Adds an event.
    public func appendEvent(_ event: StoredEvent, to entry: CatalogEntry) throws(Failure) {
        let neighbours = Neighbours(of: try path(of: entry))
        guard try FileStatus.ifPresent(neighbours.archive) != nil else {
            throw Failure(.notFound, "\(entry.location) is gone, so nothing can be noted for it")
        }
        try neighbours.append(event)
    }

    /// The events of an archive.
    public func events(of entry: CatalogEntry) throws(Failure) -> EventLog {
        try Neighbours(of: try path(of: entry)).events()
    }

    /// Removes what dead writers and unfinished deletions left.
    public func sweep(now: Date) throws(Failure) -> [String] {
        // Locks may not reach from one machine to another there; a day without a write is dead enough.
        let spared = try FileSystemFacts(of: location).isNetwork ? now.addingTimeInterval(-86_400) : nil
        let untouchedSince = spared.map { FileTime(seconds: Int64($0.timeIntervalSince1970)) }
        return try DirectoryScan(location).sweep(untouchedSince: untouchedSince)
    }

    /// The bytes that can still be stored.
    public func freeBytes() throws(Failure) -> UInt64? { try FileSystemFacts(of: location).freeBytes }

    /// The entry of an archive file anywhere, with its record where that lies beside it. No store is needed.
    public static func entry(ofFileAt path: String) throws(Failure) -> CatalogEntry {
        let status = try FileStatus(of: path, following: true)
        guard status.kind == .regular else {
            throw Failure(.refused, "\(path) is no archive", why: "it is a \(status.kind.rawValue)")
        }
        let real = try realPath(path)
        return try Neighbours(of: real).entry(location: real, status: status, folders: [])
    }

    /// Finds the backup that a person means: a file that lies at that path (from the working directory), else
    /// what the store has under that name.
    public func resolve(_ text: String) throws(Failure) -> ResolvedBackup {
        let selector = try BackupSelector(text)
        if case .path(let path) = selector, try FileStatus.ifPresent(path, following: true)?.kind == .regular {
            return ResolvedBackup(entry: try Self.entry(ofFileAt: path), passedOver: [])
        }
        return try list().resolve(selector)
    }

    /// Where an archive lies: an absolute path, or one below ``location``.
    public func path(of entry: CatalogEntry) throws(Failure) -> String {
        // A file outside of any store has an absolute location.
        if entry.location.utf8.first == UInt8(ascii: "/") { return entry.location }
        return location + "/" + (try TreePath(entry.location).string)
    }

    /// Makes the cluster's folders. Only below the directory that was opened: when a disk was unmounted meanwhile, the
    /// archive must not end up on the disk beneath.
    private func makeFolder(_ cluster: ClusterPath) throws(Failure) -> String {
        guard try FileStatus(of: location, following: true).isSameFile(as: identity) else {
            throw Failure(
                .failed, "the store at \(location) is not the directory that it was",
                why: "it was unmounted or replaced",
                next: "Mount it, then try again.")
        }
        var path = location
        for folder in cluster.folders {
            path += "/" + folder
            if let status = try FileStatus.ifPresent(path) {
                guard status.kind == .directory else {
                    throw Failure(
                        .refused, "cannot store archives in \(path)", why: "it is a \(status.kind.rawValue)",
                        next: "Move it away; a listing follows no links.")
                }
            } else {
                try createDirectory(path, parents: false)
            }
        }
        // Also those that another process made a moment ago: it may not have got to it.
        var parent = path
        for _ in cluster.folders {
            parent = String(parent[..<(parent.lastIndex(of: "/") ?? parent.endIndex)])
            try synchronizeDirectory(parent)
        }
        return path
    }
}
