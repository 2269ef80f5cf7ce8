import Failures
import JSONValues

extension Failure {
    // Together less than a message may have, however the texts are escaped.
    private static let deepest = 8
    private static let longestText = 4096

    /// All its parts.
    var json: JSONValue { json(depth: 0) }

    private func json(depth: Int) -> JSONValue {
        var members = [JSONMember("code", .string(code.rawValue)), JSONMember("what", .string(Self.shortened(what)))]
        if let why { members.append(JSONMember("why", .string(Self.shortened(why)))) }
        if let next { members.append(JSONMember("next", .string(Self.shortened(next)))) }
        if let cause, depth < Self.deepest {
            let beneath = (cause as? Failure) ?? Failure(.failed, String(describing: cause))
            members.append(JSONMember("cause", beneath.json(depth: depth + 1)))
        }
        return .object(members)
    }

    /// Reads one; a code that only a newer daytwo has is `failed`.
    init?(_ json: JSONValue) { self.init(json, depth: 0) }

    private init?(_ json: JSONValue, depth: Int) {
        guard let what = json["what"]?.stringValue, let code = json["code"]?.stringValue, depth <= Self.deepest else {
            return nil
        }
        self.init(
            Code(rawValue: code) ?? .failed, Self.shortened(what), why: json["why"]?.stringValue.map(Self.shortened),
            next: json["next"]?.stringValue.map(Self.shortened),
            cause: json["cause"].flatMap { Failure($0, depth: depth + 1) })
    }

    private static func shortened(_ text: String) -> String {
        text.utf8.count <= longestText ? text : String(decoding: text.utf8.prefix(longestText), as: UTF8.self) + "…"
    }
}
