/// Writes the text form of metrics, version 0.0.4.
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricsText {
    /// What a scraper is told that it gets.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case gauge, counter
    }

    private(set) var bytes: [UInt8] = []

    /// The lines that come before the samples of a metric.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        let escaped = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        bytes += "# HELP \(name) \(escaped)\n# TYPE \(name) \(kind.rawValue)\n".utf8
    }

    /// One sample; `labels` come from ``labels(_:)``.
    mutating func sample(_ name: String, _ labels: String, _ value: Double) {
        bytes += name.utf8
        bytes += labels.utf8
        bytes.append(UInt8(ascii: " "))
        // Whole numbers without a fraction or exponent, as long as a double has them exactly.
        let isWhole = value.rounded() == value && value.magnitude < 0x1p53
        bytes += (isWhole ? "\(Int64(value))" : "\(value)").utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    /// `{cluster="local/shop",schedule="hourly"}`
    static func labels(_ pairs: [(name: String, value: String)]) -> String {
        guard !pairs.isEmpty else { return "" }
        let parts = pairs.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }
        return "{" + parts.joined(separator: ",") + "}"
    }
}
