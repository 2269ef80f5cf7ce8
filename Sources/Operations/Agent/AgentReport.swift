import Datastore
import Failures
import Files
import Glibc

/// What an agent is, and what it sees of the place that it was given.
public struct AgentReport: Codable, Sendable, Equatable {
    /// Something that is not as it should be.
    public struct Problem: Codable, Sendable, Equatable {
        /// The code of the failure.
        public var code: String
        /// What it is, for a person.
        public var text: String
    }

    /// The agent's daytwo.
    public var daytwoVersion: String
    /// The user that it runs as.
    public var userID: UInt32
    /// The k3s root, when there is one.
    public var dataDirectory: String?
    /// The datastore's driver, when it can be backed up.
    public var driver: String?
    /// The bytes of the database, for kine on SQLite.
    public var databaseSize: UInt64?
    /// Whether `server/token` is there.
    public var hasToken: Bool?
    /// The type of the data directory's file system.
    public var fileSystem: String?
    /// When the first of its authorities' certificates ends, in seconds since 1970.
    public var authoritiesEnd: Int64?
    /// The stage of the encryption of Secrets, `reencrypt_finished`; nil where there is none.
    public var encryptionStage: String?
    /// Bytes that are free beside the data.
    public var dataFreeBytes: UInt64?
    /// Bytes that can be written to scratch files.
    public var scratchFreeBytes: UInt64?
    /// Why no backup can be made; empty when one can.
    public var problems: [Problem] = []

    /// Looks, and changes nothing.
    init(_ place: AgentOperation.Place) {
        daytwoVersion = OperationContext.version
        userID = geteuid()
        note { report throws(Failure) in
            let directory = try DataDirectory(place.dataDirectory, existing: true)
            report.dataDirectory = directory.root
            let fileSystem = try FileSystemFacts(of: directory.root)
            (report.fileSystem, report.dataFreeBytes) = (fileSystem.typeName, fileSystem.freeBytes)
            let hasToken = try FileStatus.ifPresent("\(directory.server)/token") != nil
            // Kubernetes needs none.
            report.hasToken = hasToken || directory.distribution == .kubernetes
            report.databaseSize = try FileStatus.ifPresent(directory.database)?.size
            report.driver = try directory.requireDatastore().rawValue
            try directory.refuseNetworkFileSystem()
            _ = try RestoreWatch(directory)
        }
        if let root = dataDirectory {
            note { report throws(Failure) in
                for file in IdentityFile.authorities {
                    let path = "\(root)/server/\(file.path)"
                    guard try FileStatus.ifPresent(path) != nil else { continue }
                    let ends = Certificate.all(inPEM: try readFile(path, limit: 1 << 20)).compactMap(\.notAfter)
                    report.authoritiesEnd = (ends + [report.authoritiesEnd].compactMap { $0 }).min()
                }
                let state = "\(root)/server/\(IdentityFile.encryptionState.path)"
                guard try FileStatus.ifPresent(state) != nil else { return }
                // `STAGE-HASH`, as k3s writes it.
                let text = String(decoding: try readFile(state, limit: 1 << 16), as: UTF8.self)
                report.encryptionStage = String(text.filter { $0 != "\"" }.prefix { $0 != "-" }.prefix(40))
            }
        }
        note { report throws(Failure) in
            report.scratchFreeBytes = try FileSystemFacts(of: place.scratchDirectory).freeBytes
            _ = try FileDescriptor.temporary(in: place.scratchDirectory)
        }
    }

    private mutating func note(_ look: (inout AgentReport) throws(Failure) -> Void) {
        do throws(Failure) { try look(&self) } catch {
            problems.append(Problem(code: error.code.rawValue, text: error.description))
        }
    }
}
