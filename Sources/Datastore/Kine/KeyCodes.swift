/// Numbers that order keys as their bytes do, as far as they differ: most comparisons of a sort then touch no key.
///
/// Keys of one cluster share few folders (all up to the third slash, or the whole key where there are less), and differ
/// soon after. A code is the rank of the folder and the seven bytes that follow it. Where two keys have different
/// folders, these order them: a folder that is the beginning of another one has less than three slashes, so it is a
/// whole key.
struct KeyCodes: ~Copyable {
    private static let most = 256

    /// The beginnings and lengths of the folders, in the order in which they were seen.
    private var folders: [(start: Int, count: Int)] = []
    private var bytes = ByteBuffer(capacity: 16 << 10)
    /// Numbers of folders by the hash of their bytes; -1 is free.
    private var slots = [Int](repeating: -1, count: 1024)
    private var isFull = false

    /// The code of a key, with the folder's number in place of its rank.
    mutating func code(of key: UnsafeRawBufferPointer) -> UInt64 {
        var end = 0
        var slashes = 0
        while end < key.count, slashes < 3 {
            if key[end] == UInt8(ascii: "/") { slashes &+= 1 }
            end &+= 1
        }
        let folder = number(of: UnsafeRawBufferPointer(rebasing: key[..<end]))
        var rest: UInt64 = 0
        if key.count - end >= 8 {
            rest = UInt64(bigEndian: key.loadUnaligned(fromByteOffset: end, as: UInt64.self)) >> 8
        } else {
            for index in end..<min(key.count, end + 7) { rest |= UInt64(key[index]) << (48 - 8 * UInt64(index - end)) }
        }
        return UInt64(folder) << 56 | rest
    }

    /// Turns codes into such as order; where there are too many folders they order nothing.
    func rank(_ code: UInt64, _ ranks: [UInt64]) -> UInt64 {
        isFull ? 0 : ranks[Int(code >> 56)] << 56 | code & (1 << 56 - 1)
    }

    /// For each folder's number, how many come before it.
    func ranks() -> [UInt64] {
        let all = bytes.bytes
        let order = folders.indices.sorted { left, right in
            let (a, b) = (folders[left], folders[right])
            return all[a.start..<a.start + a.count].lexicographicallyPrecedes(all[b.start..<b.start + b.count])
        }
        var ranks = [UInt64](repeating: 0, count: folders.count)
        for (rank, number) in order.enumerated() { ranks[number] = UInt64(rank) }
        return ranks
    }

    private mutating func number(of folder: UnsafeRawBufferPointer) -> Int {
        var hash = UInt64(folder.count)
        var index = 0
        while folder.count &- index >= 8 {
            hash = (hash ^ folder.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 32
            index &+= 8
        }
        while index < folder.count {
            hash = (hash ^ UInt64(folder[index])) &* 0x100_0000_01B3
            index &+= 1
        }
        var slot = Int(hash >> 32) & 1023
        while slots[slot] >= 0 {
            let (start, count) = folders[slots[slot]]
            if equal(UnsafeRawBufferPointer(rebasing: bytes.bytes[start..<start + count]), folder) {
                return slots[slot]
            }
            slot = (slot + 1) & 1023
        }
        guard folders.count < Self.most else {
            isFull = true
            return 0
        }
        slots[slot] = folders.count
        folders.append((bytes.count, folder.count))
        bytes.append(contentsOf: folder)
        return folders.count - 1
    }
}
