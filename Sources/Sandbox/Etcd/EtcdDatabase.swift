internal import Failures
internal import Files
internal import FoundationEssentials
internal import JSONValues
internal import Synchronization

/// A k3s datastore on embedded etcd: a real etcd on the data directory that k3s gives its own.
final class EtcdDatabase: PlaneDatabase {
    private struct State {
        var isFull = false
        /// The newest lease of each length, and when it was granted: as the API server does, keys share them.
        var leases: [Int64: (id: String, granted: ContinuousClock.Instant)] = [:]
    }

    private let server: EtcdServer
    private let state = Mutex(State())
    private var client: EtcdClient { server.client }

    init(directory: String, address: String, output: String) throws(Failure) {
        server = try EtcdServer(directory: directory, address: address, output: output)
    }

    /// Whether there is an etcd that has been up before; k3s looks at the same directory.
    static func exists(_ directory: String) -> Bool { PlainFile.exists("\(directory)/member/wal") }

    /// Ends, as k3s does, where its place is taken by something else.
    static func check(_ directory: String) throws(Failure) {
        guard let status = try FileStatus.ifPresent(directory), status.kind != .directory else { return }
        throw Failure(
            .failed, "starting kubernetes: preparing server: invalid state for wal directory \(directory)/member/wal")
    }

    func close() { server.stop() }

    /// Writes a snapshot, as `k3s etcd-snapshot save` does.
    func snapshot(to path: String) throws(Failure) {
        try EtcdTools.control([
            "snapshot", "save", path, "--endpoints", "http://\(client.address):\(EtcdClient.port)",
        ])
    }

    func setFull(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }

    private static func text(_ bytes: some Sequence<UInt8>) -> JSONValue {
        .string(Data(bytes).base64EncodedString())
    }

    private static func bytes(_ encoded: String?) -> [UInt8] {
        (encoded.flatMap { Data(base64Encoded: $0) }).map { Array($0) } ?? []
    }

    /// The first key behind all those with a prefix.
    private static func end(_ prefix: String) -> [UInt8] {
        var bytes = Array(prefix.utf8)
        if let last = bytes.popLast() { bytes.append(last + 1) }
        return bytes
    }

    private static func row(_ json: JSONValue) -> DatastoreRow {
        DatastoreRow(
            name: String(decoding: bytes(json.text("key")), as: UTF8.self), value: bytes(json.text("value")),
            revision: Int64(json.text("mod_revision") ?? "") ?? 0)
    }

    func revision() throws(Failure) -> Int64 {
        let answer = try client.call("kv/range", ["key": Self.text("/".utf8), "count_only": .bool(true)])
        return Int64(answer.text("header", "revision") ?? "") ?? 0
    }

    func revision(prefix: String) throws(Failure) -> Int64 {
        let answer = try client.call(
            "kv/range",
            [
                "key": Self.text(prefix.utf8), "range_end": Self.text(Self.end(prefix)), "limit": .string("1"),
                "sort_order": .string("DESCEND"), "sort_target": .string("MOD"), "keys_only": .bool(true),
            ])
        return answer.list("kvs").first.map(Self.row)?.revision ?? 0
    }

    func list(prefix: String) throws(Failure) -> [DatastoreRow] {
        var rows: [DatastoreRow] = []
        var start = Array(prefix.utf8)
        // In pages, because an answer of the gateway may not be large.
        while true {
            let answer = try client.call(
                "kv/range",
                [
                    "key": Self.text(start), "range_end": Self.text(Self.end(prefix)), "limit": .string("100"),
                ])
            rows += answer.list("kvs").map(Self.row)
            guard answer["more"]?.boolValue == true, let last = rows.last else { return rows }
            start = Array(last.name.utf8) + [0]
        }
    }

    func get(_ name: String) throws(Failure) -> DatastoreRow? {
        try client.call("kv/range", ["key": Self.text(name.utf8)]).list("kvs").first.map(Self.row)
    }

    func put(_ name: String, _ value: [UInt8], lease: Int64) throws(Failure) {
        try send([try operation(name, value, lease)])
    }

    func delete(_ name: String) throws(Failure) {
        _ = try client.call("kv/deleterange", ["key": Self.text(name.utf8)])
    }

    /// Goes in transactions of a size that etcd takes.
    func fill(_ body: (_ put: (String, [UInt8], Int64) throws -> Void) throws -> Void) throws(Failure) {
        var batch: [JSONValue] = []
        var names: Set<String> = []
        var size = 0
        do {
            try body { name, value, lease in
                // A transaction may not change a key twice.
                if batch.count >= 100 || size > 500_000 || names.contains(name) {
                    try send(batch)
                    (batch, names, size) = ([], [], 0)
                }
                batch.append(try operation(name, value, lease))
                names.insert(name)
                size += value.count
            }
        } catch {
            throw error as? Failure ?? Failure(.failed, "cannot fill etcd", why: "\(error)")
        }
        try send(batch)
    }

    private func send(_ operations: [JSONValue]) throws(Failure) {
        guard !operations.isEmpty else { return }
        guard !state.withLock({ $0.isFull }) else {
            throw Failure(.failed, "etcdserver: mvcc: database space exceeded")
        }
        _ = try client.call("kv/txn", ["success": .array(operations)])
    }

    private func operation(_ name: String, _ value: [UInt8], _ lease: Int64) throws(Failure) -> JSONValue {
        let id = lease == 0 ? nil : try self.lease(lease)
        return .members([
            "requestPut": .members([
                "key": Self.text(name.utf8), "value": Self.text(value), "lease": id.map(JSONValue.string),
            ])
        ])
    }

    private func lease(_ seconds: Int64) throws(Failure) -> String {
        if let kept = state.withLock({ $0.leases[seconds] }),
            kept.granted.duration(to: .now) < .milliseconds(seconds * 50)
        {
            return kept.id
        }
        let id = try client.call("lease/grant", ["TTL": .string(String(seconds))]).text("ID") ?? ""
        state.withLock { $0.leases[seconds] = (id, .now) }
        return id
    }

    func compact(to target: Int64) throws(Failure) {
        _ = try client.call("kv/compaction", ["revision": .string(String(target))])
    }
}
