import Failures
import Files
import Foundation
import Operations
import Stores
import Testing

/// Backups of large databases compress pages as they come; here a small one does.
@Suite("Pages that are compressed as they come", .timeLimit(.minutes(2)))
struct CompressedPagesTests {
    @Test("give the same database as pages in a file, and a backup that is opened and found right", arguments: [1, 3])
    func sameDatabase(workers: Int) throws {
        let place = try Scratch()
        let source = try SampleServers.shared.get().scratch[SampleServers.fixtures[0]]
        let start = ContinuousClock().now
        let context = OperationContext(
            now: { Date() }, uptime: { start.duration(to: ContinuousClock().now) },
            newID: { UUID().uuidString.lowercased().filter { $0 != "-" } }, workers: workers)
        var sums: [String?] = []
        for threshold: UInt64 in [.max, 0] {
            let path = place["store-\(threshold)"]
            try createDirectory(path)
            let store = try DirectoryStore(path, for: .writing)
            var request = BackupRequest(
                directory: try DataDirectory(source, existing: true), cluster: try ClusterPath(local: "blue"))
            request.compressesAbove = threshold
            let result = try Backup(request, to: store, context).run()
            #expect(result.isVerified && result.reasons.isEmpty)
            _ = try ArchiveCheck(result.entry, in: store, context).run(scratchDirectory: place["store-\(threshold)"])
            let archive = try #require(
                try require(["/usr/bin/find", path, "-name", "*.tar.zst"]).split(separator: "\n").first)
            let listed = try require(["/bin/tar", "--zstd", "-xOf", "\(archive)", "--wildcards", "*/SHA256SUMS"])
            sums.append(listed.split(separator: "\n").first { $0.hasSuffix("datastore/state.db") }.map(String.init))
        }
        #expect(sums[0] != nil && sums[0] == sums[1])
    }
}
