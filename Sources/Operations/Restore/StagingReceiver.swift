import Archive
import Failures
import Files
import Foundation

/// Puts the entries of an archive where a server expects them, below a staging directory.
final class StagingReceiver: EntryReceiver {
    private let extractor: TreeExtractor
    private let files: RestorePlan.ServerFiles
    private let checkStop: () throws(Failure) -> Void
    private var current: EntryHeader?

    init(
        stage: String, files: RestorePlan.ServerFiles, checkStop: @escaping () throws(Failure) -> Void
    ) throws(Failure) {
        extractor = try TreeExtractor(root: stage, owner: geteuid() == 0 ? .required : .ignored)
        self.files = files
        self.checkStop = checkStop
    }

    /// Where an entry goes below `server/`; nil for what is not the server's. The root of it is the empty path.
    static func place(_ path: String, _ files: RestorePlan.ServerFiles) -> String? {
        if path == "datastore/state.db" { return "db/state.db" }
        guard path == "server" || path.hasPrefix("server/") else { return nil }
        let rest = String(path.dropFirst("server".count).drop { $0 == "/" })
        let first = rest.split(separator: "/").first.map(String.init) ?? ""
        if files == .recreate, first == "tls" || first == "cred" { return nil }
        // Stamps and databases are never the server's own files, whoever made the archive.
        if rest.hasPrefix("db/") { return nil }
        return rest
    }

    func begin(_ header: EntryHeader) throws(Failure) {
        current = nil
        guard let place = Self.place(header.path, files), !place.isEmpty else { return }
        switch header.kind {
        case .directory: try extractor.directory(place, metadata(header))
        case .symbolicLink(let target): try extractor.symbolicLink(place, to: target, metadata(header))
        case .file:
            try extractor.begin(file: place, size: header.size)
            current = header
        }
    }

    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard current != nil else { return }
        try checkStop()
        try extractor.write(bytes)
    }

    func end() throws(Failure) {
        guard let header = current else { return }
        try extractor.end(metadata(header))
        current = nil
    }

    /// Sets the directories' metadata; durable only after the whole stage is synchronized.
    func finish() throws(Failure) { try extractor.finish(synchronizing: false) }

    private func metadata(_ header: EntryHeader) -> FileMetadata {
        FileMetadata(
            mode: UInt32(header.mode), uid: header.userID, gid: header.groupID,
            modified: FileTime(seconds: header.modificationSeconds, nanoseconds: header.modificationNanoseconds))
    }
}
