import Failures
public import JSONValues

/// An entry as `inventory.json` records it.
public struct InventoryEntry: Sendable {
    /// Path, kind, size, mode, owner and time.
    public let header: EntryHeader
    /// The SHA-256 of a file's bytes; nil for what is no file.
    public let sha256: SHA256Sum?
    /// The number of the frame in which its tar header begins.
    public let frame: Int
    /// Members that this version does not know, as they stand.
    public let unknown: [JSONMember]
}

/// What `inventory.json` holds: the entries of the archive, and facts that others give meaning to.
public struct Inventory: Sendable {
    /// The top-level members other than `formatVersion` and `entries`, in their order.
    public let facts: [JSONMember]
    /// Every entry but `inventory.json` and `SHA256SUMS`, in the archive's order, `backup.json` first.
    public let entries: [InventoryEntry]

    /// The entry of that path, compared byte for byte.
    public func entry(_ path: String) -> InventoryEntry? {
        entries.first { $0.header.path.utf8.elementsEqual(path.utf8) }
    }
}

extension Inventory {
    func serialized() -> [UInt8] {
        var text = Array("{\"\(FormatVersion.member)\":\(FormatVersion.current)".utf8)
        for fact in facts {
            text.append(UInt8(ascii: ","))
            JSONValue.string(fact.name).write(to: &text)
            text.append(UInt8(ascii: ":"))
            fact.value.write(to: &text)
        }
        // One entry a line: people read this with nothing but a pager.
        text += ",\"entries\":[".utf8
        for (position, entry) in entries.enumerated() {
            text += (position > 0 ? ",\n" : "\n").utf8
            entry.json.write(to: &text)
        }
        text += "\n]}\n".utf8
        return text
    }

    init(parsing bytes: [UInt8], of archive: ArchiveName) throws(Failure) {
        let document: JSONValue
        do throws(Failure) {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw archive.damaged("inventory.json cannot be read: \(error)")
        }
        guard case .object(let members) = document else { throw archive.damaged("inventory.json is no JSON object") }
        try FormatVersion.check(document, part: "inventory.json", of: archive)
        guard case .array(let records)? = document["entries"] else {
            throw archive.damaged("inventory.json lists no entries")
        }
        var entries: [InventoryEntry] = []
        entries.reserveCapacity(records.count)
        for record in records {
            entries.append(try InventoryEntry(record, number: entries.count, of: archive))
        }
        self.init(facts: members.filter { !["entries", FormatVersion.member].contains($0.name) }, entries: entries)
    }
}

extension InventoryEntry {
    private static let known: Set<String> = [
        "path", "kind", "link", "size", "mode", "uid", "gid", "mtime", "mtimeNanoseconds", "sha256", "frame",
    ]

    var json: JSONValue {
        var members = [JSONMember("path", .string(header.path))]
        switch header.kind {
        case .file: members.append(JSONMember("kind", .string("file")))
        case .directory: members.append(JSONMember("kind", .string("directory")))
        case .symbolicLink(let target):
            members += [JSONMember("kind", .string("symlink")), JSONMember("link", .string(target))]
        }
        let octal = String(header.mode, radix: 8)
        members += [
            JSONMember("size", .integer(header.size)),
            JSONMember("mode", .string(String(repeating: "0", count: max(0, 4 - octal.utf8.count)) + octal)),
            JSONMember("uid", .integer(header.userID)),
            JSONMember("gid", .integer(header.groupID)),
            JSONMember("mtime", .integer(header.modificationSeconds)),
            JSONMember("mtimeNanoseconds", .integer(header.modificationNanoseconds)),
        ]
        if let sha256 { members.append(JSONMember("sha256", .string(sha256.hex))) }
        members.append(JSONMember("frame", .integer(frame)))
        return .object(members + unknown)
    }

    fileprivate init(_ record: JSONValue, number: Int, of archive: ArchiveName) throws(Failure) {
        guard case .object(let members) = record, case .string(let path)? = record["path"] else {
            throw archive.damaged("inventory.json, entry \(number) has no path")
        }
        func fault(_ member: String) -> Failure {
            archive.damaged("inventory.json, entry \"\(path)\" has no usable \(member)")
        }
        func integer<Value: FixedWidthInteger>(_ member: String, as type: Value.Type) throws(Failure) -> Value {
            guard case .number(let text)? = record[member], let value = Value(text) else { throw fault(member) }
            return value
        }
        let kind: EntryKind
        switch record["kind"] {
        case .string("file")?: kind = .file
        case .string("directory")?: kind = .directory
        case .string("symlink")?:
            guard case .string(let target)? = record["link"] else { throw fault("link") }
            kind = .symbolicLink(target: target)
        default: throw fault("kind")
        }
        guard case .string(let octal)? = record["mode"], let mode = UInt16(octal, radix: 8) else { throw fault("mode") }
        header = EntryHeader(
            path: path, kind: kind, size: try integer("size", as: UInt64.self), mode: mode,
            userID: try integer("uid", as: UInt32.self), groupID: try integer("gid", as: UInt32.self),
            modificationSeconds: try integer("mtime", as: Int64.self),
            modificationNanoseconds: try integer("mtimeNanoseconds", as: UInt32.self))
        if kind == .file {
            guard case .string(let hex)? = record["sha256"], let sum = SHA256Sum(hex: hex) else {
                throw fault("sha256")
            }
            sha256 = sum
        } else {
            sha256 = nil
        }
        let first = try integer("frame", as: Int.self)
        guard first >= 0 else { throw fault("frame") }
        frame = first
        unknown = members.filter { !Self.known.contains($0.name) }
    }
}
