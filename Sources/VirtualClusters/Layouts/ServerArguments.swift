/// The words that k3s is started with.
struct ServerArguments {
    let words: [String]

    /// The last value of a flag, as k3s takes it: `--name=value`, `--name value`.
    func value(of names: String...) -> String? {
        var found: String?
        for (index, word) in words.enumerated() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first, names.contains(String(name)) else { continue }
            if parts.count == 2 {
                found = String(parts[1])
            } else if index + 1 < words.count, !words[index + 1].hasPrefix("-") {
                found = words[index + 1]
            }
        }
        return found
    }

    /// Whether a flag without a value is set.
    func isSet(_ name: String) -> Bool {
        guard let word = words.last(where: { $0 == name || $0.hasPrefix(name + "=") }) else { return false }
        return word == name || ["true", "1", "t"].contains(word.dropFirst(name.count + 1).lowercased())
    }

    /// The names of the flags, `--disable`; values may be secret.
    var flagNames: [String] {
        words.filter { $0.hasPrefix("--") && $0.count > 2 }
            .map { String($0.prefix { $0 != "=" }) }
    }

    /// The names of the feature gates that are given to what k3s runs: `A` of `--kube-apiserver-arg=feature-gates=A=true`.
    var featureGates: [String] {
        var names: [String] = []
        for (index, word) in words.enumerated() {
            guard let flag = word.firstRange(of: "feature-gates") else { continue }
            var list = word[flag.upperBound...]
            if list.isEmpty, index + 1 < words.count { list = words[index + 1][...] }
            let pairs = list.drop { "= '\"".contains($0) }.split(separator: ",")
            names += pairs.map { String($0.prefix { $0 != "=" }).filter { !" '\"".contains($0) } }
        }
        return names.filter { !$0.isEmpty }
    }

    /// The words after `k3s server`, wherever they stand among those of a command; nil where nobody starts it.
    static func afterServer(_ words: [String]) -> ServerArguments? {
        guard let binary = words.firstIndex(where: { isBinary($0, "k3s") }) else { return nil }
        return afterServer(at: binary, words)
    }

    private static func afterServer(at binary: Int, _ words: [String]) -> ServerArguments? {
        guard binary + 1 < words.count, words[binary + 1] == "server" else { return nil }
        let end = words[binary...].firstIndex { ["&&", "||", ";", "|", "&"].contains($0) } ?? words.endIndex
        return ServerArguments(words: Array(words[(binary + 2)..<max(end, binary + 2)]))
    }

    /// The words that k3k's script starts its first server with: it calls k3s in several ways, to reset its etcd, in functions, and
    /// for servers that join, and has what a person adds in a variable
    /// (<https://github.com/rancher/k3k/blob/main/pkg/controller/cluster/server/template.go>).
    static func ofK3k(_ words: [String]) -> ServerArguments? {
        let calls = words.indices.filter { isBinary(words[$0], "k3s") }.compactMap { afterServer(at: $0, words) }
        let literal = calls.filter { !($0.value(of: "--config", "-c")?.hasPrefix("$") ?? false) }
        guard let call = literal.first(where: { !$0.isSet("--cluster-reset") }) ?? literal.first ?? calls.first else {
            return nil
        }
        let given = words.first { $0.hasPrefix(added + "=") && !$0.contains("$") }
        let more = given.map { shellWords(String($0.dropFirst(added.count + 1))) } ?? []
        return ServerArguments(words: call.words.flatMap { $0 == "$" + added ? more : [$0] })
    }

    private static let added = "EXTRA_ARGS"

    /// Whether a word is the path of a program: `/bin/k3s`, `k3s`.
    static func isBinary(_ word: String, _ name: String) -> Bool { word == name || word.hasSuffix("/" + name) }

    /// The words of a container, with those of a script after `-c` in place of the script.
    static func spokenWords(_ words: [String]) -> [String] {
        guard let flag = words.firstIndex(of: "-c"), flag + 1 < words.count else { return words }
        return words[..<flag] + shellWords(words[flag + 1])
    }

    /// The words of a shell's text, quotes and line continuations taken off. Nothing is expanded.
    static func shellWords(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
                if character != "\n" { word = (word ?? "") + String(character) }
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let word { words.append(word) }
                word = nil
                if character.isNewline { words.append(";") }
            } else if character == ";" {
                if let word { words.append(word) }
                word = nil
                words.append(";")
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return words
    }
}
