/// Byte order marks at the beginning of texts: the parser's strings lose them. A character for private use stands in for them meanwhile.
enum ByteOrderMarks {
    private static let mark = "\\ufeff"
    private static let standIn = "\\ue4d7"

    /// The YAML with a stand-in for each mark that is written as `\ufeff`; nil where the stand-in is there already.
    static func hidden(in yaml: String) -> String? {
        guard yaml.contains(mark) else { return yaml }
        let isTaken = yaml.contains(standIn) || yaml.unicodeScalars.contains("\u{E4D7}")
        return isTaken ? nil : yaml.replacing(mark, with: standIn)
    }

    /// The marks again, also where `\ufeff` stood for six characters.
    static func shown(in text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { shown.append(scalar == "\u{E4D7}" ? "\u{FEFF}" : scalar) }
        return String(shown).replacing(standIn, with: mark)
    }
}
