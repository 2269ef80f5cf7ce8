import Crypto
public import Failures
import Files

/// The live keys of a snapshot at its last revision.
extension EtcdSnapshot {
    /// A live key and its value; the bytes are valid during the call only.
    public struct LiveKey {
        /// The key.
        public let key: UnsafeRawBufferPointer
        /// The value.
        public let value: UnsafeRawBufferPointer
        /// The revision of its last change.
        public let revision: Int64
        /// The lease that it hangs on, or 0.
        public let lease: Int64
    }

    /// Goes through all live keys in the order of their bytes.
    ///
    /// The history is read once from its end: the first entry of a key is its last change. What is kept in memory are the
    /// keys, not the values.
    public func forEachLiveKey(_ body: (LiveKey) throws(Failure) -> Void) throws(Failure) {
        var collected = CollectedKeys()
        var walk = BoltWalk(file, .descending)
        for bucket in try walk.buckets() where bucket.name.elementsEqual("key".utf8) {
            try walk.walk(bucket: bucket.header) { (leaf, place) throws(Failure) in
                let revision = try EtcdRevision(leaf.key)
                let entry = try Entry(leaf.value)
                guard collected.isNew(entry.key), !revision.isTombstone else { return }
                try collected.add(entry.key, leaf.value, at: place)
            }
        }
        collected.sort()
        for index in collected.order {
            let memory: UnsafeMutableRawBufferPointer
            switch collected.places[index] {
            case .file(_, let size): memory = .allocate(byteCount: size, alignment: 16)
            case .inline: memory = .allocate(byteCount: collected.inline[index]?.count ?? 0, alignment: 16)
            }
            defer { memory.deallocate() }
            switch collected.places[index] {
            case .file(let offset, _): try file.source.read(into: memory, at: offset)
            case .inline: memory.copyBytes(from: collected.inline[index] ?? [])
            }
            try body(Entry(UnsafeRawBufferPointer(memory)).live())
        }
    }

    /// Goes through the whole history, the oldest entry first; of a deletion only the key is there.
    func forEachEntry(_ body: (LiveKey, _ isDeletion: Bool) throws(Failure) -> Void) throws(Failure) {
        var walk = BoltWalk(file)
        for bucket in try walk.buckets() where bucket.name.elementsEqual("key".utf8) {
            try walk.walk(bucket: bucket.header) { (leaf, _) throws(Failure) in
                try body(Entry(leaf.value).live(), EtcdRevision(leaf.key).isTombstone)
            }
        }
    }

    /// `mvccpb.KeyValue`.
    private struct Entry {
        var key = UnsafeRawBufferPointer(start: nil, count: 0)
        var value = UnsafeRawBufferPointer(start: nil, count: 0)
        var revision: Int64 = 0
        var lease: Int64 = 0

        init(_ message: UnsafeRawBufferPointer) throws(Failure) {
            do throws(ObjectProblem) {
                var cursor = ProtobufCursor(message)
                while !cursor.isAtEnd {
                    let tag = try cursor.tag()
                    switch tag.field {
                    case 1: key = try cursor.bytes(tag)
                    case 3: revision = try cursor.integer(tag)
                    case 5: value = try cursor.bytes(tag)
                    case 6: lease = try cursor.integer(tag)
                    default: try cursor.skip(tag)
                    }
                }
            } catch {
                throw EtcdSnapshot.damaged("an entry of its history is no key and value: \(error.rawValue)")
            }
        }

        func live() -> LiveKey { LiveKey(key: key, value: value, revision: revision, lease: lease) }
    }

    /// Live keys in one piece of memory, with where their entries lie.
    private struct CollectedKeys {
        private struct Digest: Hashable {
            let high: UInt64
            let low: UInt64
        }

        /// More keys than fit a cluster of any size; what a hostile file may cost in memory is bounded by it.
        private static let largest = 1 << 30
        private var bytes: [UInt8] = []
        private var ranges: [Range<Int>] = []
        // Keys are known again by half of their SHA-256: deleted keys are many and long, and need not be kept.
        private var known: Set<Digest> = []
        private(set) var places: [BoltWalk.Place] = []
        /// The values of an inline bucket, which lie nowhere on their own.
        private(set) var inline: [Int: [UInt8]] = [:]
        private(set) var order: [Int] = []

        mutating func isNew(_ key: UnsafeRawBufferPointer) -> Bool {
            let digest = SHA256.hash(data: key).withUnsafeBytes { Digest(high: $0.word64(0), low: $0.word64(8)) }
            return known.insert(digest).inserted
        }

        mutating func add(
            _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, at place: BoltWalk.Place
        ) throws(Failure) {
            guard bytes.count + key.count <= CollectedKeys.largest else {
                throw EtcdSnapshot.damaged("its live keys are longer than those of any cluster")
            }
            ranges.append(bytes.count..<bytes.count + key.count)
            bytes.append(contentsOf: key)
            if case .inline = place { inline[places.count] = Array(value) }
            places.append(place)
        }

        mutating func sort() {
            known = []
            order = bytes.withUnsafeBytes { all in
                ranges.indices.sorted { left, right in
                    UnsafeRawBufferPointer(rebasing: all[ranges[left]])
                        .precedes(UnsafeRawBufferPointer(rebasing: all[ranges[right]]))
                }
            }
        }
    }
}
