internal import FoundationEssentials

/// A part of a document that has its shape: reading it cannot go wrong any more.
struct ShapedValue {
    let origin: Origin
    let path: String
    let content: Content

    enum Content {
        case text(String)
        case integer(Int)
        case truth(Bool)
        case seconds(TimeInterval)
        case list([ShapedValue])
        case texts([(name: String, value: String)])
        case mapping([String: ShapedValue])
    }

    subscript(_ key: String) -> ShapedValue? {
        if case .mapping(let values) = content { values[key] } else { nil }
    }

    var text: String? { if case .text(let text) = content { text } else { nil } }
    var integer: Int? { if case .integer(let number) = content { number } else { nil } }
    var truth: Bool? { if case .truth(let truth) = content { truth } else { nil } }
    var seconds: TimeInterval? { if case .seconds(let seconds) = content { seconds } else { nil } }
    var list: [ShapedValue] { if case .list(let values) = content { values } else { [] } }
    var texts: [(name: String, value: String)] { if case .texts(let texts) = content { texts } else { [] } }
    var strings: [String] { list.compactMap(\.text) }

    /// One of the raw values that its shape has checked it for.
    func choice<Choice: RawRepresentable>(_ type: Choice.Type = Choice.self) -> Choice?
    where Choice.RawValue == String { text.flatMap(Choice.init) }
}
