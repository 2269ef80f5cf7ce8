import Failures
import Files

/// Walks the buckets of a bbolt file in key order or against it. No page is entered twice and no tree is deeper than any
/// real one, so that a file made to hurt ends the walk instead of never ending it.
struct BoltWalk {
    enum Direction {
        case ascending, descending
    }

    /// Where a value lies, to read it again.
    enum Place {
        /// In the file.
        case file(offset: UInt64, size: Int)
        /// In an inline bucket.
        case inline
    }

    private static let deepest = 32

    let file: BoltFile
    let direction: Direction
    private var seen: [UInt64]
    private var lastKey: [UInt8] = []
    private var hasLastKey = false

    init(_ file: BoltFile, _ direction: Direction = .ascending) {
        self.file = file
        self.direction = direction
        seen = [UInt64](repeating: 0, count: Int(file.pageCount / 64) + 1)
    }

    /// The buckets of the file: their names and what is needed to walk them.
    mutating func buckets() throws(Failure) -> [(name: [UInt8], header: [UInt8])] {
        var found: [(name: [UInt8], header: [UInt8])] = []
        try walk(root: file.root) { (leaf, _) throws(Failure) in
            guard leaf.isBucket else { throw EtcdSnapshot.damaged("its root holds a key that is no bucket") }
            guard found.count < 1000 else { throw EtcdSnapshot.damaged("it has more buckets than any etcd") }
            found.append((Array(leaf.key), Array(leaf.value)))
        }
        return found
    }

    /// Walks all elements of a bucket given by the value of its name: a page number, or a page written inline.
    mutating func walk(
        bucket header: [UInt8], _ body: (BoltPage.Leaf, Place) throws(Failure) -> Void
    ) throws(Failure) {
        if let root = try BoltWalk.root(header) {
            try walk(root: root, body)
        } else {
            hasLastKey = false
            try elements(BoltWalk.inlinePage(header), body)
        }
    }

    /// The last key of a bucket, from the pages at its right edge alone.
    func lastKey(bucket header: [UInt8]) throws(Failure) -> [UInt8]? {
        guard let root = try BoltWalk.root(header) else {
            let page = try BoltWalk.inlinePage(header)
            return page.count == 0 ? nil : Array(try page.leaf(page.count - 1).key)
        }
        var id = root
        for _ in 0..<BoltWalk.deepest {
            let page = try file.page(id)
            if page.isLeaf { return page.count == 0 ? nil : Array(try page.leaf(page.count - 1).key) }
            id = try page.branch(page.count - 1).page
        }
        throw EtcdSnapshot.damaged("its tree is deeper than any")
    }

    /// The root page of a bucket, or nil when it is written inline.
    private static func root(_ header: [UInt8]) throws(Failure) -> UInt64? {
        guard header.count >= 16 else { throw EtcdSnapshot.damaged("the header of a bucket is cut off") }
        let root = header.withUnsafeBytes { $0.word64(0) }
        return root == 0 ? nil : root
    }

    private static func inlinePage(_ header: [UInt8]) throws(Failure) -> BoltPage {
        guard header.count >= 16 + BoltPage.headerSize else {
            throw EtcdSnapshot.damaged("an inline bucket is cut off")
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: header.count - 16, alignment: 16)
        memory.copyBytes(from: header[16...])
        let page = try BoltPage(taking: memory, id: 0, label: "an inline bucket")
        guard page.isLeaf else { throw EtcdSnapshot.damaged("an inline bucket is no leaf") }
        return page
    }

    private mutating func walk(
        root: UInt64, _ body: (BoltPage.Leaf, Place) throws(Failure) -> Void
    ) throws(Failure) {
        hasLastKey = false
        try descend(root, depth: 0, body)
    }

    private mutating func descend(
        _ id: UInt64, depth: Int, _ body: (BoltPage.Leaf, Place) throws(Failure) -> Void
    ) throws(Failure) {
        guard depth < BoltWalk.deepest else { throw EtcdSnapshot.damaged("its tree is deeper than any") }
        let page = try file.page(id)
        // Overflow counts too: whoever reads a page twice can be made to read for ever.
        for used in id..<id + UInt64(page.size / file.pageSize) {
            guard seen[Int(used / 64)] & 1 << (used % 64) == 0 else {
                throw EtcdSnapshot.damaged("page \(used) is used twice")
            }
            seen[Int(used / 64)] |= 1 << (used % 64)
        }
        if page.isLeaf {
            try elements(page, body)
            return
        }
        for step in 0..<page.count {
            let branch = try page.branch(direction == .ascending ? step : page.count - 1 - step)
            try descend(branch.page, depth: depth + 1, body)
        }
    }

    private mutating func elements(
        _ page: borrowing BoltPage, _ body: (BoltPage.Leaf, Place) throws(Failure) -> Void
    ) throws(Failure) {
        var used = 0
        for step in 0..<page.count {
            let index = direction == .ascending ? step : page.count - 1 - step
            let leaf = try page.leaf(index)
            used += leaf.key.count + leaf.value.count
            guard used <= page.size else { throw EtcdSnapshot.damaged("elements of page \(page.id) overlap") }
            if hasLastKey {
                let inOrder = lastKey.withUnsafeBytes {
                    direction == .ascending ? $0.precedes(leaf.key) : leaf.key.precedes($0)
                }
                guard inOrder else { throw EtcdSnapshot.damaged("the keys of page \(page.id) are not in order") }
            }
            lastKey.removeAll(keepingCapacity: true)
            lastKey.append(contentsOf: leaf.key)
            hasLastKey = true
            let offset = page.id * UInt64(file.pageSize) + UInt64(leaf.valueStart)
            try body(leaf, page.id == 0 ? .inline : .file(offset: offset, size: leaf.value.count))
        }
    }
}
