import Failures
import Files

/// Finds the seek table of what claims to be an archive, and says plainly what it is when it has none.
enum ArchiveOpening {
    static func seekTable(of source: any ByteSource, _ archive: ArchiveName) throws(Failure) -> SeekTable {
        try checkBeginning(source, archive)
        let smallest = UInt64(SeekTable.digestFrameSize + SeekTable.size(frames: 1))
        guard source.size > smallest else { throw try withoutTable(source, archive) }
        let footer = try bytes(of: source, at: source.size - UInt64(SeekTable.footerSize), SeekTable.footerSize)
        let frames: Int
        switch footer.withUnsafeBytes(SeekTable.frameCount(footer:)) {
        case .success(let count): frames = count
        case .failure(.absent): throw try withoutTable(source, archive)
        case .failure(.wrong(let why)): throw archive.damaged("its seek table announces \(why)")
        }
        let size = SeekTable.size(frames: frames)
        guard UInt64(size + SeekTable.digestFrameSize) < source.size else {
            throw archive.damaged("its seek table announces more frames than the file can hold")
        }
        guard
            let table = SeekTable(parsing: try bytes(of: source, at: source.size - UInt64(size), size), frames: frames)
        else {
            throw archive.damaged("its seek table is not well formed")
        }
        guard table.compressedSize == source.size - UInt64(size + SeekTable.digestFrameSize) else {
            throw archive.damaged("its seek table does not add up to the size of the file")
        }
        for (number, frame) in table.frames.enumerated() {
            let content = Int(frame.contentSize)
            guard 1...FrameLayout.largestFrame ~= content, 9...Zstd.bound(content) ~= Int(frame.compressedSize) else {
                throw archive.damaged("frame \(number) has an impossible size in the seek table")
            }
        }
        return table
    }

    static func bytes(of source: any ByteSource, at offset: UInt64, _ count: Int) throws(Failure) -> [UInt8] {
        try [UInt8](filling: count) { buffer throws(Failure) in try source.read(into: buffer, at: offset) }
    }

    private static func checkBeginning(_ source: any ByteSource, _ archive: ArchiveName) throws(Failure) {
        guard source.size > 0 else { throw archive.cutOff("it is empty") }
        let ageHeader = Array("age-encryption.org/".utf8)
        let start = try bytes(of: source, at: 0, Int(min(source.size, UInt64(ageHeader.count))))
        if start == ageHeader {
            throw Failure(
                .refused, "the archive \(archive.name) is encrypted", why: "it is an age file",
                next: "Name the identity that opens it.")
        }
        var magic: [UInt8] = []
        magic.append(littleEndian: Zstd.magic)
        guard start.prefix(magic.count).elementsEqual(magic.prefix(start.count)) else {
            throw archive.foreign("it does not begin as a zstd file does")
        }
    }

    /// Tells an archive that was cut off from a file of another kind by its first entries.
    private static func withoutTable(_ source: any ByteSource, _ archive: ArchiveName) throws(Failure) -> Failure {
        let start = try bytes(of: source, at: 0, Int(min(source.size, 256 << 10)))
        let stream = try ZstdDecompressor().beginning(of: start, most: 2 * TarWalker.block)
        guard stream.count == 2 * TarWalker.block else {
            return archive.cutOff("it ends within its first entries, or never was a daytwo archive")
        }
        let first = TarBlock(bytes: stream[..<TarWalker.block], archive: archive)
        let second = TarBlock(bytes: stream[TarWalker.block...], archive: archive)
        guard first.name.utf8.last == UInt8(ascii: "/"), second.name == first.name + ReservedPath.backup else {
            return archive.foreign("it is a zstd file that another program wrote")
        }
        return archive.cutOff("its seek table, the last part of the file, is not at its end")
    }
}
