internal import Failures

/// An answer of the metrics server.
struct MetricsAnswer {
    static let tooLarge = MetricsAnswer(431, "Request Header Fields Too Large", "the request is too long\n")

    private let status: Int
    private let reason: String
    private let contentType: String
    private let body: [UInt8]
    private var isHead = false

    private init(_ status: Int, _ reason: String, _ text: String) {
        self.init(status, reason, Array(text.utf8), "text/plain; charset=utf-8")
    }

    private init(_ status: Int, _ reason: String, _ body: [UInt8], _ contentType: String) {
        self.status = status
        self.reason = reason
        self.body = body
        self.contentType = contentType
    }

    /// The answer to a request whose header section has come.
    init(to request: String, _ pages: MetricsServer.Pages) {
        let line = request.prefix { !$0.isNewline }.split(separator: " ", omittingEmptySubsequences: false)
        guard line.count == 3, line[2].hasPrefix("HTTP/1."), line[1].hasPrefix("/") else {
            self.init(400, "Bad Request", "this is no HTTP request\n")
            return
        }
        guard ["GET", "HEAD"].contains(line[0]) else {
            self.init(405, "Method Not Allowed", "only GET and HEAD\n")
            return
        }
        self = Self.page(line[1].prefix { $0 != "?" }, pages)
        isHead = line[0] == "HEAD"
    }

    private static func page(_ path: Substring, _ pages: MetricsServer.Pages) -> MetricsAnswer {
        switch path {
        case "/metrics":
            do throws(Failure) {
                return MetricsAnswer(200, "OK", try pages.metrics(), MetricsText.contentType)
            } catch {
                return MetricsAnswer(500, "Internal Server Error", error.description + "\n")
            }
        case "/healthz":
            guard let illness = pages.illness() else { return MetricsAnswer(200, "OK", "ok\n") }
            return MetricsAnswer(503, "Service Unavailable", illness + "\n")
        default: return MetricsAnswer(404, "Not Found", "there are /metrics and /healthz\n")
        }
    }

    /// What goes over the wire.
    var bytes: [UInt8] {
        let head = """
            HTTP/1.1 \(status) \(reason)\r
            Content-Type: \(contentType)\r
            Content-Length: \(body.count)\r
            Cache-Control: no-store\r
            X-Content-Type-Options: nosniff\r
            Connection: close\r\n
            """
        let allow = status == 405 ? "Allow: GET, HEAD\r\n" : ""
        return Array((head + allow + "\r\n").utf8) + (isHead ? [] : body)
    }
}
