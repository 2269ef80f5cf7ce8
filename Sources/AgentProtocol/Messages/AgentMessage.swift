public import Failures
public import JSONValues

/// What is said beside the data. The names of operations and the members of requests and results are theirs alone.
public enum AgentMessage: Sendable, Equatable {
    /// What the agent is to do.
    case request(operation: String, JSONValue)
    /// What it does: a step begins.
    case step(String)
    /// How far the step is: bytes, and of how many where that is known.
    case progress(Int64, of: Int64?)
    /// Something that a person should know.
    case warning(String)
    /// What came out.
    case result(JSONValue)
    /// Why nothing will come out.
    case failure(Failure)

    var json: JSONValue {
        switch self {
        case .request(let operation, let parameters):
            Self.object("request", ("operation", .string(operation)), ("parameters", parameters))
        case .step(let text): Self.object("step", ("text", .string(text)))
        case .progress(let done, let total):
            Self.object("progress", ("bytes", .integer(done)), ("of", total.map { .integer($0) }))
        case .warning(let text): Self.object("warning", ("text", .string(text)))
        case .result(let value): Self.object("result", ("value", value))
        case .failure(let failure): Self.object("failure", ("failure", failure.json))
        }
    }

    /// Reads one; `verificationFailed` for anything else.
    init(_ payload: [UInt8]) throws(Failure) {
        let json = try JSONValue(parsing: payload)
        let text = json["text"]?.stringValue
        switch (json["type"]?.stringValue, text) {
        case ("request", _):
            guard let operation = json["operation"]?.stringValue, let parameters = json["parameters"] else {
                throw Self.foreign(json)
            }
            self = .request(operation: operation, parameters)
        case ("step", let text?): self = .step(text)
        case ("warning", let text?): self = .warning(text)
        case ("progress", _):
            guard let done = json["bytes"]?.integerValue else { throw Self.foreign(json) }
            self = .progress(done, of: json["of"]?.integerValue)
        case ("result", _):
            guard let value = json["value"] else { throw Self.foreign(json) }
            self = .result(value)
        case ("failure", _):
            guard let value = json["failure"], let failure = Failure(value) else { throw Self.foreign(json) }
            self = .failure(failure)
        default: throw Self.foreign(json)
        }
    }

    /// Equal when all that is sent is.
    public static func == (left: AgentMessage, right: AgentMessage) -> Bool { left.json == right.json }

    private static func object(_ type: String, _ members: (String, JSONValue?)...) -> JSONValue {
        .object(
            [JSONMember("type", .string(type))]
                + members.compactMap { name, value in value.map { JSONMember(name, $0) } })
    }

    private static func foreign(_ json: JSONValue) -> Failure {
        let type = json["type"]?.stringValue ?? "nothing"
        return Frame.damaged("a message of type \(String(type.prefix(40)).debugDescription) is not understood")
    }
}
