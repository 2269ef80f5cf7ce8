/// `SHA256SUMS` in the form of GNU sha256sum, which checks it with `sha256sum -c`.
enum ChecksumList {
    static let path = "SHA256SUMS"

    /// The line of one file. A name with a backslash or a line end is escaped, and the line then begins with a backslash.
    static func line(path: String, sum: SHA256Sum) -> [UInt8] {
        var name: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): name += "\\\\".utf8
            case UInt8(ascii: "\n"): name += "\\n".utf8
            case UInt8(ascii: "\r"): name += "\\r".utf8
            default: name.append(byte)
            }
        }
        let escaped = name.count != path.utf8.count
        return (escaped ? Array("\\".utf8) : []) + Array(sum.hex.utf8) + Array("  ".utf8) + name + [UInt8(ascii: "\n")]
    }

    /// The whole list: every file in the archive's order, with `inventory.json` where it stands, after `backup.json`.
    static func contents(of inventory: Inventory, inventorySum: SHA256Sum) -> [UInt8] {
        var text: [UInt8] = []
        for (position, entry) in inventory.entries.enumerated() {
            if let sum = entry.sha256 { text += line(path: entry.header.path, sum: sum) }
            if position == 0 { text += line(path: ReservedPath.inventory, sum: inventorySum) }
        }
        return text
    }
}

/// The entries that the archive itself needs; no other entry may be called so.
enum ReservedPath {
    static let backup = "backup.json"
    static let inventory = "inventory.json"
    static let checksums = ChecksumList.path

    static let all: Set<String> = [backup, inventory, checksums]
}

/// How much of each the reader takes into memory.
enum ReservedSize {
    static let backup: UInt64 = 16 << 20
    static let inventory: UInt64 = 64 << 20
    static let checksums: UInt64 = 64 << 20
}
