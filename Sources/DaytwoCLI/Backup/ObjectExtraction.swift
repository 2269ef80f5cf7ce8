import Archive
import Datastore
import Failures
import Files
import JSONValues
import Operations

/// Kubernetes objects out of a backup, ready for `kubectl apply`.
struct ObjectExtraction {
    let reader: ArchiveReader
    /// Where the database is unpacked to.
    let scratch: String
    /// Whether what the cluster assigned stays.
    let keepsAssigned: Bool
    let includesSecrets: Bool
    let console: Console
    let context: OperationContext

    /// What is applied first, by resource; everything else comes after it.
    private static let order = [
        "namespaces", "customresourcedefinitions", "storageclasses", "priorityclasses", "resourcequotas", "limitranges",
        "serviceaccounts", "roles", "rolebindings", "secrets", "configmaps", "persistentvolumes",
        "persistentvolumeclaims", "services",
    ]

    private static let madeByCluster: Set<String> = [
        "events", "leases", "endpoints", "endpointslices", "controllerrevisions",
    ]

    /// One object, which must be readable whole.
    func run(object: String) throws(Failure) -> ExitStatus {
        let facts = try ArchiveFacts(reader)
        let key = try ObjectName(object).key(in: reader, facts.index, context)
        let database = try opened(facts)
        guard let found = try database.value(of: key) else {
            throw Failure(.notFound, "there is no object \(key) in \(reader.name)", next: ObjectName.listing)
        }
        try database.close()
        let decoded = try Self.decoded(key, found.value)
        try write(keepsAssigned ? decoded.json : ObjectCleaning.cleaned(decoded.json), isFirst: true, isList: false)
        return warnUnknown(key, decoded.unknownFields) ? .partial : .done
    }

    /// The namespace and all in it that its cluster did not make by itself.
    func run(namespace: String) throws(Failure) -> ExitStatus {
        let facts = try ArchiveFacts(reader)
        let keys = try keys(of: namespace, facts.index)
        guard !keys.isEmpty else {
            throw Failure(
                .notFound, "nothing in \(reader.name) is in a namespace \(namespace)", next: ObjectName.listing)
        }
        let database = try opened(facts)
        var (isFirst, isWhole, leftOut, secrets) = (true, true, 0, 0)
        for key in keys {
            try context.checkStop()
            guard let found = try database.value(of: key) else { continue }
            let decoded: Decoded
            do throws(Failure) { decoded = try Self.decoded(key, found.value) } catch {
                // What a cluster makes by itself is no loss.
                if Self.madeByCluster.contains(ObjectKey(key).resource) {
                    leftOut += 1
                    continue
                }
                console.warn("left out \(key): \(error.why ?? error.what)")
                isWhole = false
                continue
            }
            if !keepsAssigned, ObjectCleaning.isMadeByCluster(decoded.json) {
                leftOut += 1
                continue
            }
            if decoded.json["kind"]?.stringValue == "Secret", !includesSecrets {
                secrets += 1
                continue
            }
            if warnUnknown(key, decoded.unknownFields) { isWhole = false }
            try write(
                keepsAssigned ? decoded.json : ObjectCleaning.cleaned(decoded.json), isFirst: isFirst, isList: true)
            isFirst = false
        }
        try database.close()
        if console.format == .json { try console.write(isFirst ? Self.listStart + "]}\n" : "]}\n") }
        if leftOut > 0 { console.note("\(leftOut) that the cluster makes by itself are left out; --raw keeps them") }
        if secrets > 0 { console.warn("\(secrets) secrets are left out: --include-secrets writes them") }
        return isWhole ? .done : .partial
    }

    private func opened(_ facts: ArchiveFacts) throws(Failure) -> DatastoreFile {
        context.report(.step("opening the database"))
        return try DatabaseScratch.open(facts, of: reader, in: scratch)
    }

    private func keys(of namespace: String, _ index: ArchiveIndex) throws(Failure) -> [String] {
        let found = FoundKeys()
        try ObjectsReading(reader, index).each { object throws(Failure) in
            try context.checkStop()
            let key = ObjectKey(object.key)
            guard key.role == .object else { return }
            let isNamespace = key.resource == "namespaces" && key.group.isEmpty && key.name == namespace
            guard key.namespace == namespace || isNamespace else { return }
            found.keys.append((Self.order.firstIndex(of: key.resource) ?? Self.order.count, object.key))
        }
        return found.keys.sorted { $0 < $1 }.map(\.key)
    }

    private final class FoundKeys {
        var keys: [(rank: Int, key: String)] = []
    }

    private struct Decoded {
        var json: JSON
        var unknownFields: [String]
    }

    private static func decoded(_ key: String, _ value: [UInt8]) throws(Failure) -> Decoded {
        try value.withBytes { (bytes) throws(Failure) in
            let rendering = ObjectRendering(key: key, value: bytes)
            if rendering.isWhole { return Decoded(json: try JSON(parsing: rendering.json), unknownFields: []) }
            var why = "it is neither JSON nor of a kind whose protobuf daytwo knows"
            if bytes.starts(with: "k8s:enc:".utf8) { why = "it is encrypted at rest" }
            do throws(ObjectProblem) {
                if let object = try ProtobufObject(decoding: bytes) {
                    return Decoded(json: object.json, unknownFields: object.unknownFields)
                }
            } catch {
                why = "its protobuf cannot be read: \(error.rawValue)"
            }
            throw Failure(
                .refused, "\(key) cannot be written as YAML", why: why,
                next: "its bytes as they are stored: daytwo backup cat BACKUP --object \(key) --raw")
        }
    }

    private func warnUnknown(_ key: String, _ fields: [String]) -> Bool {
        guard !fields.isEmpty else { return false }
        console.warn("\(key) is not whole, this version does not know: \(fields.joined(separator: ", "))")
        return true
    }

    private static let listStart = #"{"apiVersion":"v1","kind":"List","items":["#

    private func write(_ object: JSON, isFirst: Bool, isList: Bool) throws(Failure) {
        switch console.format {
        case .json:
            guard isList else { return try console.write(object.indented() + "\n") }
            try console.write((isFirst ? Self.listStart : ",") + "\n" + object.compact)
        case .table, .wide, .yaml, .name: try console.write((isList ? "---\n" : "") + object.yaml())
        }
    }
}
