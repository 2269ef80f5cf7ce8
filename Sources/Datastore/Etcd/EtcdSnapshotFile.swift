public import Failures
public import Files
public import Foundation

/// An etcd snapshot as a file on a server's disk, found by its name and not yet looked into.
///
/// k3s names them `NAME-NODE-SECONDS`, where NAME is `etcd-snapshot` for scheduled ones and `on-demand` for others unless
/// it is told otherwise, and SECONDS is when it began to take them (k3s pkg/etcd/snapshot.go). With
/// `--etcd-snapshot-compress` they are zip files of one entry, with `.zip` at the end. etcd gives a snapshot its name once it
/// is complete (`.part` before); k3s writes a zip file under its own name, so that one may be half there.
public struct EtcdSnapshotFile: Sendable, Hashable {
    /// How it is known when the snapshot was taken.
    public enum TimeSource: String, Sendable, Codable {
        /// From the seconds in the name that k3s gave it.
        case name = "file name"
        /// From the file, which was modified last when it was complete, or copied.
        case modification = "modification time"
    }

    /// The path of the file.
    public let path: String
    /// When it was taken, as far as is known.
    public let takenAt: Date
    /// How that is known.
    public let timeSource: TimeSource
    /// It is a zip file.
    public let isCompressed: Bool

    /// The name of the file.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    private static let zipEnding = ".zip"
    private static let partEnding = ".part"

    /// Looks at a file; throws `notFound` where there is none, and `refused` for what is no file.
    public init(path: String) throws(Failure) {
        guard let status = try FileStatus.ifPresent(path, following: true) else {
            throw Failure(.notFound, "there is no etcd snapshot at \(path)", next: "check --etcd-snapshot")
        }
        guard status.kind == .regular else {
            throw Failure(.refused, "\(path) is no etcd snapshot", why: "it is a \(status.kind.rawValue)")
        }
        self.init(path: path, status)
    }

    private init(path: String, _ status: FileStatus) {
        self.path = path
        let name = path.split(separator: "/").last ?? ""
        isCompressed = name.hasSuffix(Self.zipEnding)
        let stem = isCompressed ? name.dropLast(Self.zipEnding.count) : name
        if let seconds = Self.seconds(in: stem) {
            takenAt = Date(timeIntervalSince1970: TimeInterval(seconds))
            timeSource = .name
        } else {
            takenAt = Date(timeIntervalSince1970: TimeInterval(status.modified.seconds))
            timeSource = .modification
        }
    }

    /// The snapshots in a directory, the newest first; what etcd has not completed is passed over.
    public static func all(in directory: String) throws(Failure) -> [EtcdSnapshotFile] {
        guard try FileStatus.ifPresent(directory, following: true)?.kind == .directory else { return [] }
        var found: [EtcdSnapshotFile] = []
        for name in try directoryNames(directory) where !name.hasPrefix(".") && !name.hasSuffix(partEnding) {
            // What k3s prunes meanwhile is not there any more.
            guard let status = try FileStatus.ifPresent("\(directory)/\(name)"), status.kind == .regular else {
                continue
            }
            found.append(EtcdSnapshotFile(path: "\(directory)/\(name)", status))
        }
        return found.sorted { ($0.takenAt, $0.name) > ($1.takenAt, $1.name) }
    }

    /// Opens the snapshot and proves its SHA-256; a zip file is unpacked into a scratch file without a name.
    public func open(scratchDirectory: String) throws(Failure) -> (file: OpenFile, snapshot: EtcdSnapshot) {
        let file =
            isCompressed
            ? try unpackZippedSnapshot(path, scratchDirectory: scratchDirectory) : try OpenFile(path)
        let snapshot: EtcdSnapshot
        do throws(Failure) {
            snapshot = try EtcdSnapshot(file)
            try snapshot.verifyChecksum()
        } catch {
            throw Failure(
                error.code, "\(path) is no whole etcd snapshot", why: error.why ?? error.description,
                next: "take another with: k3s etcd-snapshot save", cause: error)
        }
        return (file, snapshot)
    }

    /// Seconds since 1970 at the end of a name, after a dash; ten digits hold until the year 2286.
    private static func seconds(in stem: Substring) -> Int64? {
        guard let dash = stem.lastIndex(of: "-") else { return nil }
        let digits = stem[stem.index(after: dash)...]
        guard digits.utf8.count == 10, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits)
    }
}
