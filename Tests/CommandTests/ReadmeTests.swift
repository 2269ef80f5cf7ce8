import Foundation
import Testing

@Suite("The README", .timeLimit(.minutes(2)))
struct ReadmeTests {
    @Test("Its block that opens an archive without daytwo runs as it stands")
    func opensByHand() throws {
        let readme = try String(contentsOfFile: "\(Fixtures.tests)/../README.md", encoding: .utf8)
        let marked = try #require(readme.components(separatedBy: "<!-- opened-by-hand -->").dropFirst().first)
        let block = try #require(
            marked.components(separatedBy: "```sh\n").dropFirst().first?.components(separatedBy: "```").first)
        #expect(block.contains("tar --zstd") && block.contains("sha256sum -c") && block.contains("sqlite3"))

        let fixture = try CommandFixture()
        let archive = try fixture.archive()
        let output = try fixture.tool("bash", "-euo", "pipefail", "-c", "ARCHIVE=\(archive)\n\(block)")
        let rows = try #require(Fixtures.truth(Fixtures.sqlite)["rows"] as? Int)
        #expect(output.hasSuffix("\(rows)\n"))
        #expect(output.contains("datastore/state.db: OK") && !output.contains("FAILED"))
    }
}
