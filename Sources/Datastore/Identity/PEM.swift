import FoundationEssentials

/// PEM files with certificates.
enum PEM {
    /// No file of k3s is near; a larger one is not read.
    private static let largest = 4 << 20

    /// The DER bytes of every certificate, in order. What is no certificate, or is broken, is left out.
    static func certificates(in bytes: [UInt8]) -> [[UInt8]] {
        guard bytes.count <= largest else { return [] }
        var result: [[UInt8]] = []
        var base64: [UInt8]?
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            if line.elementsEqual("-----BEGIN CERTIFICATE-----".utf8) {
                base64 = []
            } else if line.elementsEqual("-----END CERTIFICATE-----".utf8) {
                if let text = base64, let der = Data(base64Encoded: Data(text)), !der.isEmpty {
                    result.append([UInt8](der))
                }
                base64 = nil
            } else if base64 != nil {
                base64?.append(contentsOf: line.filter { $0 != 0x20 && $0 != 0x09 })
            }
        }
        return result
    }
}
