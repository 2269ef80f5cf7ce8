import Failures

/// The lines that daytwo keeps in a crontab, between two marks that name the configuration they are for.
struct CronBlock {
    /// The path of the configuration, by which the block is found again.
    let configuration: String
    /// The job's line, without the user field.
    let line: String

    private var begin: String { Self.beginMark + configuration }
    private var end: String { Self.endMark + configuration }
    private static let beginMark = "# BEGIN daytwo scheduler "
    private static let endMark = "# END daytwo scheduler "

    /// The lines of a crontab with the block in it: in its old place, else at the end. All others stay as they are.
    func inserted(into crontab: String) throws(Failure) -> String {
        let block = "\(begin)\n\(line)\n\(end)\n"
        guard let (before, after) = try split(crontab) else {
            let isClosed = crontab.isEmpty || crontab.hasSuffix("\n")
            return crontab + (isClosed ? "" : "\n") + block
        }
        return before + block + after
    }

    /// The crontab without the block; nil when there is none.
    func removed(from crontab: String) throws(Failure) -> String? {
        guard let (before, after) = try split(crontab) else { return nil }
        return before + after
    }

    /// What stands before and after the block. A block without its end is refused: nobody knows how far it reached.
    private func split(_ crontab: String) throws(Failure) -> (before: String, after: String)? {
        var lines = crontab.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        let begins = lines.indices.filter { lines[$0] == begin }
        let ends = lines.indices.filter { lines[$0] == end }
        if begins.isEmpty, ends.isEmpty { return nil }
        guard begins.count == 1, ends.count == 1, begins[0] < ends[0] else {
            throw Failure(
                .refused, "the crontab is left as it is",
                why: "the marks of the block for \(configuration) are not a pair",
                next: "look at them with crontab -e, remove what is left of the block, and run this again")
        }
        func text(_ part: ArraySlice<String>) -> String { part.map { $0 + "\n" }.joined() }
        return (text(lines[..<begins[0]]), text(lines[(ends[0] + 1)...]))
    }

    /// One word of a command in a crontab: quoted for the shell, and with cron's own sign for a new line escaped
    /// (crontab(5): an unescaped % ends the command).
    static func word(_ text: String) throws(Failure) -> String {
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw Failure(
                .usage, "\(text.debugDescription) cannot stand in a crontab", why: "it holds a control character")
        }
        let safe = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "/._-+=:,@".utf8.contains(byte)
        }
        let quoted =
            safe && !text.isEmpty
            ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        return quoted.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\\%")
    }
}
