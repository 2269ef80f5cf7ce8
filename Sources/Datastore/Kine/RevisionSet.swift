/// A fingerprint of a set of revisions that does not depend on the order in which they are seen, so that
/// the live database's ids can be compared with the copied ones over whichever index covers them, in flat memory.
struct RevisionSet: Equatable {
    private(set) var count = 0
    private var sum: UInt64 = 0
    private var product: UInt64 = 1

    mutating func insert(_ id: Int64) {
        // splitmix64: neighbours become unrelated, so that sums over different sets differ.
        var mixed = UInt64(bitPattern: id) &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        count += 1
        sum &+= mixed
        product &*= mixed | 1
    }
}
