public import Archive
public import Datastore
public import Failures
import JSONValues

/// What an archive says about itself, understood: read from its first frames, without the rest.
public struct ArchiveFacts: Sendable {
    /// The documents and entries as they stand.
    public let index: ArchiveIndex
    /// `backup.json`.
    public let document: BackupDocument
    /// The members of `inventory.json` beside its entries; nil where it has none that this version knows.
    public let contents: InventoryFacts?

    /// Reads them.
    public init(_ reader: ArchiveReader) throws(Failure) {
        try self.init(reader.index(), name: reader.name)
    }

    init(_ index: ArchiveIndex, name: String) throws(Failure) {
        self.index = index
        do throws(Failure) {
            document = try BackupDocument.read(index.backupJSON, of: name)
            let members = index.inventory.facts
            contents =
                members.contains { $0.name == "datastore" }
                ? try JSONValue.object(members).decode(InventoryFacts.self) : nil
        } catch {
            guard error.code != .refused else { throw error }
            throw Failure(
                .verificationFailed, "the archive \(name) does not say what it is a backup of",
                why: "backup.json or inventory.json lacks what format 1 has", next: "use another backup", cause: error)
        }
    }

    /// The datastore's driver and entry; throws `refused` for a driver that this version does not know.
    public func datastoreEntry(of reader: ArchiveReader) throws(Failure) -> (DatastoreDriver, InventoryEntry) {
        guard let driver = DatastoreDriver(rawValue: document.datastore.driver) else {
            throw Failure(
                .refused, "cannot open the datastore in \(reader.name)", why: "it is \(document.datastore.driver)",
                next: "use a newer daytwo")
        }
        guard let entry = index.inventory.entry(document.datastore.entry), entry.header.kind == .file else {
            throw Failure(
                .verificationFailed, "the archive \(reader.name) has no datastore",
                why: "there is no entry \(document.datastore.entry)", next: "use another backup")
        }
        return (driver, entry)
    }
}
