/// Writes the lines of `objects.ndjson`: one JSON object for each live row, straight from the bytes of its key and value.
public struct ObjectLineWriter {
    /// How many lines had a problem.
    public private(set) var problemCount = 0
    /// The keys of the first of them.
    public private(set) var firstProblems: [(key: String, problem: ObjectProblem)] = []

    /// Whose UIDs the lines say.
    public enum UIDs: Sendable {
        case all
        /// Of volumes and their claims alone. UIDs are random: of all that a line says they alone cannot be compressed, and make
        /// more than half of the list. Kine's database gives them by the revision of the line
        /// (``DatastoreFile/uids(at:)``).
        case ofVolumes
    }

    private static let problemsKept = 20
    private let uids: UIDs
    private var scan = MetadataScan()

    /// A writer without problems so far.
    public init(uids: UIDs = .all) { self.uids = uids }

    /// Appends one line with its line feed. A value that cannot be read gives a line that says so.
    public mutating func append(
        key: UnsafeRawBufferPointer, revision: Int64, value: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) {
        appendLine(key: key, revision: revision, value: value, to: &output)
    }

    mutating func appendLine<Output: ByteAppending & ~Copyable>(
        key: UnsafeRawBufferPointer, revision: Int64, value: UnsafeRawBufferPointer, to output: inout Output
    ) {
        Self.appendStart(key: key, revision: revision, to: &output)
        appendRest(key: key, value: value, to: &output)
    }

    /// The beginning of a line: what the row says without its value.
    static func appendStart<Output: ByteAppending & ~Copyable>(
        key: UnsafeRawBufferPointer, revision: Int64, to output: inout Output
    ) {
        JSONText.append(literal: "{\"key\":", to: &output)
        JSONText.append(text: key, to: &output)
        JSONText.append(literal: ",\"revision\":", to: &output)
        JSONText.append(number: revision, to: &output)
    }

    /// The rest of a line, and its line feed.
    mutating func appendRest<Output: ByteAppending & ~Copyable>(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, to output: inout Output
    ) {
        scan.read(value)
        defer { scan.reset() }
        // What the key says already is not said again: half a line less for most.
        let names = ObjectKey.names(in: key)
        let isUnnamed = scan.name.isEmpty
        append(",\"kind\":", scan.kind, to: &output)
        append(",\"apiVersion\":", scan.apiVersion, to: &output)
        if !isUnnamed {
            append(",\"namespace\":", scan.namespace, unless: names.namespace, to: &output)
            append(",\"name\":", scan.name, unless: names.name, to: &output)
        }
        if uids == .all || ObjectKey.isVolume(key) { append(",\"uid\":", scan.uid, to: &output) }
        appendLabels(to: &output)
        append(",\"created\":", scan.created, to: &output)
        append(",\"deleted\":", scan.deleted, to: &output)
        JSONText.append(literal: ",\"size\":", to: &output)
        JSONText.append(number: Int64(value.count), to: &output)
        appendEncoding(to: &output)
        if let problem = scan.problem {
            JSONText.append(literal: ",\"problem\":", to: &output)
            JSONText.append(text: problem.rawValue, to: &output)
            problemCount += 1
            if firstProblems.count < ObjectLineWriter.problemsKept {
                firstProblems.append((String(decoding: key, as: UTF8.self), problem))
            }
        }
        JSONText.append(literal: "}\n", to: &output)
    }

    /// The same for a key and a value in memory.
    public mutating func append(key: String, revision: Int64, value: [UInt8], to output: inout [UInt8]) {
        var key = key
        key.withUTF8 { keyBytes in
            value.withUnsafeBytes {
                append(key: UnsafeRawBufferPointer(keyBytes), revision: revision, value: $0, to: &output)
            }
        }
    }

    @inline(__always)
    private func append<Output: ByteAppending & ~Copyable>(
        _ member: StaticString, _ text: TextSlice, to output: inout Output
    ) {
        guard !text.isEmpty else { return }
        JSONText.append(literal: member, to: &output)
        text.appendJSON(to: &output)
    }

    /// Appends a text that is not the one in the key; an empty one as well, since the reader takes the key's otherwise.
    @inline(__always)
    private func append<Output: ByteAppending & ~Copyable>(
        _ member: StaticString, _ text: TextSlice, unless inKey: TextSlice, to output: inout Output
    ) {
        guard text.isEscaped || !equal(text.bytes, inKey.bytes) else { return }
        JSONText.append(literal: member, to: &output)
        text.appendJSON(to: &output)
    }

    private func append<Output: ByteAppending & ~Copyable>(
        _ member: StaticString, _ moment: MetadataScan.Moment, to output: inout Output
    ) {
        switch moment {
        case .none: return
        case .text(let text): append(member, text, to: &output)
        case .seconds(let seconds):
            JSONText.append(literal: member, to: &output)
            output.append(UInt8(ascii: "\""))
            Timestamp.append(seconds: seconds, to: &output)
            output.append(UInt8(ascii: "\""))
        }
    }

    private func appendLabels<Output: ByteAppending & ~Copyable>(to output: inout Output) {
        guard !scan.labels.isEmpty else { return }
        JSONText.append(literal: ",\"labels\":", to: &output)
        var separator = UInt8(ascii: "{")
        for label in scan.labels {
            output.append(separator)
            label.name.appendJSON(to: &output)
            output.append(UInt8(ascii: ":"))
            label.value.appendJSON(to: &output)
            separator = UInt8(ascii: ",")
        }
        output.append(UInt8(ascii: "}"))
    }

    private func appendEncoding<Output: ByteAppending & ~Copyable>(to output: inout Output) {
        JSONText.append(literal: ",\"encoding\":", to: &output)
        switch scan.form {
        case .protobuf: JSONText.append(literal: "\"protobuf\"", to: &output)
        case .json: JSONText.append(literal: "\"json\"", to: &output)
        case .cbor: JSONText.append(literal: "\"cbor\"", to: &output)
        case .opaque: JSONText.append(literal: "\"opaque\"", to: &output)
        case .empty: JSONText.append(literal: "\"empty\"", to: &output)
        case .encrypted: JSONText.append(text: scan.encoding, to: &output)
        }
    }
}
