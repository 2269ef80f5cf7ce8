public import Failures

/// When something comes again, as a crontab says it: five fields, or a name like `@daily`.
///
/// The rules are those of Debian's cron (crontab(5)); `H` is Jenkins's: a number that is always the same for the same
/// cluster and schedule, and different for others. `@reboot` is none of these: it is no point in time.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    public let text: String
    let minute: CronField
    let hour: CronField
    let dayOfMonth: CronField
    let month: CronField
    let dayOfWeek: CronField

    /// Parses an expression; throws `.usage` with everything that is wrong with it.
    public init(_ text: String) throws(Failure) {
        var problems: [CronProblem] = []
        guard let expression = CronExpression(parsing: text, problems: &problems) else {
            throw Failure(
                .usage, "\(String(text.prefix(100)).debugDescription) is no cron expression",
                why: problems.map(\.message).joined(separator: "; "),
                next: problems.lazy.compactMap(\.hint).first ?? Self.usage)
        }
        self = expression
    }

    /// What was written.
    public var description: String { text }

    static let usage = "Write minute, hour, day of month, month, day of week, like \"30 3 * * SUN\", or @daily."

    /// Parses, and adds every problem with its place in the text.
    init?(parsing text: String, problems: inout [CronProblem]) {
        let count = problems.count
        let words = Self.words(text)
        guard let first = words.first else {
            problems.append(CronProblem(offset: 0, message: "it is empty", hint: Self.usage))
            return nil
        }
        var fields = words
        if first.text.hasPrefix("@") {
            guard words.count == 1, let meaning = Self.named[first.text.lowercased()] else {
                problems.append(Self.unknownName(first, words))
                return nil
            }
            fields = Self.words(meaning)
        } else if first.text.uppercased().hasPrefix("CRON_TZ=") || first.text.uppercased().hasPrefix("TZ=") {
            problems.append(
                CronProblem(
                    offset: 0, message: "the zone does not belong into the expression",
                    hint: "Write it as timeZone beside cron."))
            return nil
        }
        guard fields.count == 5 else {
            problems.append(
                CronProblem(
                    offset: fields.count > 5 ? fields[5].offset : 0,
                    message: "it has \(fields.count) fields instead of five", hint: Self.usage))
            return nil
        }
        var parsed: [CronField] = []
        for (kind, field) in zip(CronField.Kind.allCases, fields) {
            if let field = CronField(kind, field.text, at: field.offset, problems: &problems) { parsed.append(field) }
        }
        guard problems.count == count, parsed.count == 5 else { return nil }
        self.text = text
        (minute, hour, dayOfMonth, month, dayOfWeek) = (parsed[0], parsed[1], parsed[2], parsed[3], parsed[4])
    }

    private static let named = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    private static func unknownName(_ word: Word, _ words: [Word]) -> CronProblem {
        let name = word.text.lowercased()
        if name == "@reboot" {
            return CronProblem(
                offset: word.offset, message: "@reboot is no point in time: nothing could say when it is due",
                hint: "Write a time, like @daily; what is missed while the machine is off is caught up.")
        }
        if name == "@every" {
            return CronProblem(
                offset: word.offset, message: "@every is not known here", hint: "Write a step, like \"*/15 * * * *\".")
        }
        if named[name] != nil {
            return CronProblem(offset: words[1].offset, message: "\(name) stands alone", hint: nil)
        }
        let near = Suggestion.nearest(to: name, among: named.keys.sorted())
        return CronProblem(
            offset: word.offset, message: "\(String(word.text.prefix(40)).debugDescription) is not known",
            hint: near.map { "Did you mean \($0)?" } ?? "Write \(named.keys.sorted().joined(separator: ", ")).")
    }

    private struct Word {
        var text: String
        var offset: Int
    }

    private static func words(_ text: String) -> [Word] {
        var words: [Word] = []
        var gap = true
        for (offset, scalar) in text.unicodeScalars.enumerated() {
            if scalar == " " || scalar == "\t" {
                gap = true
            } else {
                if gap { words.append(Word(text: "", offset: offset)) }
                gap = false
                words[words.count - 1].text.unicodeScalars.append(scalar)
            }
        }
        return words
    }
}

/// Something wrong in a cron expression.
struct CronProblem {
    /// Characters (Unicode scalars) before it.
    var offset: Int
    var message: String
    /// What to write instead, as a sentence.
    var hint: String?
}
