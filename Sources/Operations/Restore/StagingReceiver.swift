import Archive
import Failures
import Files
import Foundation

/// Puts the entries of an archive where a server expects them, below a staging directory.
final class StagingReceiver: EntryReceiver {
    /// Where entries go below `server/`.
    struct Placement {
        let datastoreEntry: String
        let datastore: String
        let files: RestorePlan.ServerFiles

        /// The place of an entry; nil for what is not the server's. The root of it is the empty path.
        func place(of path: String) -> String? {
            if path == datastoreEntry { return datastore }
            guard files != .untouched, path == "server" || path.hasPrefix("server/") else { return nil }
            let rest = String(path.dropFirst("server".count).drop { $0 == "/" })
            let first = rest.split(separator: "/").first.map(String.init) ?? ""
            if files == .recreate, first == "tls" || first == "cred" { return nil }
            // Stamps and databases are never the server's own files, whoever made the archive.
            if rest.hasPrefix("db/") { return nil }
            return rest
        }
    }

    private let extractor: TreeExtractor
    private let placement: Placement
    private let checkStop: () throws(Failure) -> Void
    private var current: EntryHeader?

    init(
        stage: String, _ placement: Placement, checkStop: @escaping () throws(Failure) -> Void
    ) throws(Failure) {
        extractor = try TreeExtractor(root: stage, owner: geteuid() == 0 ? .required : .ignored)
        self.placement = placement
        self.checkStop = checkStop
    }

    func begin(_ header: EntryHeader) throws(Failure) {
        current = nil
        guard let place = placement.place(of: header.path), !place.isEmpty else { return }
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
