import Archive
import Failures
import Files
import Foundation
import Jobs
import JSONValues
import Operations
import Stores

/// What a command is about to do, as a job.
struct JobDescription {
    let kind: JobKind
    /// The path of the cluster: `local/shop`.
    let target: String
    /// The location of the store that it works with.
    var store: String?
    /// The host that it works on.
    var host = InventoryHost.local
    /// The id of the backup that it is about, where there is one.
    var backup: String?
    /// An incident's work goes before all other, and stops what may be repeated.
    var isIncident = false
    /// The command has `--store`.
    var takesStore = true
    /// A person was asked and agreed: a scheduler that does it later must not ask again.
    var isConfirmed = false
    /// Asked at the end: whether something is left that only a person may go on with.
    var isUnfinished: @Sendable () -> Bool = { false }
}

/// The parameters of every job: the command line that does it. Secrets are never in one.
struct JobParameters {
    private static let version: Int64 = 1

    let arguments: [String]
    /// Where relative paths in them begin.
    let directory: String

    init(arguments: [String], directory: String) {
        self.arguments = arguments
        self.directory = directory
    }

    /// Reads what a job keeps; a newer daytwo may have made it.
    init(_ text: String) throws(Failure) {
        let json = try JSON(parsing: Array(text.utf8))
        guard case .number(let version)? = json["version"], version == String(Self.version),
            case .array(let words)? = json["arguments"], case .string(let directory)? = json["directory"]
        else {
            throw Failure(
                .refused, "the job's parameters cannot be read", why: "a newer daytwo made it", next: "use that one")
        }
        arguments = words.compactMap { if case .string(let word) = $0 { word } else { nil } }
        self.directory = directory
    }

    /// The text that a job keeps.
    var text: String {
        JSON.members([
            ("version", .integer(Self.version)), ("arguments", .strings(arguments)), ("directory", .string(directory)),
        ]).compact
    }

    /// The command for a shell.
    var commandLine: String { Self.shell(["daytwo"] + arguments) }

    /// Words as a shell takes them.
    static func shell(_ words: [String]) -> String {
        words.map { word in
            let isPlain =
                !word.isEmpty
                && word.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                        || "/._-+=:,@%".utf8.contains(byte)
                }
            return isPlain
                ? word
                : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
    }
}

extension JobDescription {
    /// The same with the location of its store.
    func with(store: String) -> JobDescription {
        var copy = self
        copy.store = store
        return copy
    }

    /// The words with the id of the backup instead of `NAME@latest` or `NAME@TIME`: what that means is another one later.
    func fixed(_ words: [String]) throws(Failure) -> [String] {
        guard let backup else { return words }
        return try words.map { word throws(Failure) in
            guard word.contains("@"), !word.hasPrefix("-"), try FileStatus.ifPresent(word, following: true) == nil
            else {
                return word
            }
            do throws(Failure) {
                switch try BackupSelector(word) {
                case .latest, .notAfter: return backup
                case .id, .path: return word
                }
            } catch {
                return word
            }
        }
    }

    /// A restore, or what finishes or undoes one.
    static func restore(
        _ plan: RestorePlan, _ directory: DataDirectory, target: String, takesStore: Bool = false, isConfirmed: Bool
    ) -> JobDescription {
        JobDescription(
            kind: .restore, target: target, backup: plan.source.id, isIncident: true, takesStore: takesStore,
            isConfirmed: isConfirmed,
            isUnfinished: {
                do throws(Failure) {
                    return try RestoreRuns(directory).list().contains { $0.journal?.isUnfinished ?? false }
                } catch {
                    // What cannot be read may be half-way: somebody must look.
                    return true
                }
            })
    }
}
