import Failures

/// One block of 512 bytes where a tar header must be, seen without libarchive.
struct TarBlock {
    enum HeaderType { case pax, entry }

    let bytes: ArraySlice<UInt8>
    let archive: ArchiveName

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }

    /// The kind of header, after its magic and its checksum were found right.
    func checkedType() throws(Failure) -> HeaderType {
        guard field(257, 8).elementsEqual("ustar\u{0}00".utf8) else {
            throw archive.damaged("there is no tar header where one must be")
        }
        // The sum of all bytes, those of the checksum itself taken as spaces.
        let sum = bytes.reduce(0) { $0 + UInt64($1) } - field(148, 8).reduce(0) { $0 + UInt64($1) } + 8 * 0x20
        guard Self.octal(field(148, 8)) == sum else {
            throw archive.damaged("the tar header of \"\(name)\" has a wrong checksum")
        }
        switch field(156, 1).first.map({ Character(Unicode.Scalar($0)) }) {
        case "x"?: return .pax
        case "0"?, "2"?, "5"?: return .entry
        case "1"?: throw archive.damaged("the entry \"\(name)\" is a hard link")
        case "3"?, "4"?: throw archive.damaged("the entry \"\(name)\" is a device")
        case "6"?: throw archive.damaged("the entry \"\(name)\" is a named pipe")
        case let other:
            throw archive.damaged("the entry \"\(name)\" has the unknown tar type \(other.debugDescription)")
        }
    }

    /// The size that a block declares.
    static func size(in bytes: ArraySlice<UInt8>) -> UInt64? { octal(bytes.dropFirst(124).prefix(12)) }

    /// The size that the block itself declares.
    func size() throws(Failure) -> UInt64 {
        guard let size = Self.size(in: bytes) else {
            throw archive.damaged("the tar header of \"\(name)\" has no size")
        }
        return size
    }

    /// What libarchive made of the whole header must be what the block says, where the block can say it.
    func agree(with header: EntryHeader) throws(Failure) {
        let kind: Character
        switch header.kind {
        case .file: kind = "0"
        case .symbolicLink: kind = "2"
        case .directory: kind = "5"
        }
        guard field(156, 1).first == kind.asciiValue else {
            throw archive.damaged("the entry \"\(header.path)\" has two kinds")
        }
        // From 8 GiB on only the pax header holds the size.
        if header.size < 8 << 30 {
            guard try size() == header.size else {
                throw archive.damaged("the entry \"\(header.path)\" has two sizes")
            }
        }
    }

    /// The name in the block; a long one is in the pax header before it.
    var name: String {
        let prefix = String(decoding: field(345, 155).prefix { $0 != 0 }, as: UTF8.self)
        let rest = String(decoding: field(0, 100).prefix { $0 != 0 }, as: UTF8.self)
        return prefix.isEmpty ? rest : prefix + "/" + rest
    }

    private func field(_ offset: Int, _ length: Int) -> ArraySlice<UInt8> {
        bytes[(bytes.startIndex + offset)..<(bytes.startIndex + offset + length)]
    }

    /// Octal digits, then only spaces or NUL bytes.
    private static func octal(_ field: ArraySlice<UInt8>) -> UInt64? {
        let digits = field.prefix { UInt8(ascii: "0")...UInt8(ascii: "7") ~= $0 }
        guard !digits.isEmpty, field.dropFirst(digits.count).allSatisfy({ $0 == 0 || $0 == 0x20 }) else { return nil }
        return digits.reduce(0) { $0 << 3 | UInt64($1 - UInt8(ascii: "0")) }
    }
}
