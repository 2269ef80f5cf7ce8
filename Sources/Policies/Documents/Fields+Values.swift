extension Fields {
    /// A name that can be a folder.
    func folderName(_ key: String) -> String? { string(key).flatMap { checkedName($0, key) } }

    private func checkedName(_ text: String, _ key: String) -> String? {
        guard let why = ClusterName.problem(text) else { return text }
        report.add(
            node(key)?.origin ?? origin, "\(name(of: key)) \(String(text.prefix(80)).debugDescription) \(why)",
            "Choose a name of letters, digits, dots and dashes.")
        return nil
    }

    /// A path, made absolute.
    func path(_ key: String, in directory: String) -> String? {
        guard let text = string(key) else { return nil }
        return absolute(text, key, in: directory)
    }

    private func absolute(_ text: String, _ key: String, in directory: String) -> String? {
        guard !text.hasPrefix("~") else {
            report.add(
                node(key)?.origin ?? origin, "\(name(of: key)) begins with ~, which only a shell understands",
                "Write the whole path.")
            return nil
        }
        return FilePatterns.absolute(text, in: directory)
    }

    /// A mapping of texts with free names.
    func texts(_ key: String) -> [String: String] {
        guard let fields = fields(key) else { return [:] }
        var texts: [String: String] = [:]
        for entry in fields.keys {
            if let text = fields.text(entry.value, fields.name(of: entry.key)) { texts[entry.key] = text }
        }
        return texts
    }

    /// One of `urlFile` and `urlEnvironment`; a URL itself is a secret and not taken.
    func url(in directory: String) -> SecretSource? {
        let file = path("urlFile", in: directory)
        let variable = string("urlEnvironment")
        if has("url") {
            _ = node("url")
            report.add(
                node("url")?.origin ?? origin, "\(name(of: "url")) would be a secret in a readable file",
                "Put it into a file and write urlFile, or use urlEnvironment.")
            return nil
        }
        guard has("urlFile") != has("urlEnvironment") else {
            let count = has("urlFile") ? "only one" : "one"
            report.add(origin, "\(path) needs \(count) of urlFile and urlEnvironment")
            return nil
        }
        return file.map { .file($0) } ?? variable.map { .environment($0) }
    }
}
