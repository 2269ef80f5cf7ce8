import Crypto
public import Failures
import Files

/// What is in a snapshot, gathered for a backup and for its verification.
extension EtcdSnapshot {
    /// What one pass over the history tells.
    public struct History: Sendable {
        /// What `etcdutl snapshot status` prints.
        public let status: Status
        /// The revisions in it. `rows` are the entries of the history; etcd's next revision is above the last one, which
        /// is therefore the `sequence` as well.
        public let window: KineWindow
        /// SHA-256 over `REVISION|H\n` for every entry of the history in its order, both in lower-case hex: the revision as
        /// etcd keeps it (17 bytes, 18 for a deletion), and the SHA-256 of the entry's bytes.
        public let rowsSHA256: String
    }

    /// What passes over all of it tell.
    public struct Inspection: Sendable {
        /// What `etcdutl snapshot status` prints.
        public let status: Status
        /// The revisions in it.
        public let window: KineWindow
        /// The digest of its history.
        public let rowsSHA256: String
        /// What its live keys are.
        public let contents: DatastoreContents
        /// The text of `objects.ndjson`.
        public let objects: ObjectsFile
    }

    /// Reads every entry of every bucket once.
    public func history() throws(Failure) -> History {
        var crc = CRC32C()
        var digest = HistoryDigest()
        var total = 0
        var first: Int64 = 0
        var last: Int64 = 0
        var compact: Int64 = 0
        var version: String?
        var walk = BoltWalk(file)
        for bucket in try walk.buckets() {
            bucket.name.withUnsafeBytes { crc.update($0) }
            let isKeys = bucket.name.elementsEqual("key".utf8)
            let isMeta = bucket.name.elementsEqual("meta".utf8)
            try walk.walk(bucket: bucket.header) { (leaf, _) throws(Failure) in
                crc.update(leaf.key)
                if !leaf.isBucket { crc.update(leaf.value) }
                total += 1
                if isKeys {
                    last = try EtcdRevision(leaf.key).main
                    if digest.rows == 0 { first = last }
                    digest.update(leaf.key, leaf.value)
                }
                guard isMeta else { return }
                if leaf.key.elementsEqual("storageVersion".utf8), leaf.value.count < 64 {
                    version = String(decoding: leaf.value, as: UTF8.self)
                }
                let isCompaction = ["scheduledCompactRev", "finishedCompactRev"].contains {
                    leaf.key.elementsEqual($0.utf8)
                }
                if isCompaction { compact = max(compact, try EtcdRevision(leaf.value).main) }
            }
        }
        return History(
            status: Status(
                hash: crc.value, revision: last, totalKey: total,
                totalSize: Int64(file.pageCount) * Int64(file.pageSize), version: version),
            window: KineWindow(
                rows: digest.rows, minRevision: first, maxRevision: last, compactRevision: compact, sequence: last),
            rowsSHA256: digest.hex)
    }

    /// The last revision, from a few pages.
    public func newestRevision() throws(Failure) -> Int64 {
        var walk = BoltWalk(file)
        for bucket in try walk.buckets() where bucket.name.elementsEqual("key".utf8) {
            guard let key = try walk.lastKey(bucket: bucket.header) else { return 0 }
            return try EtcdRevision(key: key).main
        }
        return 0
    }

    /// Reads the history, and every live key; scratch files go below `scratchDirectory`.
    public func inspect(scratchDirectory: String) throws(Failure) -> Inspection {
        let history = try history()
        var output = ObjectsOutput(scratchDirectory: scratchDirectory)
        var gathering = ContentsGathering()
        var writer = ObjectLineWriter()
        var payload = ByteBuffer(capacity: 4096)
        try forEachLiveKey { live throws(Failure) in
            payload.removeAll()
            ObjectRecord.append(key: live.key, value: live.value, isDeletion: false, writer: &writer, to: &payload)
            let record = ObjectRecord(payload.bytes)
            gathering.add(key: live.key, record)
            try output.appendLine(key: live.key, revision: live.revision, rest: record.restOfLine)
        }
        return Inspection(
            status: history.status, window: history.window, rowsSHA256: history.rowsSHA256,
            contents: gathering.finished(), objects: try output.finish())
    }

    /// The value and revision of one live key.
    public func value(of key: String) throws(Failure) -> (value: [UInt8], revision: Int64)? {
        let wanted = Array(key.utf8)
        var newest: (value: [UInt8], revision: Int64)?
        try forEachEntry { (entry, isDeletion) throws(Failure) in
            guard entry.key.elementsEqual(wanted) else { return }
            newest = isDeletion ? nil : (Array(entry.value), entry.revision)
        }
        return newest
    }
}

/// The digest of a history, as ``EtcdSnapshot/History/rowsSHA256`` says.
private struct HistoryDigest {
    private var hasher = SHA256()
    private(set) var rows = 0

    mutating func update(_ revision: UnsafeRawBufferPointer, _ entry: UnsafeRawBufferPointer) {
        let line = "\(revision.hex)|\(SHA256.hash(bytes: entry).hex)\n"
        hasher.update(data: Array(line.utf8))
        rows += 1
    }

    var hex: String { hasher.finalize().hex }
}
