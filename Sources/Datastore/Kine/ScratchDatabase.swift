import Failures
import Files
import Foundation

/// A database file that exists only as long as it is open: its name is removed as soon as SQLite has it, so
/// that a killed process leaves nothing behind.
struct ScratchDatabase: ~Copyable {
    let connection: KineConnection
    private let descriptor: FileDescriptor

    init(in directory: String, pageSize: Int) throws(Failure) {
        let path = "\(directory)/.daytwo-\(UUID().uuidString).partial"
        let file = try FileDescriptor(opening: path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode: 0o600)
        let opened = Self.open(path, pageSize)
        let removed = unlink(path) == 0 ? nil : Failure.system("cannot remove the name of", path, errno)
        switch (opened, removed) {
        case (.success(let database), nil):
            connection = database
            descriptor = file
        case (.failure(let failure), _), (_, .some(let failure)):
            throw failure
        }
    }

    private static func open(_ path: String, _ pageSize: Int) -> Result<KineConnection, Failure> {
        do throws(Failure) {
            return .success(try KineConnection(path: path, purpose: .scratch(pageSize: pageSize)))
        } catch {
            return .failure(error)
        }
    }

    /// The file as it is now; the connection must have ended its transaction.
    consuming func file() throws(Failure) -> OpenFile {
        try OpenFile(descriptor)
    }
}
