/// Values made by hand.
enum ObjectsSamples {
    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(content.count)) + content
    }

    static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    static func field(_ number: UInt64, number value: Int64) -> [UInt8] {
        varint(number << 3) + varint(UInt64(bitPattern: value))
    }

    static func value(metadata: [UInt8]) -> [UInt8] {
        Array("k8s\0".utf8) + field(1, field(1, "apps/v1") + field(2, "Deployment"))
            + field(2, field(1, metadata) + field(2, "spec")) + field(3, "") + field(4, "")
    }

    static func object(created: Int64) -> [UInt8] { value(metadata: field(8, field(1, number: created))) }

    static let deployment = value(
        metadata: field(1, "name") + field(2, "") + field(3, "ns") + field(5, "uid") + field(7, number: 300)
            + field(8, field(1, number: 1_795_346_379) + field(2, number: 0)) + field(9, field(1, number: -1))
            + field(10, number: 30) + field(11, field(1, "a") + field(2, "b\"\n"))
            + field(11, field(1, "ü") + field(2, ""))
            + field(12, field(1, "note") + field(2, "text"))
            + field(13, field(1, "Owner") + field(3, "o") + field(4, "u") + field(5, "v1") + field(6, number: 1))
            + field(13, field(1, "Other")) + field(14, "keep.example.com") + field(17, field(1, "manager")))
}
