/// What `H` stands for: numbers from a seed text, the same on every machine and in every version.
///
/// FNV-1a of 64 bits over the seed's UTF-8, a zero byte and the field's number (0 to 4), then the finalizer of
/// MurmurHash3, because the low bits of FNV-1a alone are uneven. Changing this would move every backup of a fleet.
struct CronHash {
    private let seeded: UInt64
    private static let prime: UInt64 = 0x0000_0100_0000_01B3

    init(seed: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in seed.utf8 { hash = (hash ^ UInt64(byte)) &* Self.prime }
        seeded = hash &* Self.prime
    }

    func number(in range: ClosedRange<Int>, for kind: CronField.Kind) -> Int {
        var hash = (seeded ^ UInt64(kind.rawValue)) &* Self.prime
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        hash ^= hash >> 33
        return range.lowerBound + Int(hash % UInt64(range.count))
    }
}
