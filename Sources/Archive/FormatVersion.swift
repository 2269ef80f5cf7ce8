import Failures
import JSONValues

enum FormatVersion {
    static let current = 1
    static let member = "formatVersion"

    /// Finds the version in the JSON of `part` and refuses one that this code does not know.
    static func check(_ document: JSONValue, part: String, of archive: ArchiveName) throws(Failure) {
        guard case .number(let text)? = document[member] else {
            throw archive.damaged("\(part) has no \(member)")
        }
        guard Int(text) == current else {
            guard let version = Int(text), version < current else { throw archive.tooNew(part, version: text) }
            throw archive.damaged("\(part) has format version \(text), which never was")
        }
    }
}
