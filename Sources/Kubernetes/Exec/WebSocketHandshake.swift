internal import Crypto
import Failures
internal import Foundation
internal import Transfer

/// The opening handshake of a WebSocket (RFC 6455, 4.1), as the client sees it.
struct WebSocketHandshake {
    /// More than any server writes.
    static let largestHead = 64 << 10
    static let largestBody = 1 << 20

    let protocols: [String]
    private let key: String

    /// Makes a key from the system's generator: nobody in between may know it beforehand.
    init(protocols: [String]) {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        self.init(protocols: protocols, key: Data(bytes).base64EncodedString())
    }

    init(protocols: [String], key: String) {
        self.protocols = protocols
        self.key = key
    }

    /// The request. `headers` were checked.
    func request(_ target: String, host: String, headers: [HTTPHeader]) -> [UInt8] {
        var lines = ["GET \(target) HTTP/1.1", "Host: \(host)", "User-Agent: daytwo"]
        lines += headers.filter { $0.name != "Host" }.map { "\($0.name): \($0.value)" }
        lines += [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)",
            "Sec-WebSocket-Protocol: \(protocols.joined(separator: ", "))",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// The protocol that the server chose. Throws `failed` when its answer is none to this request.
    func accepted(_ head: UpgradeHead) throws(Failure) -> String {
        func refuse(_ why: String) -> Failure {
            Failure(
                .failed, "the server did not switch to WebSocket", why: why,
                next: "Look for a proxy in between that does not pass WebSocket on.")
        }
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        guard head["sec-websocket-accept"] == Data(digest).base64EncodedString() else {
            throw refuse("its Sec-WebSocket-Accept does not belong to this request")
        }
        guard head["upgrade"]?.lowercased() == "websocket",
            head["connection"]?.lowercased().split(separator: ",").contains(where: { $0.trimmed == "upgrade" }) == true
        else { throw refuse("it does not say that it does") }
        guard let chosen = head["sec-websocket-protocol"], protocols.contains(chosen) else {
            throw refuse("it chose none of the protocols \(protocols.joined(separator: ", "))")
        }
        guard head["sec-websocket-extensions"] == nil else {
            throw refuse("it uses an extension that was not asked for")
        }
        return chosen
    }
}

/// The head of an HTTP answer.
struct UpgradeHead {
    let status: Int
    private let fields: [(name: Substring, value: String)]

    /// Takes the bytes before the empty line. Throws `failed` for what is no HTTP.
    init(_ bytes: some Collection<UInt8>) throws(Failure) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", words[1].count == 3,
            let status = Int(words[1])
        else { throw Failure(.failed, "the server does not answer in HTTP") }
        self.status = status
        fields = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon], String(line[line.index(after: colon)...].trimmed))
        }
    }

    /// The value of a field, whose name is given in small letters.
    subscript(name: String) -> String? { fields.first { $0.name.lowercased() == name }?.value }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " || $0 == "\t" }
        guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return start.prefix(0) }
        return start[...end]
    }
}

/// The body of an answer that refuses the upgrade, taken out of what followed its head.
enum UpgradeBody {
    /// Nil when more has to come.
    static func whole(_ head: UpgradeHead, _ bytes: [UInt8], isAtEnd: Bool) -> [UInt8]? {
        if head["transfer-encoding"]?.lowercased() == "chunked" { return chunks(bytes) ?? (isAtEnd ? [] : nil) }
        guard let length = head["content-length"].flatMap({ Int($0) }), length >= 0 else {
            return isAtEnd ? bytes : nil
        }
        guard bytes.count >= length || isAtEnd else { return nil }
        return Array(bytes.prefix(length))
    }

    private static func chunks(_ bytes: [UInt8]) -> [UInt8]? {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            let size = String(decoding: rest[..<end.lowerBound].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let count = Int(size, radix: 16), count >= 0 else { return [] }
            if count == 0 { return body }
            rest = rest[end.upperBound...]
            guard count <= rest.count - 2 else { return nil }
            body += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return nil
    }
}
