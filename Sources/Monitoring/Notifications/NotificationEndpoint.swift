public import Failures
internal import Files
public import Processes
public import Transfer

/// Where notifications go.
public enum NotificationEndpoint: Sendable, Equatable {
    /// A `POST` to an address, with more header fields (`Name: value`, one a line) from a file where one is named.
    case webhook(url: SecretSource, headersFile: String?)
    /// A program that gets the notification on its standard input, without a shell and with a plain environment.
    case command(ProcessCommand)
}

/// One attempt to deliver a notification; who keeps it until it arrives is another matter.
public struct NotificationDelivery: Sendable {
    private static let largestHeadersFile = 1 << 16
    private static let shownOutput = 300

    private let client: HTTPClient
    private let timeout: Duration
    private let uptime: @Sendable () -> Duration

    /// Creates a way to deliver; `timeout` bounds one attempt, `uptime` is monotonic.
    public init(
        client: HTTPClient, timeout: Duration = .seconds(20), uptime: @escaping @Sendable () -> Duration
    ) {
        self.client = client
        self.timeout = timeout
        self.uptime = uptime
    }

    /// Delivers a payload, which ``NotificationFormat/render(_:)`` made.
    ///
    /// Throws `unreachable` for what may work later, and as ``HTTPClient/send(_:checkStop:)`` and ``ChildProcess`` do.
    /// No error holds the address's path, a header field or the payload.
    public func deliver(
        _ payload: [UInt8], to endpoint: NotificationEndpoint, checkStop: () throws(Failure) -> Void = {}
    ) throws(Failure) {
        switch endpoint {
        case .webhook(let url, let headersFile):
            var headers = [HTTPHeader("Content-Type", "application/json")]
            if let headersFile { headers += try Self.readHeaders(headersFile) }
            let request = HTTPRequest(
                "POST", try url.read(), headers: headers, body: payload, connectTimeout: min(timeout, .seconds(10)),
                timeout: timeout, responseLimit: 1 << 16)
            try client.send(request, checkStop: checkStop)
        case .command(let command): try run(command, payload, checkStop)
        }
    }

    private func run(
        _ command: ProcessCommand, _ payload: [UInt8], _ checkStop: () throws(Failure) -> Void
    ) throws(Failure) {
        let result = try CompletedProcess.run(
            command, input: payload, deadline: timeout, uptime: uptime, checkStop: checkStop)
        guard !result.timedOut else {
            throw Failure(.unreachable, "\(command.executable) did not end in \(timeout) and was stopped")
        }
        guard result.end == .exited(0) else {
            // What a program says may hold anything: one line of it, without control characters.
            let text = String(decoding: result.output.prefix(Self.shownOutput), as: UTF8.self)
            let line = String(text.map { $0.isNewline || $0.isWhitespace ? " " : $0 }.filter { !$0.isControl })
            throw Failure(
                .failed, "\(command.executable) ended with \(result.end)", why: line.isEmpty ? nil : line,
                next: "Run it by hand with a notification on its standard input.")
        }
    }

    private static func readHeaders(_ path: String) throws(Failure) -> [HTTPHeader] {
        let text = String(decoding: try readFile(path, limit: largestHeadersFile), as: UTF8.self)
        var headers: [HTTPHeader] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        where !line.allSatisfy(\.isWhitespace) {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                // The line may be a secret without a name: it is not shown.
                throw Failure(
                    .usage, "line \(number + 1) of \(path) is no HTTP header", next: "Write it as NAME: VALUE.")
            }
            headers.append(
                HTTPHeader(
                    String(line[..<colon]), String(line[line.index(after: colon)...].drop(while: \.isWhitespace))))
        }
        return headers
    }
}

extension Character {
    fileprivate var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}
