import Failures

/// The first line of each side: who speaks, and in which version.
enum Greeting {
    /// The version of the protocol. Any change of frames or messages that an older side does not understand raises it.
    static let version = 2

    static let beginning = Array("daytwo agent protocol ".utf8)
    static let bytes = beginning + Array("\(version)\n".utf8)
    private static let longestVersion = 5
    /// How much of what came instead is shown.
    private static let shownLength = 300

    /// Reads the other side's; throws `failed` for anything else, `refused` for another version.
    static func read(_ stream: inout ChannelReader, from peer: Peer) throws(Failure) {
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n") {
            guard let byte = try stream.byte() else { throw ended(line, peer) }
            line.append(byte)
            guard isGreeting(line) else { throw foreign(line + stream.rest(of: shownLength), peer) }
        }
        let digits = String(decoding: line.dropFirst(beginning.count).dropLast(), as: UTF8.self)
        guard digits == "\(version)" else {
            throw Failure(
                .refused, "\(peer) speaks version \(digits) of the agent's protocol",
                why: "this daytwo speaks \(version)",
                next: "use an image of the agent with the same version of daytwo as here")
        }
    }

    private static func isGreeting(_ line: [UInt8]) -> Bool {
        guard line.count > beginning.count else { return beginning.starts(with: line) }
        let rest = line.dropFirst(beginning.count)
        let digits = rest.last == UInt8(ascii: "\n") ? rest.dropLast() : rest
        return line.starts(with: beginning) && (1...longestVersion).contains(digits.count)
            && digits.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func ended(_ line: [UInt8], _ peer: Peer) -> Failure {
        Failure(.unreachable, "\(peer) ended before it said anything", why: line.isEmpty ? nil : "its greeting was cut")
    }

    private static func foreign(_ bytes: [UInt8], _ peer: Peer) -> Failure {
        let text = String(decoding: bytes.prefix(shownLength), as: UTF8.self)
            .split(whereSeparator: \.isNewline).joined(separator: "; ")
        return Failure(
            .failed, "\(peer) is not one of daytwo's", why: "instead of a greeting there came \(text.debugDescription)",
            next: peer == .agent
                ? "check the agent's image and its command" : "it is started by daytwo, not by a person")
    }
}

/// Who is at the other end.
public enum Peer: String, Sendable, CustomStringConvertible {
    /// The agent, seen from who called it.
    case agent
    /// Who called the agent, seen from there.
    case caller

    /// For messages.
    public var description: String { "the \(rawValue)" }
}
