internal import Failures
internal import FoundationEssentials
internal import JSONValues

/// Where the next page of a list begins, as the real server writes it.
enum ContinueToken {
    static func text(_ revision: Int64, after path: String) -> String {
        let json = JSONValue.members([
            "v": .string("meta.k8s.io/v1"), "rv": .integer(revision), "start": .string("\(path)\u{0}"),
        ])
        return Data(json.serialized()).base64EncodedString().replacing("=", with: "")
    }

    static func read(_ token: String) throws(APIError) -> (Int64, String) {
        let padded = token + String(repeating: "=", count: (4 - token.count % 4) % 4)
        guard let bytes = Data(base64Encoded: padded) else { throw .badRequest("continue key is not valid") }
        let json: JSONValue
        do throws(Failure) { json = try JSONValue(parsing: Array(bytes)) } catch {
            throw .badRequest("continue key is not valid: \(error.why ?? "")")
        }
        guard let revision = json.number("rv"), let start = json.text("start") else {
            throw .badRequest("continue key is not valid")
        }
        return (revision, start)
    }
}
