public import Failures
import Foundation
import GRDB

/// A row that a cleaning wrote.
public struct CleanedRow: Codable, Sendable, Equatable {
    /// The key.
    public var key: String
    /// What was done: `claims` lost their volume, `volumes` were deleted.
    public var kind: HostBinding.Kind
    /// The revision of the row.
    public var revision: Int64
}

/// Cleans a restored database of what belonged to its old host, as new rows above all that are there, as kine would write
/// them: a value is never changed in its place, where a watch would not see it. No other row is touched.
public struct HostCleaning: Sendable {
    private let kinds: Set<HostBinding.Kind>
    private let emptied: Set<String>?

    /// Prepares to clean some kinds.
    public init(_ kinds: some Sequence<HostBinding.Kind>) {
        self.kinds = Set(kinds)
        emptied = nil
    }

    /// Prepares to clean claims alone, `NAMESPACE/NAME`, with the volumes that they name.
    public init(emptying claims: some Sequence<String>) {
        kinds = [.claims]
        emptied = Set(claims)
    }

    /// Whether it is cleaned; a volume that goes with a claim is not told by its key.
    public func cleans(_ binding: HostBinding) -> Bool {
        guard kinds.contains(binding.kind) else { return false }
        return emptied?.contains("\(binding.namespace ?? "")/\(binding.name)") ?? true
    }

    /// What of a database would be cleaned, by key.
    public func bindings(in file: KineFile) throws(Failure) -> [HostBinding] {
        let states = try file.keyStates { HostBinding(key: $0, encoding: "protobuf") != nil }
        var found: [HostBinding] = []
        for key in states.liveKeys.sorted() {
            let value = try states.newest[key].flatMap { row throws(Failure) in try file.value(at: row.revision) } ?? []
            let encoding = ObjectMetadata(decoding: value).encoding
            guard let binding = HostBinding(key: key, encoding: encoding), cleans(binding) else { continue }
            found.append(binding)
        }
        return found
    }

    /// Cleans a private database, after its revision bump, in one durable transaction; volumes last, so that no claim is seen
    /// that names one that is gone. Throws `refused` where a value cannot be edited, and changes nothing then.
    public func apply(toDatabaseAt path: String) throws(Failure) -> [CleanedRow] {
        let file = try KineFile(path: path)
        var bindings = try bindings(in: file)
        let states = try file.keyStates { HostBinding(key: $0, encoding: "protobuf") != nil }
        if emptied != nil { bindings += try volumes(of: bindings, states, file) }
        var updates: [(binding: HostBinding, live: Int64, value: [UInt8]?)] = []
        for binding in bindings.sorted(by: {
            ($0.kind == .claims ? 0 : 1, $0.key) < ($1.kind == .claims ? 0 : 1, $1.key)
        }) {
            guard let live = states.newest[binding.key]?.revision else { continue }
            if binding.kind == .volumes {
                updates.append((binding, live, nil))
            } else if let value = try Self.unbound(binding, file.value(at: live) ?? []) {
                updates.append((binding, live, value))
            }
        }
        try file.close()
        guard !updates.isEmpty else { return [] }
        let connection = try KineConnection(path: path, purpose: .edited)
        let planned = updates
        let rows = try connection.use { db in
            var rows: [CleanedRow] = []
            try db.inTransaction(.immediate) {
                var writer = RowWriter(db, next: try (Int64.fetchOne(db, sql: "SELECT MAX(id) FROM kine") ?? 0) + 1)
                for update in planned {
                    let key = update.binding.key
                    let revision =
                        if let value = update.value { try writer.update(key, value, after: update.live) } else {
                            try writer.delete(key, update.live).revision
                        }
                    rows.append(CleanedRow(key: key, kind: update.binding.kind, revision: revision))
                }
                return .commit
            }
            return rows
        }
        try connection.close()
        return rows
    }

    /// The live volumes that claims name.
    private func volumes(
        of claims: [HostBinding], _ states: KeyStates, _ file: KineFile
    ) throws(Failure) -> [HostBinding] {
        var names: Set<String> = []
        for claim in claims {
            guard let row = states.newest[claim.key] else { continue }
            let binding = VolumeBinding(kind: .claim, value: try file.value(at: row.revision) ?? [])
            if let name = binding.volumeName { names.insert(name) }
        }
        return names.compactMap { name in
            let key = "/registry/persistentvolumes/\(name)"
            return states.newest[key]?.isDeleted == false ? HostBinding(key: key, encoding: "protobuf") : nil
        }
    }

    private static func unbound(_ binding: HostBinding, _ value: [UInt8]) throws(Failure) -> [UInt8]? {
        func refuse(_ why: String) -> Failure {
            Failure(
                .refused, "the claim \(binding.namespace ?? "")/\(binding.name) cannot be taken from its old volume",
                why: why)
        }
        if let problem = binding.problem { throw refuse(problem) }
        do throws(ObjectProblem) {
            return try ClaimEdit.unbound(value)
        } catch {
            throw refuse("its value cannot be read (\(error.rawValue))")
        }
    }
}
