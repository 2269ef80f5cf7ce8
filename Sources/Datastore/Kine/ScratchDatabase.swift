import Failures
import Files
import Foundation

/// A database file that exists only as long as it is open: its name is removed as soon as SQLite has it.
///
/// Until then it has the name and the lock of a temporary file, so that what a process leaves that is killed in between
/// is swept like one, and nobody sweeps it before.
struct ScratchDatabase: ~Copyable {
    let connection: KineConnection
    private let descriptor: FileDescriptor

    init(in directory: String, pageSize: Int) throws(Failure) {
        let named = try DurableFile(at: "\(directory)/daytwo-spool.db")
        let path = try named.written().path
        let file = try FileDescriptor(opening: path, O_RDWR)
        let database = try KineConnection(path: path, purpose: .scratch(pageSize: pageSize))
        guard try FileStatus(of: path).isSameFile(as: file.status()) else {
            throw Failure(.failed, "the scratch file \(path) was replaced while it was opened", next: "try again")
        }
        named.discard()
        connection = database
        descriptor = file
    }

    /// A second descriptor of the file, for writing it without SQLite as long as SQLite has no transaction on it.
    func descriptorOfFile() throws(Failure) -> FileDescriptor { try descriptor.duplicate() }

    /// The file as it is now; the connection must have ended its transaction.
    consuming func file() throws(Failure) -> OpenFile {
        try OpenFile(descriptor)
    }
}
