internal import Failures
private import Yams

/// Strict YAML: no anchors, no tags, no key twice.
struct YAMLReader {
    /// Ten thousand clusters fill about 2 MB.
    static let largestFile = 16 << 20

    private let file: String
    private let report: DocumentReport

    init(file: String, report: DocumentReport) {
        self.file = file
        self.report = report
    }

    /// The documents of a file; what cannot be read is reported, and what comes before it is still there.
    func documents(in bytes: [UInt8]) -> [YAMLNode] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            report.add(Origin(file: file, line: 1, column: 1), "the file is not UTF-8")
            return []
        }
        if let anchor = Self.possibleAnchor(in: bytes) {
            report.add(
                origin(ofByte: anchor, in: bytes), "anchors and aliases of YAML are not read",
                "Write the value out, or put a space after & in a text.")
            return []
        }
        var documents: [YAMLNode] = []
        do {
            // Without rules for types: a text that looks like a number stays a text here.
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            while let root = try parser.nextRoot() {
                let node = convert(root)
                if !node.isEmpty { documents.append(node) }
            }
        } catch {
            add(error, bytes)
        }
        return documents
    }

    /// The first place where an anchor could begin: an alias can then refer to none, and nothing can be expanded without
    /// bound. A few texts with ` &name` are hit as well.
    private static func possibleAnchor(in bytes: [UInt8]) -> Int? {
        bytes.indices.first { index in
            guard bytes[index] == UInt8(ascii: "&"), index + 1 < bytes.count, isName(bytes[index + 1]) else {
                return false
            }
            guard index > 0 else { return true }
            let before = bytes[index - 1]
            return before <= 0x20 || before >= 0x7F || "[]{},:?-\"'".utf8.contains(before)
        }
    }

    private static func isName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    // libyaml bounds the depth to 1,000 levels.
    private func convert(_ node: Node) -> YAMLNode {
        let origin = place(node.mark)
        switch node {
        case .scalar(let scalar):
            // Quotes are a tag as well, to Yams.
            if scalar.style == .plain || scalar.tag != Tag(.str) { refuseTag(scalar.tag, origin) }
            let quotes = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
            let textColumn = scalar.style == .plain ? origin.column : quotes ? origin.column + 1 : nil
            return YAMLNode(
                origin: origin,
                content: .scalar(.init(text: scalar.string, isPlain: scalar.style == .plain, textColumn: textColumn)))
        case .sequence(let sequence):
            refuseTag(sequence.tag, origin)
            return YAMLNode(origin: origin, content: .sequence(sequence.map(convert)))
        case .mapping(let mapping):
            refuseTag(mapping.tag, origin)
            return YAMLNode(origin: origin, content: .mapping(mapping.compactMap(entry)))
        case .alias:
            report.add(origin, "anchors and aliases of YAML are not read")
            return YAMLNode(origin: origin, content: .mapping([]))
        }
    }

    private func entry(_ key: Node, _ value: Node) -> YAMLNode.Entry? {
        guard case .scalar(let name) = key else {
            report.add(place(key.mark), "a key must be a text")
            return nil
        }
        return YAMLNode.Entry(key: name.string, keyOrigin: place(name.mark), value: convert(value))
    }

    private func refuseTag(_ tag: Tag, _ origin: Origin) {
        guard tag != .implicit else { return }
        report.add(origin, "tags of YAML (!…) are not read", "Put a text in quotes instead.")
    }

    private func place(_ mark: Mark?) -> Origin {
        Origin(file: file, line: max(mark?.line ?? 1, 1), column: max(mark?.column ?? 1, 1))
    }

    private func add(_ error: any Error, _ bytes: [UInt8]) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            report.add(place(mark), "this is no YAML: \(problem)", hint(at: mark, bytes))
        case .duplicatedKeysInMapping(let keys, let context):
            report.add(
                place(context.mark), "\(keys.map(\.debugDescription).joined(separator: ", ")) is there more than once",
                "Keep one of them; nothing else in this file was checked.")
        case .reader(let problem, let offset, _, let text):
            let before = text.prefix(offset ?? 0)
            let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
            let column = (lines.last?.unicodeScalars.count ?? 0) + 1
            report.add(Origin(file: file, line: max(lines.count, 1), column: column), "this is no YAML: \(problem)")
        default: report.add(Origin(file: file, line: 1, column: 1), "this is no YAML: \(error)")
        }
    }

    private func hint(at mark: Mark, _ bytes: [UInt8]) -> String? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.indices.contains(mark.line - 1) else { return nil }
        let line = String(decoding: lines[mark.line - 1], as: UTF8.self)
        let rest = String(line.unicodeScalars.dropFirst(mark.column - 1).prefix(1))
        let before = String(line.unicodeScalars.prefix(max(mark.column - 1, 0)).suffix(1))
        if rest == "\t" || before == "\t" { return "Indent with spaces, not with tabs." }
        if ["*", "@", "%", "`", "&"].contains(rest) || before == "*" {
            return "Put a text that begins with \(before == "*" ? "*" : rest) in quotes."
        }
        return "Mind the indentation, and put a text with \": \" in quotes."
    }

    private func origin(ofByte index: Int, in bytes: [UInt8]) -> Origin {
        let before = String(decoding: bytes[..<index], as: UTF8.self)
        let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
        return Origin(file: file, line: lines.count, column: (lines.last?.unicodeScalars.count ?? 0) + 1)
    }
}
