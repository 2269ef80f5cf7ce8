import Failures
import Files
import Foundation
import Stores
import Synchronization

/// A store in memory, for as many backups as a year has: whole or not there, and the truth, as the contract wants it.
final class MemoryStore: ArchiveStore {
    private struct Stored {
        var entry: CatalogEntry
        var bytes: [UInt8]
        var events: [StoredEvent] = []
    }

    let location: String
    private let archives = Mutex<[String: [String: Stored]]>([:])

    init(_ location: String) { self.location = location }

    func begin(_ cluster: ClusterPath, _ name: ArchiveName) throws(Failure) -> PendingArchive {
        PendingArchive(Writer(store: self, cluster: cluster, name: name), cluster: cluster, name: name)
    }

    func list() throws(Failure) -> Catalog {
        Catalog(entries: archives.withLock { $0.values.flatMap { $0.values.map(\.entry) } })
    }

    func list(_ cluster: ClusterPath) throws(Failure) -> Catalog {
        Catalog(entries: archives.withLock { $0[cluster.description]?.values.map(\.entry) ?? [] })
    }

    func open(_ entry: CatalogEntry) throws(Failure) -> any ByteSource { MemorySource(try stored(entry).bytes) }

    func writeRecord(_ record: StoredRecord, for entry: CatalogEntry) throws(Failure) {
        throw Failure(.failed, "a record of this store comes with its archive")
    }

    func delete(_ entry: CatalogEntry, at: Date, by: String) throws(Failure) {
        archives.withLock { _ = $0[Self.folder(entry)]?.removeValue(forKey: entry.location) }
    }

    func appendEvent(_ event: StoredEvent, to entry: CatalogEntry) throws(Failure) {
        _ = try stored(entry)
        archives.withLock { $0[Self.folder(entry)]?[entry.location]?.events.append(event) }
    }

    func events(of entry: CatalogEntry) throws(Failure) -> EventLog { EventLog(events: try stored(entry).events) }

    func sweep(now: Date) throws(Failure) -> [String] { [] }

    func freeBytes() throws(Failure) -> UInt64? { nil }

    private static func folder(_ entry: CatalogEntry) -> String { entry.cluster?.description ?? "" }

    private func stored(_ entry: CatalogEntry) throws(Failure) -> Stored {
        let found = archives.withLock { $0[Self.folder(entry)]?[entry.location] }
        guard let found else { throw Failure(.notFound, "\(entry.location) is gone") }
        return found
    }

    private final class Writer: ArchiveWriter {
        let store: MemoryStore
        let cluster: ClusterPath
        let name: ArchiveName
        private let bytes = Mutex<[UInt8]>([])

        init(store: MemoryStore, cluster: ClusterPath, name: ArchiveName) {
            (self.store, self.cluster, self.name) = (store, cluster, name)
        }

        var count: UInt64 { bytes.withLock { UInt64($0.count) } }

        func write(_ piece: UnsafeRawBufferPointer) throws(Failure) { bytes.withLock { $0 += piece } }

        func written() throws(Failure) -> (any ByteSource)? { MemorySource(bytes.withLock { $0 }) }

        func commit(_ record: StoredRecord) throws(Failure) -> CatalogEntry {
            let entry = CatalogEntry(
                location: "\(cluster)/\(name.fileName)", name: name, cluster: cluster, id: record.id,
                createdAt: record.createdAt, size: record.size, isEncrypted: false, record: record, problems: [])
            let stored = Stored(entry: entry, bytes: bytes.withLock { $0 })
            try store.archives.withLock { archives throws(Failure) in
                guard archives[cluster.description]?[entry.location] == nil else {
                    throw Failure(.refused, "\(entry.location) is there already")
                }
                archives[cluster.description, default: [:]][entry.location] = stored
            }
            return entry
        }

        func discard() {}
    }
}
