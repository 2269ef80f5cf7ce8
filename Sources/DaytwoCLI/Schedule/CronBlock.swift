import Failures

/// The lines that daytwo keeps in a crontab, between two marks that name the configuration they are for.
///
/// Bytes and not text: what others wrote may be in any encoding, and stays as it is.
struct CronBlock {
    /// The path of the configuration, by which the block is found again.
    let configuration: String
    /// The job's line, without the user field.
    let line: String

    private var begin: String { Self.beginMark + configuration }
    private var end: String { Self.endMark + configuration }
    private static let beginMark = "# BEGIN daytwo scheduler "
    private static let endMark = "# END daytwo scheduler "
    private static let newline = UInt8(ascii: "\n")

    /// The lines of a crontab with the block in it: in its old place, else at the end. All others stay as they are.
    func inserted(into crontab: [UInt8]) throws(Failure) -> [UInt8] {
        let block = Array("\(begin)\n\(line)\n\(end)\n".utf8)
        guard let (before, after) = try split(crontab) else {
            let isClosed = crontab.last.map { $0 == Self.newline } ?? true
            return crontab + (isClosed ? [] : [Self.newline]) + block
        }
        return before + block + after
    }

    /// The crontab without the block; nil when there is none.
    func removed(from crontab: [UInt8]) throws(Failure) -> [UInt8]? {
        guard let (before, after) = try split(crontab) else { return nil }
        return Array(before + after)
    }

    /// What stands before and after the block. A block without its end is refused: nobody knows how far it reached.
    private func split(_ crontab: [UInt8]) throws(Failure) -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>)? {
        let lines = crontab.split(separator: Self.newline, omittingEmptySubsequences: false)
        let begins = lines.filter { $0.elementsEqual(begin.utf8) }
        let ends = lines.filter { $0.elementsEqual(end.utf8) }
        if begins.isEmpty, ends.isEmpty { return nil }
        guard begins.count == 1, ends.count == 1, begins[0].endIndex < ends[0].startIndex else {
            throw Failure(
                .refused, "the crontab is left as it is",
                why: "the marks of the block for \(configuration) are not a pair",
                next: "look at them with crontab -e, remove what is left of the block, and run this again")
        }
        return (crontab[..<begins[0].startIndex], crontab[ends[0].endIndex...].dropFirst())
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
