import Archive
import Crypto
import Datastore
import Failures
import Files
import Foundation
import Stores

/// A datastore as it goes into an archive: one file at one revision, and what is known of it.
struct DatastoreCopy: Sendable {
    let driver: DatastoreDriver
    let file: any ByteSource
    /// Its digest; it is computed while other things are done, so it is asked for last.
    let sha256: @Sendable () throws(Failure) -> SHA256Sum
    /// Nobody else has the file, so that it need not be hashed again.
    let isPrivate: Bool
    /// Whose file it is, with which rights.
    let status: FileStatus
    let window: KineWindow
    let rowsSHA256: String
    let contents: DatastoreContents
    let objects: ObjectsFile
    /// How a live database was read.
    let reading: KineSnapshot.Reading?
    /// The snapshot that it is, for etcd.
    let etcd: BackupDocument.EtcdSnapshotFacts?
    /// What it lacks.
    let reasons: [String]
    /// The moment whose state it is.
    let takenAt: Date

    /// The entry of the archive that holds it.
    var entry: String { driver.entry }
}

extension DatastoreDriver {
    /// The entry of an archive that holds such a datastore.
    var entry: String {
        switch self {
        case .kine: "datastore/state.db"
        case .etcd: "datastore/etcd.snapshot"
        }
    }
}

extension DatastoreCopy {
    /// A hot snapshot of kine's database.
    init(_ snapshot: KineSnapshot, of database: FileStatus, at now: Date) throws(Failure) {
        driver = .kine
        file = snapshot.file
        sha256 = { () throws(Failure) in try SHA256Sum(checked: snapshot.sha256()) }
        isPrivate = true
        status = database
        window = snapshot.window
        rowsSHA256 = snapshot.rowsSHA256
        contents = snapshot.contents
        objects = snapshot.objects
        reading = snapshot.reading
        etcd = nil
        reasons = snapshot.otherTables.map { "the table '\($0)' of the database is left out" }
        takenAt = now
    }
}

extension SHA256Sum {
    /// Reads 64 digits that we have computed ourselves.
    init(checked hex: String) throws(Failure) {
        guard let sum = SHA256Sum(hex: hex) else { throw Failure(.failed, "\(hex) is no SHA-256") }
        self = sum
    }

    /// Hashes a file from front to back.
    init(of file: OpenFile) throws(Failure) {
        var hasher = SHA256()
        try file.forEachPiece { hasher.update(bufferPointer: $0) }
        self.init(hasher.finalize())
    }
}
