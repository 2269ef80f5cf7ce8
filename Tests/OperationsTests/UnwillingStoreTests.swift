import Failures
import Files
import Foundation
import Operations
import Stores
import Testing

/// A store in which nothing beside the archives can be written or removed.
private struct UnwillingStore: ArchiveStore {
    let base: DirectoryStore

    var location: String { base.location }
    func begin(_ cluster: ClusterPath, _ name: ArchiveName) throws(Failure) -> PendingArchive {
        try base.begin(cluster, name)
    }
    func list() throws(Failure) -> Catalog { try base.list() }
    func list(_ cluster: ClusterPath) throws(Failure) -> Catalog { try base.list(cluster) }
    func open(_ entry: CatalogEntry) throws(Failure) -> any ByteSource { try base.open(entry) }
    func writeRecord(_ record: StoredRecord, for entry: CatalogEntry) throws(Failure) { throw unwilling }
    func delete(_ entry: CatalogEntry, at: Date, by: String) throws(Failure) { throw unwilling }
    func appendEvent(_ event: StoredEvent, to entry: CatalogEntry) throws(Failure) { throw unwilling }
    func events(of entry: CatalogEntry) throws(Failure) -> EventLog { try base.events(of: entry) }
    func sweep(now: Date) throws(Failure) -> [String] { throw unwilling }
    func freeBytes() throws(Failure) -> UInt64? { try base.freeBytes() }

    private var unwilling: Failure { Failure(.failed, "nothing is written here") }
}

@Suite("A store that takes archives and nothing else", .timeLimit(.minutes(1)))
struct UnwillingStoreTests {
    @Test("keeps the backup, and what could not be recorded is said to be missing")
    func backupStays() throws {
        let folder = "/tmp/daytwo-unwilling-\(UUID().uuidString.prefix(8))"
        try createDirectory("\(folder)/store")
        defer { try? removeTree(folder) }  // what stays behind in /tmp breaks no test
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/env")
        tar.arguments = [
            "tar", "--zstd", "-xf", "\(fixtures)/Fixtures/k3s-1.20.8-sqlite-secrets-encrypted.tar.zst", "-C", folder,
        ]
        try tar.run()
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)

        let start = ContinuousClock().now
        let context = OperationContext(
            now: { Date() }, uptime: { start.duration(to: ContinuousClock().now) },
            newID: { UUID().uuidString.lowercased().filter { $0 != "-" } }, workers: 2)
        let store = UnwillingStore(base: try DirectoryStore("\(folder)/store", for: .writing))
        let directory = try DataDirectory("\(folder)/k3s-1.20.8-sqlite-secrets-encrypted", existing: true)
        let request = BackupRequest(directory: directory, cluster: try ClusterPath(local: "blue"))
        let failure = #expect(throws: Failure.self) { _ = try Backup(request, to: store, context).run() }
        #expect(failure?.code == .partial, "\(failure.map { "\($0)" } ?? "")")
        #expect(failure?.what.contains("stored and verified") == true)
        let catalog = try store.list()
        #expect(catalog.entries.count == 1 && catalog.entries.first?.problems.isEmpty == true)
        #expect(catalog.entries.first?.record?.result == .complete)
    }
}
