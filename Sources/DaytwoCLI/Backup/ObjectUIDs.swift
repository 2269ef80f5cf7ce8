import Archive
import Datastore
import Failures
import Operations

/// The UIDs that the lines of an archive do not say, out of its database, which is opened when the first is asked for.
final class ObjectUIDs {
    private let facts: ArchiveFacts
    private let reader: ArchiveReader
    private let scratch: String
    private let context: OperationContext
    private var database: DatastoreFile?

    init(_ reader: ArchiveReader, _ facts: ArchiveFacts, scratch: String, _ context: OperationContext) {
        self.reader = reader
        self.facts = facts
        self.scratch = scratch
        self.context = context
    }

    func added(to objects: [ObjectLine]) throws(Failure) -> [ObjectLine] {
        guard facts.document.datastore.driver == DatastoreDriver.kine.rawValue else { return objects }
        let revisions = objects.filter { $0.uid == nil && $0.kind != nil }.map(\.revision)
        guard !revisions.isEmpty else { return objects }
        let uids = try opened().uids(at: revisions)
        return objects.map { object in
            var object = object
            object.uid = object.uid ?? uids[object.revision]
            return object
        }
    }

    private func opened() throws(Failure) -> DatastoreFile {
        if let database { return database }
        context.report(.step("opening the database, which has the UIDs"))
        let opened = try DatabaseScratch.open(facts, of: reader, in: scratch)
        database = opened
        return opened
    }
}
