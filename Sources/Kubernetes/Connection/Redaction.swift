/// Makes a text from outside fit to be shown: without what is or looks like a secret, on one line, and short.
struct Redaction {
    private static let mark = "[redacted]"
    private static let secretWords = [
        "token", "password", "passwd", "secret", "authorization", "bearer", "basic", "apikey", "api_key", "key",
        "credential", "credentials", "passphrase", "cookie", "assertion",
    ]
    // As long as most words and names are, and as short as tokens hardly are.
    private static let longestWord = 24
    private static let longestPath = 120

    /// Texts that are secrets for certain.
    var secrets: [String] = []
    /// The most characters that are shown.
    var limit = 400

    /// The text of a program that nobody vouches for: also what merely looks like a secret is taken out.
    func output(_ bytes: [UInt8]) -> String {
        var text = Self.flat(String(decoding: bytes, as: UTF8.self))
        text = withoutBlocks(known(text))
        var shown: [Substring] = []
        var hidesNext = false
        for word in text.split(separator: " ") {
            let isLabel = Self.isLabel(word)
            shown.append(hidesNext && !isLabel || Self.looksSecret(word) ? Self.mark[...] : word)
            hidesNext = isLabel
        }
        return shortened(shown.joined(separator: " "))
    }

    /// A message of the server, in which only what is known to be secret is taken out.
    func message(_ text: String) -> String { shortened(known(Self.flat(text))) }

    private static func flat(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    private func known(_ text: String) -> String {
        secrets.sorted { $0.utf8.count > $1.utf8.count }.reduce(text) { text, secret in
            // Shorter ones would take words apart and tell by that what they are.
            secret.utf8.count < 4 ? text : text.replacing(secret, with: Self.mark)
        }
    }

    /// PEM spans many words.
    private func withoutBlocks(_ text: String) -> String {
        guard let start = text.firstRange(of: "-----BEGIN") else { return text }
        return text[..<start.lowerBound] + Self.mark
    }

    private func shortened(_ text: String) -> String {
        text.count > limit ? text.prefix(limit) + "…" : text
    }

    /// `token:`, `password=`, `Bearer`: what comes after it is hidden.
    private static func isLabel(_ word: Substring) -> Bool {
        let name = word.lowercased().trimmingPrefix { !$0.isLetter }
        guard let last = name.last else { return false }
        let bare = last == ":" || last == "=" ? name.dropLast() : name
        let end = bare.split { !$0.isLetter && $0 != "_" }.last ?? ""
        return secretWords.contains { end == $0 || end.hasSuffix($0) && (last == ":" || last == "=") }
    }

    private static func looksSecret(_ word: Substring) -> Bool {
        let lower = word.lowercased()
        if lower.contains("eyj") { return true }
        for name in secretWords
        where lower.contains(name + "=") || lower.contains(name + "\":") || lower.contains(name + ":") {
            // A label by itself is fine; with a value glued to it, it is not.
            guard let last = word.last, last == ":" || last == "=" else { return true }
        }
        // Credentials in an address.
        if let scheme = word.firstRange(of: "://"), word[scheme.upperBound...].contains("@") { return true }
        if word.count > longestPath { return true }
        return word.split { !isTokenCharacter($0) }.contains { run in
            run.count > longestWord && (run.contains(where: \.isNumber) || run.contains(where: \.isUppercase))
        }
    }

    private static func isTokenCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "+=_-".contains(character))
    }
}
