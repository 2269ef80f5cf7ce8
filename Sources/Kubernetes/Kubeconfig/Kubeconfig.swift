public import Failures
internal import Files

/// Kubeconfig files, merged as kubectl merges them: what a file names first, it has said.
public struct Kubeconfig {
    /// The contexts, in the order of their files.
    public private(set) var contextNames: [String] = []
    /// `current-context`; nil where no file names one.
    public private(set) var currentContext: String?

    private(set) var clusters: [String: ConfigStanza] = [:]
    private(set) var users: [String: ConfigStanza] = [:]
    private(set) var contexts: [String: ConfigStanza] = [:]
    private(set) var sources: [String] = []

    /// Reads a list of files as in `KUBECONFIG` (colons between them); those that are missing are passed over, unless
    /// all are.
    ///
    /// Paths that begin with `~/` are not known to it. Throws `notFound` when there is none, `usage` with file and line
    /// for what cannot be read.
    public init(list: String) throws(Failure) {
        let paths = list.split(separator: ":").map { String($0) }
        for path in paths where try FileStatus.ifPresent(path, following: true) != nil { try add(file: path) }
        guard !sources.isEmpty else {
            throw Failure(
                .notFound, "there is no kubeconfig",
                why: paths.isEmpty ? "none is named" : "missing: \(paths.joined(separator: ", "))",
                next: "Name one with --kubeconfig or in KUBECONFIG.")
        }
    }

    /// Reads one file, which must be there.
    public init(file: String) throws(Failure) {
        try add(file: file)
    }

    /// Reads a kubeconfig that is not in a file, such as the one in a Secret; `name` is for messages.
    ///
    /// It must bring its certificates and tokens along: one that names a file or a program is refused, because whoever
    /// wrote it would choose what is read or run here.
    public init(text: [UInt8], name: String) throws(Failure) {
        guard text.count <= ConfigNode.largestFile else {
            throw Failure(.refused, "\(name) is larger than \(ConfigNode.largestFile >> 20) MiB")
        }
        try add(text, source: name, directory: "")
    }

    private mutating func add(file: String) throws(Failure) {
        let directory = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) : "."
        try add(
            readFile(file, limit: ConfigNode.largestFile), source: file,
            directory: file.hasPrefix("/") && directory.isEmpty ? "/" : directory)
    }

    private mutating func add(_ bytes: [UInt8], source: String, directory: String) throws(Failure) {
        sources.append(source)
        guard let root = try ConfigNode(parsing: bytes, file: source) else { return }
        if let kind = try root.text("kind"), kind != "Config" {
            throw (try root.member("kind") ?? root).fault("it is a \(kind) and no Config")
        }
        for stanza in try stanzas("clusters", "cluster", root, directory) where clusters[stanza.name] == nil {
            clusters[stanza.name] = stanza
        }
        for stanza in try stanzas("users", "user", root, directory) where users[stanza.name] == nil {
            users[stanza.name] = stanza
        }
        for stanza in try stanzas("contexts", "context", root, directory) where contexts[stanza.name] == nil {
            contexts[stanza.name] = stanza
            contextNames.append(stanza.name)
        }
        if currentContext == nil { currentContext = try root.text("current-context") }
    }

    private func stanzas(
        _ list: String, _ content: String, _ root: ConfigNode, _ directory: String
    ) throws(Failure) -> [ConfigStanza] {
        var stanzas: [ConfigStanza] = []
        for entry in try root.list(list) {
            guard let name = try entry.text("name") else { throw entry.fault("an entry of \(list) has no name") }
            // A user may be empty: then nobody is asked who we are.
            guard let content = try entry.member(content) else { continue }
            stanzas.append(ConfigStanza(name: name, content: content, directory: directory))
        }
        return stanzas
    }
}
