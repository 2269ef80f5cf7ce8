import Files
import Foundation
import Testing

/// A small server whose volumes are newer than its backup.
final class VolumeServers: Sendable {
    static let shared = Result {
        do { return try VolumeServers() } catch { throw SampleServers.Missing(why: "\(error)") }
    }

    /// What is newer, as Tests/Support/volumes.py says.
    struct Later: Decodable {
        let keys: [String]
        let others: [String: Int]
    }

    struct Verdict: Decodable {
        let keys: [String]
        let problems: [String]
    }

    let archive: String
    let later: Later
    /// The server as it is now.
    let before: TreePicture
    private let now: String
    private let base: String

    private init() throws {
        let samples = try SampleServers.shared.get()
        now = samples.scratch["volumes"]
        base = samples.scratch["volumes-base.db"]
        try require(["/bin/cp", "-a", samples.smallSource, now])
        _ = try python("volumes.py", "before", "\(now)/server/db/state.db")
        archive = try backUp(now, name: "volumes", into: samples.scratch["volumes-store"])
        try require([
            "/bin/sh", "-c", "tar --zstd -xOf '\(archive)' --wildcards '*/datastore/state.db' > '\(base)'",
        ])
        let after = try python("volumes.py", "after", "\(now)/server/db/state.db")
        later = try JSONDecoder().decode(Later.self, from: Data(after.utf8))
        before = try TreePicture("\(now)/server")
    }

    func copy(_ place: Scratch, _ name: String = "data") throws -> String {
        try require(["/bin/cp", "-a", now, place[name]])
        return place[name]
    }

    /// Compares what was restored with the backup and with what it has replaced.
    func judge(_ root: String, bump: Int64) throws -> Verdict {
        let output = try python(
            "volumes.py", "judge", base, "\(now)/server/db/state.db", "\(root)/server/db/state.db", String(bump))
        return try JSONDecoder().decode(Verdict.self, from: Data(output.utf8))
    }

    /// The archive's name.
    var fileName: String { archive.split(separator: "/").last.map(String.init) ?? "" }
}
