import Archive
import Datastore
import Failures
import Files
import Operations

/// Which objects are wanted.
struct ObjectFilter: Sendable {
    var prefix: String?
    var namespace: String?
    var kind: String?
    var labels = LabelSelector.all

    func matches(_ object: ObjectLine) -> Bool {
        if let prefix, !object.key.hasPrefix(prefix) { return false }
        if let namespace, object.namespace != namespace { return false }
        if let kind, object.kind?.lowercased() != kind.lowercased() { return false }
        return labels.matches(object.labels ?? [:])
    }
}

/// Labels as kubectl selects by them: `key`, `!key`, `key=value`, `key!=value`, all of which must hold.
struct LabelSelector: Sendable {
    private enum Requirement: Sendable {
        case exists(String)
        case absent(String)
        case equals(String, String)
        case differs(String, String)
    }

    private let requirements: [Requirement]

    static let all = LabelSelector()

    private init() { requirements = [] }

    init(_ text: String) throws(Failure) {
        var requirements: [Requirement] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let requirement = Self.requirement(part) else {
                throw Failure(
                    .usage, "cannot read the selector \(text.debugDescription)",
                    next: "write it like app=web,tier!=cache,owner,!old")
            }
            requirements.append(requirement)
        }
        self.requirements = requirements
    }

    private static func requirement(_ part: Substring) -> Requirement? {
        guard let sign = part.firstIndex(of: "=") else {
            let isAbsent = part.hasPrefix("!")
            let key = String(isAbsent ? part.dropFirst() : part)
            return key.isEmpty ? nil : isAbsent ? .absent(key) : .exists(key)
        }
        var key = part[..<sign]
        var value = part[part.index(after: sign)...]
        let differs = key.last == "!"
        if differs { key.removeLast() } else if value.first == "=" { value.removeFirst() }
        guard !key.isEmpty, !value.contains("=") else { return nil }
        return differs ? .differs(String(key), String(value)) : .equals(String(key), String(value))
    }

    func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .exists(let key): labels[key] != nil
            case .absent(let key): labels[key] == nil
            case .equals(let key, let value): labels[key] == value
            case .differs(let key, let value): labels[key] != value
            }
        }
    }
}

/// Streams `objects.ndjson` through a filter to the console, in memory that does not grow with it.
struct ObjectListing {
    let console: Console
    let filter: ObjectFilter
    let context: OperationContext

    /// The entry that lists the objects.
    static func entry(of index: ArchiveIndex, in reader: ArchiveReader) throws(Failure) -> InventoryEntry {
        guard let entry = index.inventory.entry("objects.ndjson") else {
            throw Failure(.notFound, "the archive \(reader.name) has no list of its objects")
        }
        return entry
    }

    func run(_ reader: ArchiveReader, _ index: ArchiveIndex) throws(Failure) {
        let rows = ObjectRows(console)
        try rows.begin()
        let context = context
        let filter = filter
        let sink = LineSink { line throws(Failure) in
            try context.checkStop()
            let object = try ObjectLine(parsing: line)
            if filter.matches(object) { try rows.add(object, line: line) }
        }
        try reader.read(Self.entry(of: index, in: reader), of: index, to: sink)
        try sink.finish()
        try rows.end()
    }
}

/// Cuts bytes into lines.
final class LineSink: ByteSink, @unchecked Sendable {
    // Unchecked: one thread reads an archive and so writes here.
    private var rest: [UInt8] = []
    private let take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    private static let longest = 64 << 20

    init(_ take: @escaping (UnsafeRawBufferPointer) throws(Failure) -> Void) {
        self.take = take
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var start = 0
        while start < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start...])
            guard let end = part.firstIndex(of: UInt8(ascii: "\n")) else {
                guard rest.count + part.count <= Self.longest else {
                    throw Failure(.verificationFailed, "a line of objects.ndjson is longer than \(Self.longest) bytes")
                }
                rest.append(contentsOf: part)
                return
            }
            let line = UnsafeRawBufferPointer(rebasing: part[..<end])
            if rest.isEmpty {
                try take(line)
            } else {
                rest.append(contentsOf: line)
                let whole = rest
                rest.removeAll(keepingCapacity: true)
                try whole.withBytes(take)
            }
            start += end + 1
        }
    }

    /// The last line must have had its end.
    func finish() throws(Failure) {
        guard rest.isEmpty else {
            throw Failure(.verificationFailed, "objects.ndjson ends in the middle of a line", next: "verify the backup")
        }
    }
}
