import Foundation

/// What is kept of a row until it is known whether it is live: flags, the size and the beginning of its value,
/// and its line without the beginning that the key and the revision make.
struct ObjectRecord {
    let isDeletion: Bool
    let hasProblem: Bool
    let valueCount: Int
    /// What is needed of the value: all of it where the cluster's identity is in it, of a node its ``NodeFacts``, else the
    /// beginning, which tells the encoding.
    let head: UnsafeRawBufferPointer
    let restOfLine: UnsafeRawBufferPointer

    private static let headerCount = 12
    private static let cipherCount = 128
    private static let identityLimit = 1 << 20
    private static let deletion: UInt8 = 1
    private static let problem: UInt8 = 2

    /// Appends flags (1 byte, 3 spare), value length and head length (4 bytes each), the head and the rest of the line.
    static func append(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, isDeletion: Bool,
        writer: inout ObjectLineWriter, to output: inout ByteBuffer
    ) {
        let start = output.count
        let isNode = begins(key, "/registry/minions/")
        let headCount = isDeletion || isNode ? 0 : headCount(key, value)
        output.append(raw: UInt32(isDeletion ? deletion : 0))
        output.append(raw: UInt32(clamping: value.count))
        output.append(raw: UInt32(headCount))
        guard !isDeletion else { return }
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[..<headCount]))
        if isNode {
            let head = output.count
            NodeFacts.append(of: value, to: &output)
            output.set(UInt32(output.count - head), at: start + 8)
        }
        let problems = writer.problemCount
        writer.appendRest(key: key, value: value, to: &output)
        if writer.problemCount > problems { output.set(problem, at: start) }
    }

    private static func headCount(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Int {
        if begins(key, "/bootstrap/") || begins(key, "/registry/namespaces/kube-system") {
            return value.count <= identityLimit ? value.count : 0
        }
        return min(value.count, begins(value, "k8s:enc:") ? cipherCount : 4)
    }

    init(_ payload: UnsafeRawBufferPointer) {
        isDeletion = payload[0] & Self.deletion != 0
        hasProblem = payload[0] & Self.problem != 0
        valueCount = Int(payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let headCount = Int(payload.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        head = UnsafeRawBufferPointer(rebasing: payload[Self.headerCount..<Self.headerCount + headCount])
        restOfLine = UnsafeRawBufferPointer(rebasing: payload[(Self.headerCount + headCount)...])
    }
}

/// Whether the bytes begin with a text.
func begins(_ bytes: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
    guard bytes.count >= prefix.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
    return memcmp(start, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
}
