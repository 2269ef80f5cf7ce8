internal import Failures
internal import FoundationEssentials

/// A mapping that is being decoded: each read of a key says what it must be; what is wrong is reported, and nil.
final class Fields {
    let origin: Origin
    let path: String
    let document: String
    let report: DocumentReport
    private let entries: [YAMLNode.Entry]
    private var known: [String] = []

    /// Reports what is no mapping.
    init?(_ node: YAMLNode, path: String, document: String, report: DocumentReport) {
        guard case .mapping(let entries) = node.content else {
            report.add(node.origin, "\(path.isEmpty ? "the document" : path) is \(node.kindName) instead of a mapping")
            return nil
        }
        origin = node.origin
        self.path = path
        self.document = document
        self.report = report
        self.entries = entries
    }

    /// All its keys, for mappings with free names.
    var keys: [YAMLNode.Entry] {
        known += entries.map(\.key)
        return entries
    }

    /// The value of a key, when it is there.
    func node(_ key: String) -> YAMLNode? {
        known.append(key)
        return entries.first { $0.key == key }?.value
    }

    func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// A key that must be there.
    func required<Value>(_ key: String, _ read: (String) -> Value?) -> Value? {
        if !has(key) {
            known.append(key)
            report.add(origin, "\(name(of: key)) is missing")
            return nil
        }
        return read(key)
    }

    /// Reports the keys that nobody asked for.
    func finish(_ explain: (String) -> String? = { _ in nil }) {
        for entry in entries where !known.contains(entry.key) {
            let near = Suggestion.nearest(to: entry.key, among: known)
            let choices = "Known are \(known.sorted().joined(separator: ", "))."
            let hint = explain(entry.key) ?? near.map { "Did you mean \($0)?" } ?? choices
            report.add(entry.keyOrigin, "\(name(of: String(entry.key.prefix(80)))) is not known", hint)
        }
    }

    func name(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func fields(_ key: String) -> Fields? {
        node(key).flatMap { Fields($0, path: name(of: key), document: document, report: report) }
    }

    /// The entries of a list with their paths.
    func list(_ key: String) -> [(node: YAMLNode, path: String)]? {
        node(key).flatMap { list($0, name(of: key)) }
    }

    func list(_ node: YAMLNode, _ path: String) -> [(node: YAMLNode, path: String)]? {
        guard case .sequence(let nodes) = node.content else {
            report.add(node.origin, "\(path) is \(node.kindName) instead of a list", "Write it like [a, b].")
            return nil
        }
        return nodes.enumerated().map { ($1, "\(path)[\($0)]") }
    }

    func string(_ key: String) -> String? { node(key).flatMap { text($0, name(of: key)) } }

    func strings(_ key: String) -> [String]? {
        list(key).map { $0.compactMap { text($0.node, $0.path) } }
    }

    func integer(_ key: String, _ range: ClosedRange<Int>, default standard: Int? = nil) -> Int? {
        guard let node = node(key) else { return useDefault(key, standard) { String($0) } }
        return integer(node, name(of: key), range)
    }

    func integer(_ node: YAMLNode, _ path: String, _ range: ClosedRange<Int>) -> Int? {
        let expected =
            range.count == 1
            ? "\(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let scalar) = node.content, scalar.isPlain, let value = Int(scalar.text),
            String(value) == scalar.text, range.contains(value)
        else {
            report.add(node.origin, "\(path) is \(shown(node)) instead of \(expected)")
            return nil
        }
        record(path, scalar.text, node)
        return value
    }

    func bool(_ key: String, default standard: Bool) -> Bool {
        guard let node = node(key) else { return useDefault(key, standard) { String($0) } ?? standard }
        return truth(node, name(of: key)) ?? standard
    }

    func truth(_ node: YAMLNode, _ path: String) -> Bool? {
        guard case .scalar(let scalar) = node.content, scalar.isPlain, let value = Bool(scalar.text) else {
            report.add(node.origin, "\(path) is \(shown(node)) instead of true or false")
            return nil
        }
        record(path, scalar.text, node)
        return value
    }

    func duration(_ key: String, default standard: String? = nil) -> TimeInterval? {
        guard let node = node(key) else {
            return useDefault(key, standard) { $0 }.flatMap { WrittenDuration.seconds($0) }
        }
        return duration(node, name(of: key))
    }

    func duration(_ node: YAMLNode, _ path: String) -> TimeInterval? {
        guard case .scalar(let scalar) = node.content, let seconds = WrittenDuration.seconds(scalar.text) else {
            report.add(
                node.origin, "\(path) is \(shown(node)) instead of a duration",
                "Write it with units, like 90s, 15m, 1h30m, 7d or 2w.")
            return nil
        }
        record(path, scalar.text, node)
        return seconds
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, default standard: Choice?) -> Choice?
    where Choice.RawValue == String {
        guard let node = node(key) else { return useDefault(key, standard) { $0.rawValue } }
        return choice(node, name(of: key))
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ path: String) -> Choice?
    where Choice.RawValue == String {
        guard let text = text(node, path) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        reportChoice(node, path, text, Choice.allCases.map(\.rawValue))
        return nil
    }

    /// Says that a text is none of some names.
    func reportChoice(_ node: YAMLNode, _ path: String, _ text: String, _ names: [String]) {
        let near = Suggestion.nearest(to: text, among: names).map { "Did you mean \($0)?" }
        report.add(node.origin, "\(path) is \(shown(node)) instead of \(names.joined(separator: ", "))", near)
    }

    func cron(_ key: String) -> CronExpression? {
        guard let node = node(key), let text = text(node, name(of: key)) else { return nil }
        var problems: [CronProblem] = []
        let expression = CronExpression(parsing: text, problems: &problems)
        guard case .scalar(let scalar) = node.content else { return nil }
        for problem in problems {
            let column = scalar.textColumn.map { $0 + problem.offset } ?? node.origin.column
            let place = Origin(file: node.origin.file, line: node.origin.line, column: column)
            report.add(place, "\(name(of: key)): \(problem.message)", problem.hint)
        }
        return expression
    }

    /// A text that YAML could not take for anything else.
    func text(_ node: YAMLNode, _ path: String) -> String? {
        guard case .scalar(let scalar) = node.content, !node.isEmpty else {
            report.add(node.origin, "\(path) is \(node.kindName) instead of a text")
            return nil
        }
        if scalar.isPlain, let guess = YAMLGuess(scalar.text) {
            report.add(
                node.origin, "\(path) is \(guess.rawValue) instead of a text",
                "Put it in quotes: \"\(scalar.text.prefix(80))\".")
            return nil
        }
        guard !scalar.text.isEmpty else {
            report.add(node.origin, "\(path) is empty")
            return nil
        }
        guard !scalar.text.utf8.contains(0) else {
            report.add(node.origin, "\(path) holds a NUL character")
            return nil
        }
        report.add(ConfigurationSetting(document: document, path: path, value: scalar.text, origin: node.origin))
        return scalar.text
    }

    private func shown(_ node: YAMLNode) -> String {
        guard case .scalar(let scalar) = node.content, !node.isEmpty else { return node.kindName }
        return String(scalar.text.prefix(80)).debugDescription
    }

    private func record(_ path: String, _ value: String, _ node: YAMLNode) {
        report.add(ConfigurationSetting(document: document, path: path, value: value, origin: node.origin))
    }

    private func useDefault<Value>(_ key: String, _ standard: Value?, _ text: (Value) -> String) -> Value? {
        if let standard {
            report.add(
                ConfigurationSetting(document: document, path: name(of: key), value: text(standard), origin: nil))
        }
        return standard
    }
}
