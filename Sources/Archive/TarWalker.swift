import Failures

/// Who is told what a tar stream holds, in its order.
protocol TarVisitor: AnyObject {
    /// An entry below the top folder begins; `offset` is where its header does.
    func begin(_ header: EntryHeader, at offset: UInt64) throws(Failure)
    /// The next bytes of that entry.
    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure)
    /// The entry has all its bytes.
    func end() throws(Failure)
    /// True once nothing more is wanted.
    var isDone: Bool { get }
}

/// Walks a tar stream that is pushed to it in pieces of any size, and refuses whatever this format does not write.
///
/// An entry is one optional pax header, one header of a file, directory or symbolic link, its bytes, and zeros up to
/// a whole block. After the last: two blocks of zeros or more, and nothing else.
struct TarWalker: ~Copyable {
    static let block = 512
    /// The most that a pax header with its data and the header itself may take.
    static let longestHeader = 64 << 10

    static func padding(after size: UInt64) -> Int { (block - Int(size % UInt64(block))) % block }

    private enum Phase {
        case header
        case content(UInt64)
        case padding(Int)
        case zeros
    }

    /// The top folder; nil until it was met.
    private(set) var topFolder: String?
    private let archive: ArchiveName
    private let codec = TarHeaderCodec()
    private let end: UInt64
    private var offset: UInt64
    private var phase = Phase.header
    private var pending: [UInt8] = []
    private var needed = TarWalker.block
    private var paxDataEnd: Int?
    private var headerStart: UInt64
    private var paddingAfter = 0
    private var closingZeros: UInt64 = 0
    private var tree = EntryTree()

    /// Starts at `offset` of a stream of `end` bytes; with a known top folder it need not start at the first entry.
    init(archive: ArchiveName, offset: UInt64, end: UInt64, topFolder: String? = nil) {
        self.archive = archive
        self.offset = offset
        self.end = end
        self.topFolder = topFolder
        headerStart = offset
    }

    /// Takes the next piece of the stream.
    mutating func consume(_ piece: UnsafeRawBufferPointer, telling visitor: some TarVisitor) throws(Failure) {
        var rest = piece[...]
        while !rest.isEmpty, !visitor.isDone {
            let taken: Int
            switch phase {
            case .header:
                taken = min(needed - pending.count, rest.count)
                pending.append(contentsOf: rest.prefix(taken))
                if pending.count == needed { try headerBlockIsComplete(visitor) }
            case .content(let left):
                taken = Int(min(left, UInt64(rest.count)))
                try visitor.content(UnsafeRawBufferPointer(rebasing: rest.prefix(taken)))
                if UInt64(taken) == left {
                    try contentIsComplete(visitor)
                } else {
                    phase = .content(left - UInt64(taken))
                }
            case .padding(let left):
                taken = min(left, rest.count)
                guard rest.prefix(taken).allSatisfy({ $0 == 0 }) else {
                    throw archive.damaged("there are bytes between two entries, before byte \(offset + UInt64(left))")
                }
                phase = taken == left ? .header : .padding(left - taken)
            case .zeros:
                taken = rest.count
                guard rest.allSatisfy({ $0 == 0 }) else {
                    throw archive.damaged("there are bytes after the end of the tar stream")
                }
                closingZeros += UInt64(taken)
            }
            offset += UInt64(taken)
            rest = rest.dropFirst(taken)
            if case .header = phase, pending.isEmpty { headerStart = offset }
        }
    }

    /// Says that the stream is over.
    func finish() throws(Failure) {
        guard case .zeros = phase, closingZeros >= UInt64(Self.block), closingZeros % UInt64(Self.block) == 0 else {
            throw archive.cutOff("its tar stream has no end")
        }
    }

    private mutating func headerBlockIsComplete(_ visitor: some TarVisitor) throws(Failure) {
        if let paxDataEnd, needed == paxDataEnd {
            // The pax data is here; what it describes follows.
            needed += Self.block
            return
        }
        let start = pending.count - Self.block
        let header = TarBlock(bytes: pending[start...], archive: archive)
        if header.isZero, start == 0 {
            phase = .zeros
            pending = []
            return
        }
        switch try header.checkedType() {
        case .pax:
            guard start == 0 else { throw archive.damaged("a pax header follows another, at byte \(headerStart)") }
            let size = try header.size()
            guard size > 0, size <= UInt64(Self.longestHeader - 3 * Self.block) else {
                throw archive.damaged("a pax header has \(size) bytes, at byte \(headerStart)")
            }
            needed = Self.block + (Int(size) + Self.block - 1) / Self.block * Self.block
            paxDataEnd = needed
        case .entry:
            try begin(visitor)
        }
    }

    private mutating func begin(_ visitor: some TarVisitor) throws(Failure) {
        let raw: EntryHeader
        do throws(Failure) {
            raw = try codec.decode(pending)
        } catch {
            throw archive.damaged("the tar header at byte \(headerStart): \(error)")
        }
        try TarBlock(bytes: pending[(pending.count - Self.block)...], archive: archive).agree(with: raw)
        pending = []
        needed = Self.block
        paxDataEnd = nil
        let rest = end - min(end, headerStart)
        guard raw.size <= rest else {
            throw archive.damaged("the entry \"\(raw.path)\" claims \(raw.size) bytes where \(rest) are left")
        }
        guard let header = try below(raw) else { return }
        if let fault = tree.add(header) { throw archive.damaged("the entry \"\(header.path)\": \(fault)") }
        try visitor.begin(header, at: headerStart)
        phase = .content(header.size)
        paddingAfter = Self.padding(after: header.size)
        if header.size == 0 { try contentIsComplete(visitor) }
    }

    /// Takes the top folder off the path; nil when the entry is the top folder itself.
    private mutating func below(_ raw: EntryHeader) throws(Failure) -> EntryHeader? {
        var path = raw.path[...]
        if raw.kind == .directory, path.utf8.last == UInt8(ascii: "/") { path = path.dropLast() }
        guard let topFolder else {
            let name = String(path)
            guard raw.kind == .directory, ArchivePath.fault(in: name) == nil, !name.utf8.contains(UInt8(ascii: "/"))
            else {
                throw archive.damaged("it begins with \"\(raw.path)\", not with its top folder")
            }
            topFolder = name
            return nil
        }
        let prefix = topFolder + "/"
        guard path.utf8.starts(with: prefix.utf8) else {
            if ArchivePath.fault(in: String(path)) == nil, path.utf8.elementsEqual(topFolder.utf8) {
                guard headerStart == 0, raw.kind == .directory else {
                    throw archive.damaged("the entry \"\(raw.path)\": it is there twice")
                }
                return nil
            }
            throw archive.damaged(
                "the entry \"\(raw.path)\": \(ArchivePath.fault(in: String(path)) ?? "it lies outside \(topFolder)")")
        }
        return raw.renamed(String(decoding: path.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
    }

    private mutating func contentIsComplete(_ visitor: some TarVisitor) throws(Failure) {
        try visitor.end()
        phase = paddingAfter > 0 ? .padding(paddingAfter) : .header
    }
}
