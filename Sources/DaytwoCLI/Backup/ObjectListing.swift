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
    let console: Console
    let filter: ObjectFilter
    let scratch: String
    let context: OperationContext

    func run(_ reader: ArchiveReader) throws(Failure) {
        let facts = try ArchiveFacts(reader)
        let rows = ObjectRows(console, uids: ObjectUIDs(reader, facts, scratch: scratch, context))
        try rows.begin()
        let context = context
        let filter = filter
        try ObjectsReading(reader, facts.index).each { object throws(Failure) in
            try context.checkStop()
            if filter.matches(object) { try rows.add(object) }
        }
        try rows.end()
    }
}
