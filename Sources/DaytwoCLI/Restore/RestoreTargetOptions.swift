public import ArgumentParser
import Failures
import Files
public import Operations
import Stores

/// The directory that is restored.
struct RestoreDirectoryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The k3s data directory, or its server/.", valueName: "path"))
    var dataDir: String?

    /// The directory; it may be empty, for a first restore onto a new machine.
    func directory() throws(Failure) -> DataDirectory {
        guard let dataDir else { throw Failure(.usage, "no data directory is named", next: "give --data-dir DIR") }
        return try DataDirectory(dataDir, existing: false)
    }
}

extension RestorePlan.ServerFiles: ExpressibleByArgument {}

/// What a person may choose about a restore.
struct RestoreChoiceOptions: ParsableArguments {
    @Flag(help: "Restore over the data of another cluster.")
    var replaceOtherCluster = false

    @Flag(help: "Accept that k3s makes a new identity, which voids every kubeconfig and token.")
    var newIdentity = false

    @Option(help: "Restore tls/ and cred/ as they were (identical), or leave them to k3s (recreate).")
    var serverFiles: RestorePlan.ServerFiles?

    @Flag(help: "Leave the revision as it was in the backup; clients that stay connected then miss changes.")
    var noBump = false

    @Flag(help: "Remove the old set at the end, instead of keeping it aside.")
    var discardOld = false

    var options: RestoreOptions {
        var options = RestoreOptions()
        options.replacesOtherCluster = replaceOtherCluster
        options.acceptsNewIdentity = newIdentity
        options.serverFiles = serverFiles
        options.bumpsRevision = !noBump
        options.discardsOld = discardOld
        return options
    }

    /// The plan of a restore onto a directory.
    func plan(
        _ archive: RestoreArchive, onto directory: DataDirectory, _ context: OperationContext
    ) throws(Failure) -> RestorePlan {
        var plan = try RestorePlanner(archive, onto: directory, options, context).plan()
        if let warning = try archive.warning(restoredTo: directory.root, plan.serverFiles) {
            plan.warnings.append(warning)
        }
        return plan
    }
}

extension StoreOptions {
    /// Finds the archive that a person names: in the store where one is given, else the file itself.
    func archive(_ text: String, _ session: Session) throws(Failure) -> RestoreArchive {
        guard try path(session) != nil else {
            guard case .path(let file) = try BackupSelector(text) else {
                throw Failure(
                    .usage, "'\(text)' is the name of a backup, and no store is given",
                    next: "give --store PATH, or the path of the archive itself")
            }
            return try open(DirectoryStore.entry(ofFileAt: file), in: nil)
        }
        let store = try self.open(for: .reading, session)
        let resolved = try store.resolve(text)
        for remark in resolved.remarks { session.console.warn(remark) }
        return try open(resolved.entry, in: store)
    }

    private func open(_ entry: CatalogEntry, in store: DirectoryStore?) throws(Failure) -> RestoreArchive {
        guard !entry.isEncrypted else {
            throw Failure(
                .refused, "\(entry.location) is encrypted", why: "this daytwo cannot read encrypted archives",
                next: "decrypt it first: age -d -i KEY -o ARCHIVE.tar.zst \(entry.location)")
        }
        let isAbsolute = entry.location.hasPrefix("/")
        let path = isAbsolute ? entry.location : "\(store?.location ?? ".")/\(entry.location)"
        return try RestoreArchive(path: try realPath(path))
    }
}
