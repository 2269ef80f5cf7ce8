import ArgumentParser
import Failures
import Files
import Policies
import Stores

/// Where the backups lie.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The directory of the backups, or a store's name in the configuration (else $DAYTWO_STORE, else the only one configured).",
            valueName: "path"))
    var store: String?

    /// The path of the store: the flag before the environment before the configuration; nil when none names one.
    func path(_ session: Session) throws(Failure) -> String? {
        if let told = store ?? Environment.store.value { return try Self.path(told, session) }
        let stores = try session.settings.optionalConfiguration(session.console)?.stores ?? []
        return stores.count == 1 ? stores[0].path : nil
    }

    /// The path; throws `usage` when none was given.
    func requirePath(_ session: Session) throws(Failure) -> String {
        if let path = try path(session) { return path }
        throw Failure(.usage, "no store is named", next: "give --store PATH, or set DAYTWO_STORE")
    }

    /// Opens the store.
    func open(for purpose: DirectoryStore.Purpose, _ session: Session) throws(Failure) -> DirectoryStore {
        try DirectoryStore(requirePath(session), for: purpose)
    }

    /// A text without a slash may be a name of the configuration; with one it is a path. Where there is a configuration,
    /// a mistyped name makes no new store.
    private static func path(_ text: String, _ session: Session) throws(Failure) -> String {
        guard !text.contains("/") else { return text }
        if try FileStatus.ifPresent(text, following: true) != nil {
            return try session.settings.optionalConfiguration(session.console)?.store(named: text)?.path ?? text
        }
        guard let configuration = try session.settings.configuration() else { return text }
        if let store = configuration.store(named: text) { return store.path }
        let names = configuration.stores.map(\.name).joined(separator: ", ")
        throw Failure(
            .notFound, "there is no store \(text.debugDescription)",
            why: names.isEmpty ? "\(configuration.path) names none" : "there are \(names)",
            next: "check --store, or give a path: --store ./\(text)")
    }
}
