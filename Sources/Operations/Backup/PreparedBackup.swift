import Archive
import Datastore
import Failures
import Files
import Foundation
import JSONValues
import Stores

/// Everything that goes into a backup's archive, read and described.
struct PreparedBackup {
    let name: ArchiveName
    let document: BackupDocument
    let snapshot: DatastoreCopy
    let files: ServerFiles
    let hostFiles: [HostFile]
    let options: ArchiveOptions

    /// Writes the archive; what `sink` has when this throws is none.
    func write(into sink: any ByteSink, workers: Int) throws(Failure) -> ArchiveSummary {
        try ArchiveWriter(workers: workers, options: options).write(contents(), to: sink)
    }

    private func contents() throws(Failure) -> ArchiveContents {
        let seconds = Int64(name.createdAt.timeIntervalSince1970)
        let facts = BackupDescription.facts(snapshot, files)
        let objects = ArchiveInput(
            file: EntryHeader(
                path: "objects.ndjson", kind: .file, size: snapshot.objects.file.size, mode: 0o600,
                modificationSeconds: seconds),
            content: snapshot.objects.file, sha256: try SHA256Sum(checked: snapshot.objects.sha256), isPrivate: true)
        let owner = snapshot.status
        let datastore = ArchiveInput(
            file: EntryHeader(
                path: snapshot.entry, kind: .file, size: snapshot.file.size,
                mode: UInt16(truncatingIfNeeded: owner.mode & 0o777), userID: owner.uid, groupID: owner.gid,
                modificationSeconds: seconds),
            content: snapshot.file, sha256: try snapshot.sha256(), isPrivate: snapshot.isPrivate)
        let manifests = hostFiles.map { file in
            ArchiveInput(
                file: EntryHeader(
                    path: file.path, kind: .file, size: file.content.size, mode: 0o600, modificationSeconds: seconds),
                content: file.content, sha256: file.sha256)
        }
        return ArchiveContents(
            topFolder: name.stem, creationSeconds: seconds,
            backupJSON: try JSONValue(encoding: document).serialized() + [UInt8(ascii: "\n")],
            facts: try members(of: facts), entries: [objects, datastore] + files.inputs + manifests)
    }

    /// The facts as Foundation writes them, but for the resources: a large cluster has a count for each of very many
    /// namespaces, and Foundation takes its time over each.
    private func members(of facts: InventoryFacts) throws(Failure) -> [JSONMember] {
        var small = facts
        small.datastore.resources = []
        guard case .object(let members) = try JSONValue(encoding: small) else { return [] }
        let resources = JSONMember("resources", .array(facts.datastore.resources.map { .object(self.members(of: $0)) }))
        return members.map { member in
            guard member.name == "datastore", case .object(let parts) = member.value else { return member }
            return JSONMember(member.name, .object(parts.map { $0.name == resources.name ? resources : $0 }))
        }
    }

    private func members(of resource: DatastoreContents.Resource) -> [JSONMember] {
        let namespaces = resource.namespaces.sorted { $0.key < $1.key }
        return [
            JSONMember("bytes", .integer(resource.bytes)), JSONMember("count", .integer(resource.count)),
            JSONMember("namespaces", .object(namespaces.map { JSONMember($0.key, .integer($0.value)) })),
            JSONMember("prefix", .string(resource.prefix)),
        ]
    }
}
