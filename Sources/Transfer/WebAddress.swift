internal import CCurl
import Failures

/// An address that was checked, and the part of it that may be shown.
struct WebAddress {
    /// Scheme, host and port: `https://hooks.example.org`. Path, query and user may hold secrets.
    let place: String

    init(_ url: String) throws(Failure) {
        func refuse(_ why: String) -> Failure {
            Failure(
                .usage, "the address is no URL that can be used", why: why, next: "Write it like https://HOST/PATH.")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw refuse("it has a space, a line end, or a character that is not ASCII")
        }
        try loadCurl()
        guard let parsed = ParsedURL(url) else { throw refuse("it has no form of a URL") }
        guard let scheme = parsed.part(CURLUPART_SCHEME), ["http", "https"].contains(scheme) else {
            throw refuse("only http and https are known")
        }
        // libcurl forgives one slash or three, and would take a part of the path for the host.
        guard let host = parsed.part(CURLUPART_HOST), !host.isEmpty, url.dropFirst(scheme.count).hasPrefix("://"),
            !url.dropFirst(scheme.count + 3).hasPrefix("/")
        else { throw refuse("it names no host") }
        place = "\(scheme)://\(host)" + (parsed.part(CURLUPART_PORT).map { ":\($0)" } ?? "")
    }
}

/// The owner of libcurl's parsed URL.
private struct ParsedURL: ~Copyable {
    private let handle: OpaquePointer

    init?(_ url: String) {
        guard let handle = daytwo_url() else { return nil }
        guard daytwo_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK else {
            daytwo_url_cleanup(handle)
            return nil
        }
        self.handle = handle
    }

    deinit { daytwo_url_cleanup(handle) }

    func part(_ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard daytwo_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { daytwo_free(text) }
        return String(cString: text)
    }
}
