import JSONValues

/// Images in the values of a chart, as the mapping has them.
struct ImageValues {
    let words: MoveWords

    func moved(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            let parted = parted(value)
            return .object(
                members.map { member in
                    if let new = parted[member.name] { return JSONMember(member.name, .string(new)) }
                    return JSONMember(member.name, named(member.name, member.value) ?? moved(member.value))
                })
        case .array(let items): return .array(items.map(moved))
        default: return value
        }
    }

    /// An image in one word, or a registry for all.
    private func named(_ name: String, _ value: JSONValue) -> JSONValue? {
        guard let text = value.stringValue, !text.isEmpty else { return nil }
        let isImage = name == "image" || name == "defaultImageRegistry" || name.hasSuffix("Image")
        return isImage ? .string(words.image(text)) : nil
    }

    /// The new registry and repository of an image whose parts stand beside each other.
    private func parted(_ value: JSONValue) -> [String: String] {
        guard let repository = value["repository"]?.stringValue, !repository.isEmpty else { return [:] }
        let registry = value["registry"]?.stringValue ?? ""
        let whole = registry.isEmpty ? repository : "\(registry)/\(repository)"
        let new = words.image(whole)
        guard new != whole else { return [:] }
        guard !registry.isEmpty, let slash = new.firstIndex(of: "/") else { return ["repository": new] }
        return ["registry": String(new[..<slash]), "repository": String(new[new.index(after: slash)...])]
    }
}
