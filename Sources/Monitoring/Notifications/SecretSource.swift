internal import Failures
internal import Files

/// Where a secret comes from. It is read anew for each use, so that a replaced one holds at once.
public enum SecretSource: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    /// A file that holds it, and perhaps a line end.
    case file(String)
    /// The value of an environment variable, which the caller read, and that variable's name for errors.
    case value(String, name: String)

    /// Where it comes from, never what it is.
    public var description: String {
        switch self {
        case .file(let path): path
        case .value(_, let name): "$\(name)"
        }
    }

    /// The same, for what prints the inside of values.
    public var debugDescription: String { description }

    /// The secret, without white space around it.
    func read() throws(Failure) -> String {
        let text: String
        switch self {
        case .file(let path):
            guard let decoded = String(validating: try readFile(path, limit: 1 << 16), as: UTF8.self) else {
                throw Failure(.refused, "\(path) holds no text")
            }
            text = decoded
        case .value(let value, _): text = value
        }
        let trimmed = text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
        guard !trimmed.isEmpty else {
            throw Failure(.usage, "\(self) is empty", next: "Put the address into it.")
        }
        return String(trimmed)
    }
}
