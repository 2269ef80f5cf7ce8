import Crypto
import Files

/// What is read from one X.509 certificate: its fingerprint, and until when it is valid.
public struct Certificate: Sendable, Hashable {
    /// SHA-256 of its DER bytes in lower-case hex, as `openssl x509 -outform der | sha256sum` prints it.
    public let fingerprint: String
    /// The second of its end, since 1970; nil when its validity cannot be read.
    public let notAfter: Int64?
    /// The same as RFC 3339.
    public var notAfterText: String? { notAfter.flatMap { Timestamp.text(seconds: $0) } }

    /// All certificates of a PEM file, in order.
    public static func all(inPEM bytes: [UInt8]) -> [Certificate] {
        PEM.certificates(in: bytes).map(Certificate.init(der:))
    }

    init(der: [UInt8]) {
        fingerprint = Hexadecimal.text(SHA256.hash(data: der))
        notAfter = der.withUnsafeBytes { Certificate.notAfter(UnsafeRawBufferPointer($0)) }
    }

    /// Walks Certificate / tbsCertificate / validity / notAfter.
    private static func notAfter(_ der: UnsafeRawBufferPointer) -> Int64? {
        var outer = DERCursor(der)
        guard let certificate = outer.next(0x30) else { return nil }
        var inner = DERCursor(certificate)
        guard let toBeSigned = inner.next(0x30) else { return nil }
        var fields = DERCursor(toBeSigned)
        if fields.peek == 0xA0 { _ = fields.next(0xA0) }
        // serialNumber, signature, issuer
        guard fields.next(0x02) != nil, fields.next(0x30) != nil, fields.next(0x30) != nil,
            let validity = fields.next(0x30)
        else { return nil }
        var times = DERCursor(validity)
        guard times.nextTime() != nil else { return nil }
        return times.nextTime()
    }
}

/// Definite-length DER, one level at a time.
struct DERCursor {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The tag of the next element.
    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The content of the next element when it has this tag.
    mutating func next(_ tag: UInt8) -> UnsafeRawBufferPointer? {
        guard peek == tag, position + 1 < bytes.count else { return nil }
        var index = position + 1
        var length = Int(bytes[index])
        index += 1
        if length >= 0x80 {
            let count = length & 0x7F
            guard (1...4).contains(count), bytes.count - index >= count else { return nil }
            length = 0
            for _ in 0..<count {
                length = length << 8 | Int(bytes[index])
                index += 1
            }
        }
        guard length <= bytes.count - index else { return nil }
        position = index + length
        return UnsafeRawBufferPointer(rebasing: bytes[index..<position])
    }

    /// A UTCTime (two digits of the year, 1950 to 2049) or GeneralizedTime, both in `Z`, as seconds since 1970.
    mutating func nextTime() -> Int64? {
        let isShort = peek == 0x17
        guard let text = next(isShort ? 0x17 : 0x18) else { return nil }
        let yearDigits = isShort ? 2 : 4
        guard text.count == yearDigits + 11, text[text.count - 1] == UInt8(ascii: "Z") else { return nil }
        var numbers: [Int] = []
        var index = 0
        for width in [yearDigits, 2, 2, 2, 2, 2] {
            var number = 0
            for _ in 0..<width {
                guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return nil }
                number = number * 10 + Int(text[index] - UInt8(ascii: "0"))
                index += 1
            }
            numbers.append(number)
        }
        let year = isShort ? numbers[0] + (numbers[0] < 50 ? 2000 : 1900) : numbers[0]
        return Timestamp.seconds(
            year: year, month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4], second: numbers[5])
    }
}
