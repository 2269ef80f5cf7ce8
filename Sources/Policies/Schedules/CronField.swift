internal import Failures

/// One of the five fields: a list of numbers, ranges and steps.
struct CronField: Sendable, Hashable {
    let kind: Kind
    let items: [Item]
    /// Whether it begins with `*` (or with `H/n`, which is `*/n` moved): it restricts no day, and it makes the hour or
    /// the minute a wildcard.
    let isWildcard: Bool

    enum Kind: Int, CaseIterable, Sendable {
        case minute, hour, dayOfMonth, month, dayOfWeek

        var name: String {
            switch self {
            case .minute: "minute"
            case .hour: "hour"
            case .dayOfMonth: "day of month"
            case .month: "month"
            case .dayOfWeek: "day of week"
            }
        }

        /// 7 is Sunday as well.
        var range: ClosedRange<Int> {
            switch self {
            case .minute: 0...59
            case .hour: 0...23
            case .dayOfMonth: 1...31
            case .month: 1...12
            case .dayOfWeek: 0...7
            }
        }

        /// What `H` alone chooses from: a day that each month has, and Sunday only once.
        var hashRange: ClosedRange<Int> {
            switch self {
            case .dayOfMonth: 1...28
            case .dayOfWeek: 0...6
            default: range
            }
        }

        var names: [String] {
            switch self {
            case .month: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
            case .dayOfWeek: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
            default: []
            }
        }
    }

    enum Item: Sendable, Hashable {
        case range(ClosedRange<Int>, step: Int)
        /// One number of the range, by the hash.
        case hash(ClosedRange<Int>)
        /// Every so many, beginning by the hash.
        case hashStep(ClosedRange<Int>, step: Int)
    }

    init?(_ kind: Kind, _ text: String, at offset: Int, problems: inout [CronProblem]) {
        var items: [Item] = []
        var position = offset
        let before = problems.count
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var parser = CronItemParser(kind: kind, part: part)
            if let item = parser.item() {
                items.append(item)
            } else {
                let message = "\(kind.name) \(String(part.prefix(40)).debugDescription): \(parser.problem)"
                problems.append(CronProblem(offset: position, message: message, hint: parser.hint))
            }
            position += part.unicodeScalars.count + 1
        }
        guard problems.count == before else { return nil }
        self.kind = kind
        self.items = items
        isWildcard = text.hasPrefix("*") || text.uppercased().hasPrefix("H/")
    }

    /// The numbers as bits, for one seed.
    func bits(_ hash: CronHash) -> UInt64 {
        var bits: UInt64 = 0
        for item in items {
            switch item {
            case .range(let range, let step):
                for number in stride(from: range.lowerBound, through: range.upperBound, by: step) {
                    bits |= 1 << number
                }
            case .hash(let range): bits |= 1 << hash.number(in: range, for: kind)
            case .hashStep(let range, let step):
                let first = range.lowerBound...min(range.upperBound, range.lowerBound + step - 1)
                for number in stride(from: hash.number(in: first, for: kind), through: range.upperBound, by: step) {
                    bits |= 1 << number
                }
            }
        }
        // Both 0 and 7 are Sunday.
        if kind == .dayOfWeek { bits = (bits | bits >> 7 & 1) & 0x7F }
        return bits
    }
}

private struct CronItemParser {
    let kind: CronField.Kind
    let part: Substring
    var problem = ""
    var hint: String?

    init(kind: CronField.Kind, part: Substring) {
        self.kind = kind
        self.part = part
    }

    mutating func item() -> CronField.Item? {
        let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = halves.first, !base.isEmpty else { return refuse("a number is missing") }
        guard base.first != "H", base.first != "h" else { return hashItem(base, step: halves.dropFirst().first) }
        let range: ClosedRange<Int>
        if base == "*" {
            range = kind.range
        } else {
            guard let written = self.range(base) else { return nil }
            range = written
        }
        guard let stepText = halves.dropFirst().first else { return .range(range, step: 1) }
        guard base == "*" || base.contains("-") else {
            return refuse("a step needs a range", hint: "Write \(base)-\(kind.range.upperBound)/\(stepText).")
        }
        return step(stepText, within: range).map { .range(range, step: $0) }
    }

    private mutating func hashItem(_ base: Substring, step stepText: Substring?) -> CronField.Item? {
        var range = stepText == nil ? kind.hashRange : kind == .dayOfWeek ? kind.hashRange : kind.range
        if base.count > 1 {
            guard base.dropFirst().first == "(", base.last == ")" else {
                return refuse("H is written H, H(a-b) or H/n")
            }
            guard let written = self.range(base.dropFirst(2).dropLast()) else { return nil }
            range = written
        }
        guard let stepText else { return .hash(range) }
        return step(stepText, within: range).map { .hashStep(range, step: $0) }
    }

    private mutating func range(_ text: Substring) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { return refuse("a range has two ends") }
        guard let low = number(ends[0]) else { return nil }
        guard ends.count == 2 else { return low...low }
        guard var high = number(ends[1]) else { return nil }
        // SAT-SUN
        if kind == .dayOfWeek, high == 0, low > 0 { high = 7 }
        guard low <= high else {
            let range = kind == .dayOfWeek ? 0...6 : kind.range
            return refuse(
                "the range ends before it begins",
                hint: "Write \(low)-\(range.upperBound),\(range.lowerBound)-\(high) for what goes over the end.")
        }
        return low...high
    }

    private mutating func number(_ text: Substring) -> Int? {
        if text.isEmpty { return refuse("a number is missing") }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let number = Int(text), kind.range.contains(number) else {
                return refuse("expected \(kind.range.lowerBound) to \(kind.range.upperBound)")
            }
            return number
        }
        if let index = kind.names.firstIndex(of: text.uppercased()) { return index + kind.range.lowerBound }
        if let near = Suggestion.nearest(to: text.uppercased(), among: kind.names) ?? abbreviation(of: text) {
            return refuse("\(String(text.prefix(20))) is not known", hint: "Did you mean \(near)?")
        }
        let names = kind.names.isEmpty ? "" : " or \(kind.names[0]) to \(kind.names[kind.names.count - 1])"
        return refuse("expected \(kind.range.lowerBound) to \(kind.range.upperBound)\(names), a range, a step, * or H")
    }

    private func abbreviation(of text: Substring) -> String? {
        kind.names.first { text.count > 3 && text.uppercased().hasPrefix($0) }
    }

    private mutating func step(_ text: Substring, within range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let step = Int(text), step > 0 else {
            return refuse("a step is a number above 0")
        }
        // cron takes */90 and runs once an hour, which nobody means who writes it.
        guard step == 1 || step <= range.upperBound - range.lowerBound else {
            return refuse("a step of \(step) is longer than \(range.lowerBound)-\(range.upperBound)")
        }
        return step
    }

    private mutating func refuse<Value>(_ problem: String, hint: String? = nil) -> Value? {
        self.problem = problem
        self.hint = hint
        return nil
    }
}
