import Failures
import Files

/// One branch or leaf page of a bbolt file with its overflow, or an inline bucket's page. Every position in it is checked
/// before it is used.
struct BoltPage: ~Copyable {
    struct Leaf {
        let isBucket: Bool
        let key: UnsafeRawBufferPointer
        let value: UnsafeRawBufferPointer
        /// Where the value begins, counted from the start of the page.
        let valueStart: Int
    }

    struct Branch {
        let key: UnsafeRawBufferPointer
        let page: UInt64
    }

    static let headerSize = 16
    private static let elementSize = 16
    private static let branchFlag: UInt16 = 0x01
    private static let leafFlag: UInt16 = 0x02
    /// Branches hold short keys; many of them are held at once, so they must not be large.
    private static let largestBranch = 1 << 20

    let id: UInt64
    let isLeaf: Bool
    let count: Int
    /// The bytes of the page with its overflow.
    var size: Int { storage.count }
    private let storage: UnsafeMutableRawBufferPointer

    /// Takes over memory that holds a whole page, also when it throws.
    init(taking memory: UnsafeMutableRawBufferPointer, id: UInt64, label: String) throws(Failure) {
        let header = Header(UnsafeRawBufferPointer(memory))
        let isLeaf = header.flags == BoltPage.leafFlag
        let elements = Int(header.count)
        // Nothing is stored before all is checked: a value half made would not free the memory.
        guard isLeaf || header.flags == BoltPage.branchFlag, header.id == id else {
            memory.deallocate()
            throw EtcdSnapshot.damaged("\(label) is neither branch nor leaf, or another page")
        }
        guard BoltPage.headerSize + elements * BoltPage.elementSize <= memory.count,
            isLeaf || elements > 0 && memory.count <= BoltPage.largestBranch
        else {
            memory.deallocate()
            throw EtcdSnapshot.damaged("\(label) holds more elements than bytes, or none, or is too large")
        }
        self.id = id
        self.isLeaf = isLeaf
        count = elements
        storage = memory
    }

    deinit { storage.deallocate() }

    /// The element of a leaf; its slices are valid as long as the page is.
    func leaf(_ index: Int) throws(Failure) -> Leaf {
        let start = BoltPage.headerSize + index * BoltPage.elementSize
        let bytes = UnsafeRawBufferPointer(storage)
        let keyStart = start + Int(bytes.word32(start + 4))
        let keySize = Int(bytes.word32(start + 8))
        let valueSize = Int(bytes.word32(start + 12))
        guard keyStart + keySize + valueSize <= bytes.count else { throw outside(index) }
        return Leaf(
            isBucket: bytes.word32(start) & 1 == 1,
            key: UnsafeRawBufferPointer(rebasing: bytes[keyStart..<keyStart + keySize]),
            value: UnsafeRawBufferPointer(rebasing: bytes[keyStart + keySize..<keyStart + keySize + valueSize]),
            valueStart: keyStart + keySize)
    }

    /// The element of a branch; its key is valid as long as the page is.
    func branch(_ index: Int) throws(Failure) -> Branch {
        let start = BoltPage.headerSize + index * BoltPage.elementSize
        let bytes = UnsafeRawBufferPointer(storage)
        let keyStart = start + Int(bytes.word32(start))
        let keySize = Int(bytes.word32(start + 4))
        guard keyStart + keySize <= bytes.count else { throw outside(index) }
        return Branch(
            key: UnsafeRawBufferPointer(rebasing: bytes[keyStart..<keyStart + keySize]), page: bytes.word64(start + 8))
    }

    private func outside(_ index: Int) -> Failure {
        EtcdSnapshot.damaged("element \(index) of page \(id) reaches past the end of the page")
    }

    /// The sixteen bytes at the start of a page.
    struct Header {
        let id: UInt64
        let flags: UInt16
        let count: UInt16
        let overflow: UInt32

        init(_ bytes: UnsafeRawBufferPointer) {
            id = bytes.word64(0)
            flags = UInt16(truncatingIfNeeded: bytes.word32(8))
            count = UInt16(truncatingIfNeeded: bytes.word32(8) >> 16)
            overflow = bytes.word32(12)
        }
    }
}

/// Numbers as bbolt and etcd write them; the caller has checked the range.
extension UnsafeRawBufferPointer {
    func word32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    func word64(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    func bigEndian64(_ offset: Int) -> UInt64 {
        UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Bytewise order, as bbolt has it.
    func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
            return self[index] < other[index]
        }
        return count < other.count
    }
}
