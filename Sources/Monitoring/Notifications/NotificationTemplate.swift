public import Failures
internal import FoundationEssentials

/// A user's JSON with `{{member}}` where a member of the event belongs: ``members`` are the names.
///
/// Within a JSON string a member's text is put in, escaped, and nothing where it has none. Elsewhere it becomes a JSON
/// value of its own: a string, a number, or null.
public struct NotificationTemplate: Sendable, Equatable {
    /// The names that may stand between the braces.
    public static let members = [
        "event", "cluster", "schedule", "policy", "job", "exitCode", "what", "why", "next", "at", "since", "host",
    ]

    private enum Part: Equatable {
        case text(String)
        case member(String, inString: Bool)
    }

    private let parts: [Part]

    /// Reads a template; `name` is what errors call it.
    ///
    /// Throws `usage` for an unknown member, braces without an end, or what would be no JSON.
    public init(_ template: String, name: String) throws(Failure) {
        parts = try Self.parse(template, name)
        // Tried with every member and with as few as there may be, so that nothing is found out in an emergency.
        var full = NotificationEvent(
            .test, cluster: "c", schedule: "s", what: "\"\\\n", at: Date(timeIntervalSince1970: 0), hostName: "h")
        let least = full
        (full.jobID, full.exitCode, full.why, full.next, full.since) = ("j", 1, "w", "n", full.at)
        for event in [full, least] {
            do {
                _ = try JSONDecoder().decode(AnyJSON.self, from: Data(render(event)))
            } catch {
                throw Failure(
                    .usage, "the template \(name) makes no JSON", why: "\(error)",
                    next: "Put the text between double quotes, and check commas and braces.", cause: error)
            }
        }
    }

    /// The event in the template's form.
    public func render(_ event: NotificationEvent) throws(Failure) -> [UInt8] {
        var text = ""
        for part in parts {
            switch part {
            case .text(let piece): text += piece
            case .member(let name, let inString):
                let value = event.member(name)
                text += inString ? value.text.jsonEscaped : value.json
            }
        }
        return Array(text.utf8)
    }

    private static func parse(_ template: String, _ name: String) throws(Failure) -> [Part] {
        var parts: [Part] = []
        var rest = Substring(template)
        var inString = false
        while let open = rest.firstRange(of: "{{") {
            let before = rest[..<open.lowerBound]
            inString = endsInString(before, inString)
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw Failure(.usage, "the template \(name) has {{ without }}", next: "Close it, or remove it.")
            }
            let member = rest[open.upperBound..<close.lowerBound].filter { $0 != " " }
            guard members.contains(member) else {
                throw Failure(
                    .usage, "the template \(name) names {{\(member)}}, which is no member of an event",
                    next: "The members are: \(members.joined(separator: ", ")).")
            }
            parts += [.text(String(before)), .member(member, inString: inString)]
            rest = rest[close.upperBound...]
        }
        return parts + [.text(String(rest))]
    }

    /// Whether a string of JSON is open after `text`, when one was, or was not, before it.
    private static func endsInString(_ text: Substring, _ before: Bool) -> Bool {
        var inString = before
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = inString
            } else if byte == UInt8(ascii: "\"") {
                inString.toggle()
            }
        }
        return inString
    }
}

/// What stands for a member.
private enum MemberValue {
    case missing
    case number(Int32)
    case string(String)

    var text: String {
        switch self {
        case .missing: ""
        case .number(let value): String(value)
        case .string(let value): value
        }
    }

    var json: String {
        switch self {
        case .missing: "null"
        case .number(let value): String(value)
        case .string(let value): "\"\(value.jsonEscaped)\""
        }
    }
}

extension NotificationEvent {
    fileprivate func member(_ name: String) -> MemberValue {
        func optional(_ text: String?) -> MemberValue { text.map(MemberValue.string) ?? .missing }
        return switch name {
        case "event": .string(kind.rawValue)
        case "cluster": .string(cluster)
        case "schedule": optional(schedule)
        case "policy": optional(policy)
        case "job": optional(jobID)
        case "exitCode": exitCode.map(MemberValue.number) ?? .missing
        case "what": .string(what)
        case "why": optional(why)
        case "next": optional(next)
        case "at": .string(timeText(at))
        case "since": optional(since.map(timeText))
        case "host": .string(hostName)
        default: .missing
        }
    }
}

extension String {
    /// What stands between the quotes of a JSON string (RFC 8259, 7).
    fileprivate var jsonEscaped: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Any JSON; only whether it is some matters.
private struct AnyJSON: Decodable {
    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            for key in object.allKeys { _ = try object.decode(AnyJSON.self, forKey: key) }
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
