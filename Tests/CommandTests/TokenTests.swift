import Foundation
import Testing

@Suite("Tokens", .timeLimit(.minutes(2)))
struct TokenTests {
    @Test("A token that is told proves the backup, which stays partial as long as the archive has none")
    func told() throws {
        let fixture = try CommandFixture()
        let directory = try fixture.dataDirectory()
        let token = fixture.path("token")
        try FileManager.default.moveItem(atPath: "\(directory)/server/token", toPath: token)
        let create = ["backup", "create", "--data-dir", directory, "--name", "blue", "--store", fixture.store]
        let without = try fixture.daytwo(create + ["-o", "json"])
        #expect(without.code == 3 && without.text.contains("no token was found"))
        let told = try fixture.daytwo(create + ["--token-file", token, "-o", "json"])
        #expect(told.code == 3, "\(told.text)\(told.errors)")
        #expect(told.text.contains("the archive has no token") && told.text.contains("\"isProven\": true"))
        let secret = try String(contentsOfFile: token, encoding: .utf8).suffix(20)
        #expect(!told.text.contains(secret) && !told.errors.contains(secret))
        let plan = try fixture.daytwo([
            "restore", "plan", "--data-dir", fixture.root, try told.json("path"),
        ])
        #expect(plan.code == 0 && plan.text.contains("the backup holds no server token"), "\(plan.text)\(plan.errors)")
    }
}
