import ArgumentParser
import Failures
import Stores

/// Where the backups lie.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The directory of the backups (else $DAYTWO_STORE).", valueName: "path"))
    var store: String?

    /// The path that was given: the flag before the environment.
    var path: String? { store ?? Environment.store.value }

    /// The path; throws `usage` when none was given.
    func requirePath() throws(Failure) -> String {
        guard let path else {
            throw Failure(.usage, "no store is named", next: "give --store PATH, or set DAYTWO_STORE")
        }
        return path
    }

    /// Opens the store.
    func open(for purpose: DirectoryStore.Purpose) throws(Failure) -> DirectoryStore {
        try DirectoryStore(requirePath(), for: purpose)
    }
}
