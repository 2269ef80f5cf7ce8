internal import Failures
internal import Files

/// One look through a store's directory: everything is derived from what lies there.
struct DirectoryScan {
    private let root: String
    private var archives: [TreeEntry] = []
    private var directories: [String] = [""]
    /// Folder and stem of each record and each folder of events, whether or not an archive is beside it.
    private var leftover: [(record: String, neighbours: Neighbours)] = []
    private var problems: [String] = []

    /// Looks through all of it, or through one folder, which need not be there.
    init(_ root: String, below folder: String = "") throws(Failure) {
        self.root = root
        if !folder.isEmpty, try FileStatus.ifPresent(full(folder))?.kind != .directory { return }
        try walk(below: folder, depth: 0)
    }

    func catalog() throws(Failure) -> Catalog {
        var entries: [CatalogEntry] = []
        var problems = problems
        for archive in archives {
            do throws(Failure) {
                entries.append(try entry(archive))
            } catch {
                problems.append("\(archive.path): \(error.description)")
            }
        }
        for (record, neighbours) in leftover {
            do throws(Failure) {
                guard try isOrphan(neighbours), try !neighbours.isBeingDeleted() else { continue }
                problems.append("\(record): the archive that it belongs to is gone")
            } catch {
                problems.append("\(record): \(error.description)")
            }
        }
        return Catalog(entries: markLostParents(entries), problems: problems)
    }

    func sweep(untouchedSince: FileTime?) throws(Failure) -> [String] {
        var removed: [String] = []
        for directory in directories {
            let names = try sweepPartialFiles(in: full(directory), untouchedSince: untouchedSince)
            removed += names.map { join(directory, $0) }
        }
        for (record, neighbours) in leftover {
            guard try isOrphan(neighbours), try neighbours.isBeingDeleted() else { continue }
            try neighbours.removeRest()
            removed.append(record)
        }
        return removed
    }

    private mutating func walk(below prefix: String, depth: Int) throws(Failure) {
        var skipped: [String] = []
        let found = try walkTree(full(prefix)) { path, failure throws(Failure) in
            // Every ext file system has one at its top, for root alone.
            if path == "lost+found" { return }
            skipped.append("\(path): \(failure.description)")
        }
        problems += skipped.map { join(prefix, $0) }
        for entry in found {
            let parts = entry.path.split(separator: "/")
            guard !parts.contains(where: { $0.hasPrefix(".") || $0 == "lost+found" }) else { continue }
            let entry = TreeEntry(
                path: join(prefix, entry.path), status: entry.status, linkTarget: entry.linkTarget,
                isMountPoint: entry.isMountPoint)
            if entry.status.kind == .directory, entry.isMountPoint {
                // A disk for one host is mounted inside the store.
                guard depth < 8 else {
                    problems.append("\(entry.path): mounts are nested too deep")
                    continue
                }
                directories.append(entry.path)
                try walk(below: entry.path, depth: depth + 1)
            } else {
                sort(entry)
            }
        }
    }

    private mutating func sort(_ entry: TreeEntry) {
        let (folder, name) = split(entry.path)
        switch entry.status.kind {
        case .directory:
            directories.append(entry.path)
            noteLeftover(entry.path, folder, name, Neighbours.eventsEnding)
        case .regular:
            if ArchiveName.split(name) != nil {
                archives.append(entry)
            } else {
                noteLeftover(entry.path, folder, name, Neighbours.recordEnding)
            }
        case .symbolicLink:
            guard ArchiveName.split(name) != nil else { return }
            problems.append("\(entry.path): a symbolic link, which is not followed")
        default: break
        }
    }

    /// Only names of our own form: a store may hold other people's files.
    private mutating func noteLeftover(_ path: String, _ folder: String, _ name: String, _ ending: String) {
        guard name.hasSuffix(ending) else { return }
        let stem = String(name.dropLast(ending.count))
        guard ArchiveName(parsing: stem + ArchiveName.ending) != nil else { return }
        leftover.append((path, Neighbours(folder: full(folder), stem: stem)))
    }

    private func entry(_ archive: TreeEntry) throws(Failure) -> CatalogEntry {
        let folders = split(archive.path).folder.split(separator: "/").map(String.init)
        return try Neighbours(of: full(archive.path)).entry(
            location: archive.path, status: archive.status, folders: folders)
    }

    /// Asked of the disk and not of the walk: a commit or a deletion may have come in between.
    private func isOrphan(_ neighbours: Neighbours) throws(Failure) -> Bool {
        if try neighbours.hasArchive() { return false }
        if try FileStatus.ifPresent(neighbours.record) != nil { return true }
        return try FileStatus.ifPresent(neighbours.eventsFolder) != nil
    }

    /// An increment whose parent is not here restores nothing.
    private func markLostParents(_ entries: [CatalogEntry]) -> [CatalogEntry] {
        let sound = Set(entries.filter(\.problems.isEmpty).compactMap(\.id))
        return entries.map { entry in
            guard let parent = entry.record?.parent, !sound.contains(parent), !sound.contains(String(parent.prefix(8)))
            else { return entry }
            return entry.with(problem: "the backup that it stands on, \(parent.prefix(8)), is missing or damaged")
        }
    }

    private func full(_ path: String) -> String { join(root, path) }

    private func join(_ folder: String, _ path: String) -> String {
        folder.isEmpty || path.isEmpty ? folder + path : folder + "/" + path
    }

    private func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}
