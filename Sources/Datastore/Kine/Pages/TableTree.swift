import Failures

/// How rows lie in the pages of a table (fileformat2, 1.6). No bytes of a page are reserved, so U is the page's size.
struct CellLayout {
    let pageSize: Int

    /// How much of a record lies in its cell: all of it up to X, else K where that is no more than X, else M.
    func localCount(of count: Int) -> Int {
        let most = pageSize - 35
        guard count > most else { return count }
        let least = (pageSize - 12) * 32 / 255 - 23
        let wanted = least + (count - least) % (pageSize - 4)
        return wanted <= most ? wanted : least
    }

    /// The bytes of a cell: the record's length, the id, what is local, and the first overflow page.
    func cellCount(id: Int64, _ record: RecordParts) -> Int {
        let (count, local) = (record.count, localCount(of: record.count))
        return Varint.count(UInt64(count)) + Varint.count(UInt64(bitPattern: id)) + local + (local < count ? 4 : 0)
    }

    /// Writes a cell of `cellCount` bytes, and its overflow pages to the file.
    func write(
        id: Int64, _ record: RecordParts, to cell: UnsafeMutableRawBufferPointer, _ file: inout PageFile
    ) throws(Failure) {
        let (count, local) = (record.count, localCount(of: record.count))
        var rest = record
        var at = Varint.write(UInt64(count), to: cell, at: 0)
        at = Varint.write(UInt64(bitPattern: id), to: cell, at: at)
        rest.take(local, to: cell, at: at)
        guard local < count else { return }
        cell.store(bigEndian: UInt32(truncatingIfNeeded: file.next), at: at + local)
        try overflow(&rest, count - local, to: &file)
    }

    /// A chain of pages: the number of the next one or 0, then content (fileformat2, 1.7).
    private func overflow(_ rest: inout RecordParts, _ count: Int, to file: inout PageFile) throws(Failure) {
        var left = count
        while left > 0 {
            let page = try file.append()
            let taken = min(left, pageSize - 4)
            left -= taken
            page.store(bigEndian: left > 0 ? UInt32(truncatingIfNeeded: file.next) : 0, at: 0)
            rest.take(taken, to: page, at: 4)
            if taken < pageSize - 4 { page[(4 + taken)...].initializeMemory(as: UInt8.self, repeating: 0) }
        }
    }
}

/// Writes one table as a b-tree, from rows that come in the order of their ids: leaves from left to right, interior
/// pages as they fill, from the bottom up. Only one page of each level is in memory (fileformat2, 1.6).
struct TableTree: ~Copyable {
    private let layout: CellLayout
    private var leaf: PageBuilder
    private var levels: [InteriorLevel] = []
    private var lastID: Int64?

    init(_ layout: CellLayout) {
        self.layout = layout
        leaf = PageBuilder(pageSize: layout.pageSize, kind: .leaf)
    }

    /// Appends a row; its id must be larger than the last one's.
    mutating func append(id: Int64, _ record: RecordParts, to file: inout PageFile) throws(Failure) {
        if let lastID, id <= lastID { throw Failure(.failed, "row \(id) comes after row \(lastID)") }
        let count = layout.cellCount(id: id, record)
        if !leaf.hasRoom(for: count) { try finishLeaf(in: &file) }
        lastID = id
        try layout.write(id: id, record, to: leaf.add(count), &file)
    }

    /// Ends the table and returns its root.
    mutating func finish(in file: inout PageFile) throws(Failure) -> Int {
        var child = Child(page: try leaf.write(to: &file), lastID: lastID ?? 0)
        var height = 0
        while height < levels.count {
            child.page = try levels[height].finish(adding: child, in: &file)
            height += 1
        }
        return child.page
    }

    private mutating func finishLeaf(in file: inout PageFile) throws(Failure) {
        var child = Child(page: try leaf.write(to: &file), lastID: lastID ?? 0)
        var height = 0
        while true {
            if height == levels.count { levels.append(InteriorLevel(pageSize: layout.pageSize)) }
            guard let full = try levels[height].add(child, in: &file) else { return }
            child = full
            height += 1
        }
    }
}

/// A page below an interior page, and the largest id in it or below it.
struct Child {
    var page: Int
    var lastID: Int64
}

/// The open interior page of one level.
///
/// The last two children are held back: a page's last child is no cell but its right-most pointer, and a page must have
/// one cell at least, so the page that follows a full one gets two children.
private final class InteriorLevel {
    private static let largestCell = 4 + 9
    private var page: PageBuilder
    private var held: [Child] = []

    init(pageSize: Int) {
        page = PageBuilder(pageSize: pageSize, kind: .interior)
        held.reserveCapacity(3)
    }

    /// Adds a child; returns the page as a child of the level above when it was full before.
    func add(_ child: Child, in file: inout PageFile) throws(Failure) -> Child? {
        held.append(child)
        guard held.count == 3 else { return nil }
        let first = held.removeFirst()
        // Room is kept for the two more cells that the end of the table may bring.
        guard !page.hasRoom(for: Self.largestCell, cells: 3) else {
            addCell(first)
            return nil
        }
        page.rightMost = first.page
        return Child(page: try page.write(to: &file), lastID: first.lastID)
    }

    /// Ends the level with its last child.
    func finish(adding child: Child, in file: inout PageFile) throws(Failure) -> Int {
        held.append(child)
        for child in held.dropLast() { addCell(child) }
        page.rightMost = child.page
        return try page.write(to: &file)
    }

    private func addCell(_ child: Child) {
        let id = UInt64(bitPattern: child.lastID)
        let place = page.add(4 + Varint.count(id))
        place.store(bigEndian: UInt32(truncatingIfNeeded: child.page), at: 0)
        _ = Varint.write(id, to: place, at: 4)
    }
}
