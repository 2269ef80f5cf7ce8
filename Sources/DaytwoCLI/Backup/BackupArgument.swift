import Archive
import ArgumentParser
import Failures
import Files
import Foundation
import Operations
import Stores

/// A backup as a person names it, and the store that it is in.
struct BackupArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The backup: the beginning of its id, NAME@latest, NAME@2026-11-22T11:00Z, or the path of a file.",
            valueName: "backup"))
    var backup: String

    @OptionGroup var store: StoreOptions

    /// Finds it. A file needs no store: then the store is the directory that the file lies in.
    func resolve(_ session: Session) throws(Failure) -> ChosenBackup {
        try ChosenBackup(backup, in: store, session)
    }
}

/// The one backup that was meant.
struct ChosenBackup {
    let entry: CatalogEntry
    let store: DirectoryStore

    init(entry: CatalogEntry, store: DirectoryStore) {
        self.entry = entry
        self.store = store
    }

    init(_ text: String, in options: StoreOptions, _ session: Session) throws(Failure) {
        if let file = try Self.file(text) {
            entry = file
            store = try DirectoryStore(Self.folder(of: file.location), for: .reading)
            return
        }
        guard try options.path(session) != nil else {
            _ = try BackupSelector(text)
            throw Failure(
                text.contains("/") ? .notFound : .usage,
                text.contains("/") ? "there is no archive at \(text)" : "no store is named to look for \(text) in",
                next: "check the path, or name a backup in a store with --store PATH")
        }
        store = try options.open(for: .reading, session)
        let resolved = try store.resolve(text)
        for remark in resolved.remarks { session.console.warn(remark) }
        entry = resolved.entry
    }

    /// The path of the file, for a person who wants to copy it.
    var path: String { entry.location.hasPrefix("/") ? entry.location : "\(store.location)/\(entry.location)" }

    /// The cluster whose job it is to do something with it.
    var jobTarget: String { entry.cluster?.description ?? "file:\(path)" }

    /// Opens the archive.
    func reader() throws(Failure) -> ArchiveReader { try ArchiveReader(store.open(entry), name: entry.fileName) }

    /// Where scratch files go: as told, else beside the archives, else where temporary files go.
    func scratchDirectory(told: String?) throws(Failure) -> String {
        if let told = try ScratchDirectory.checked(told) { return told }
        let folder = entry.location.hasPrefix("/") ? Self.folder(of: entry.location) : store.location
        return access(folder, W_OK | X_OK) == 0 ? folder : Environment.temporaryDirectory.value ?? "/var/tmp"
    }

    /// What lies at that path, when the text is a path or the name of a file here; ids and NAME@TIME are none.
    private static func file(_ text: String) throws(Failure) -> CatalogEntry? {
        guard let status = try FileStatus.ifPresent(text, following: true) else { return nil }
        if !text.contains("/") {
            guard status.kind == .regular else { return nil }
            switch try? BackupSelector(text) {  // what is no selector may still be a file
            case .path, nil: break
            default: return nil
            }
        }
        return try DirectoryStore.entry(ofFileAt: text)
    }

    private static func folder(of path: String) -> String {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        return "/" + folder
    }
}

/// `--scratch`.
enum ScratchDirectory {
    /// The directory that was told, which must be there; nil when none was.
    static func checked(_ told: String?) throws(Failure) -> String? {
        guard let told else { return nil }
        guard try FileStatus.ifPresent(told, following: true)?.kind == .directory else {
            throw Failure(.notFound, "there is no directory \(told) for scratch files", next: "check --scratch")
        }
        return told
    }
}
