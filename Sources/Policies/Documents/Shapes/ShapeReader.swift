internal import FoundationEssentials

/// Holds a document against its shape: everything that is wrong is reported, and nil comes back for it.
final class ShapeReader {
    /// Where each part was written, by paths without the numbers of lists.
    private(set) var origins: [String: Origin] = [:]

    func read(_ shape: MappingShape, _ fields: Fields) -> ShapedValue {
        var values: [String: ShapedValue] = [:]
        for key in shape.keys { values[key.name] = value(of: key, fields) }
        fields.finish { shape.hints[$0] }
        if !shape.oneOf.isEmpty { check(shape.oneOf, fields) }
        return ShapedValue(origin: fields.origin, path: fields.path, content: .mapping(values))
    }

    private func check(_ names: [String], _ fields: Fields) {
        let given = names.filter(fields.has)
        guard given.count != 1 else { return }
        let list = names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
        fields.report.add(fields.origin, "\(fields.path) needs \(given.isEmpty ? "one" : "only one") of \(list)")
    }

    private func value(of key: KeyShape, _ fields: Fields) -> ShapedValue? {
        guard let node = key.isRequired ? fields.required(key.name, fields.node) : fields.node(key.name) else {
            return standard(of: key, fields)
        }
        let path = fields.name(of: key.name)
        origins[path] = node.origin
        return value(node, key.shape, path, fields)
    }

    private func standard(of key: KeyShape, _ fields: Fields) -> ShapedValue? {
        guard let standard = key.standard, !fields.has(key.name) else { return nil }
        let path = fields.name(of: key.name)
        if case .mapping(let shape) = key.shape {
            let empty = YAMLNode(origin: fields.origin, content: .mapping([]))
            return Fields(empty, path: path, document: fields.document, report: fields.report).map { read(shape, $0) }
        }
        fields.report.add(ConfigurationSetting(document: fields.document, path: path, value: standard, origin: nil))
        let content: ShapedValue.Content? =
            switch key.shape {
            case .integer: Int(standard).map { .integer($0) }
            case .truth: .truth(standard == "true")
            case .duration: WrittenDuration.seconds(standard).map { .seconds($0) }
            default: .text(standard)
            }
        return content.map { ShapedValue(origin: fields.origin, path: path, content: $0) }
    }

    private func value(_ node: YAMLNode, _ shape: Shape, _ path: String, _ fields: Fields) -> ShapedValue? {
        let content: ShapedValue.Content?
        switch shape {
        case .text(let format): content = text(node, format, path, fields).map { .text($0) }
        case .choice(let names): content = choice(node, names, path, fields).map { .text($0) }
        case .integer(let range): content = fields.integer(node, path, range).map { .integer($0) }
        case .truth: content = fields.truth(node, path).map { .truth($0) }
        case .duration: content = fields.duration(node, path).map { .seconds($0) }
        case .list(let element, let mayBeEmpty): content = list(node, element, mayBeEmpty, path, fields)
        case .texts:
            content = Fields(node, path: path, document: fields.document, report: fields.report).map { free in
                .texts(
                    free.keys.compactMap { entry in
                        free.text(entry.value, free.name(of: entry.key)).map { (entry.key, $0) }
                    })
            }
        case .mapping(let shape):
            return Fields(node, path: path, document: fields.document, report: fields.report).map { read(shape, $0) }
        case .textOr(let format, let shape):
            if case .mapping = node.content { return value(node, .mapping(shape), path, fields) }
            content = text(node, format, path, fields).map { .text($0) }
        }
        return content.map { ShapedValue(origin: node.origin, path: path, content: $0) }
    }

    private func text(_ node: YAMLNode, _ format: TextFormat, _ path: String, _ fields: Fields) -> String? {
        if format.isVersion, case .scalar(let scalar) = node.content, scalar.isPlain,
            YAMLGuess(scalar.text) == .number
        {
            let number = Double(scalar.text).map { "\($0)" } ?? scalar.text
            fields.report.add(
                node.origin,
                "\(path) is \(scalar.text.prefix(80)) without quotes, which YAML reads as the number \(number.prefix(80))",
                "Write \"\(scalar.text.prefix(80))\".")
            return nil
        }
        guard let text = fields.text(node, path) else { return nil }
        guard format.accepts(text) else {
            fields.report.add(
                node.origin, "\(path) is \(String(text.prefix(80)).debugDescription) instead of \(format.expected)")
            return nil
        }
        return text
    }

    private func choice(_ node: YAMLNode, _ names: [String], _ path: String, _ fields: Fields) -> String? {
        guard let text = fields.text(node, path) else { return nil }
        if names.contains(text) { return text }
        fields.reportChoice(node, path, text, names)
        return nil
    }

    private func list(
        _ node: YAMLNode, _ element: Shape, _ mayBeEmpty: Bool, _ path: String, _ fields: Fields
    ) -> ShapedValue.Content? {
        guard let nodes = fields.list(node, path) else { return nil }
        if nodes.isEmpty, !mayBeEmpty {
            fields.report.add(node.origin, "\(path) is empty", "Leave it out, or name something.")
            return nil
        }
        let values = nodes.compactMap { value($0.node, element, $0.path, fields) }
        return values.count == nodes.count ? .list(values) : nil
    }
}
