import Archive
import Datastore
import Failures
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
    private static let partSize = 500

    let console: Console
    let filter: ObjectFilter
    let scratch: String
    let context: OperationContext

    func run(_ reader: ArchiveReader) throws(Failure) {
        let rows = ObjectRows(console)
        let uids = ObjectUIDs(reader, try ArchiveFacts(reader), scratch: scratch, context)
        let showsUIDs = console.isWide || [.json, .yaml].contains(console.format)
        let part = Part()
        let show = { () throws(Failure) in
            let objects = showsUIDs ? try uids.added(to: part.objects) : part.objects
            part.objects.removeAll(keepingCapacity: true)
            for object in objects { try rows.add(object) }
        }
        try rows.begin()
        try ObjectsReading(reader, uids.facts.index).each { object throws(Failure) in
            try context.checkStop()
            guard filter.matches(object) else { return }
            part.objects.append(object)
            if part.objects.count == Self.partSize { try show() }
        }
        try show()
        try rows.end()
    }

    private final class Part {
        var objects: [ObjectLine] = []
    }
}

/// The UIDs that the lines of an archive do not say, out of its database, which is opened when the first is asked for.
private final class ObjectUIDs {
    let facts: ArchiveFacts
    private let reader: ArchiveReader
    private let scratch: String
    private let context: OperationContext
    private var database: DatastoreFile?

    init(_ reader: ArchiveReader, _ facts: ArchiveFacts, scratch: String, _ context: OperationContext) {
        self.reader = reader
        self.facts = facts
        self.scratch = scratch
        self.context = context
    }

    func added(to objects: [ObjectLine]) throws(Failure) -> [ObjectLine] {
        guard facts.document.datastore.driver == DatastoreDriver.kine.rawValue else { return objects }
        let revisions = objects.filter { $0.uid == nil && $0.kind != nil }.map(\.revision)
        guard !revisions.isEmpty else { return objects }
        let uids = try opened().uids(at: revisions)
        return objects.map { object in
            var object = object
            object.uid = object.uid ?? uids[object.revision]
            return object
        }
    }

    private func opened() throws(Failure) -> DatastoreFile {
        if let database { return database }
        context.report(.step("opening the database, which has the UIDs"))
        let opened = try DatabaseScratch.open(facts, of: reader, in: scratch)
        database = opened
        return opened
    }
}
