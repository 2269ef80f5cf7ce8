import Datastore
import Foundation
import Testing

@Suite("The bootstrap row", .timeLimit(.minutes(1)))
struct IdentityBootstrapTests {
    static let withToken = "k3s-1.21.2-sqlite"
    static let withoutToken = "k3s-1.20.8-sqlite-secrets-encrypted"

    static func rows(_ fixture: String) throws -> [(key: String, value: [UInt8])] {
        try ObjectsFixtures.liveRows(fixture).filter { $0.key.hasPrefix("/bootstrap/") }.map { ($0.key, $0.value) }
    }

    static func token(_ fixture: String) throws -> ServerToken {
        try ServerToken(parsing: ObjectsFixtures.bytes(fixture, "server/token"))
    }

    static func opening(_ proof: BootstrapProof) throws -> BootstrapProof.Opening {
        guard case .opened(let opening) = proof else {
            Issue.record("\(proof.sentence)")
            throw CancellationError()
        }
        return opening
    }

    @Test func `the token opens its row, and the row holds the files`() throws {
        let proof = BootstrapProof(token: try Self.token(Self.withToken), rows: try Self.rows(Self.withToken))
        let opening = try Self.opening(proof)
        #expect(proof.isProven)
        #expect(opening.key == "/bootstrap/95910cb49fee" && opening.password == .token && opening.otherKeys.isEmpty)
        #expect(opening.tokenIsServersPassword == true && opening.tokenMatchesCA == true)
        #expect(opening.contents.entries.count == 13 && !opening.contents.hasTimestamps)
        try Self.expectFiles(opening.contents, Self.withToken)
        #expect(opening.contents[.encryptionConfig] == nil)
    }

    @Test func `the row of no token opens with the empty password, whatever the token`() throws {
        let rows = try Self.rows(Self.withoutToken)
        let right = BootstrapProof(token: try Self.token(Self.withoutToken), rows: rows)
        let opening = try Self.opening(right)
        #expect(opening.key == "/bootstrap/e3b0c44298fc" && opening.password == .empty)
        #expect(right.isProven && opening.tokenIsServersPassword == true && opening.tokenMatchesCA == true)
        try Self.expectFiles(opening.contents, Self.withoutToken)
        #expect(opening.contents[.encryptionConfig] != nil && opening.contents.entries.count == 14)

        let none = BootstrapProof(token: nil, rows: rows)
        #expect(none.isProven)
        #expect(try Self.opening(none).tokenIsServersPassword == nil)

        let wrong = BootstrapProof(token: try Self.token(Self.withToken), rows: rows)
        #expect(!wrong.isProven)
        let wrongOpening = try Self.opening(wrong)
        #expect(wrongOpening.tokenIsServersPassword == false && wrongOpening.tokenMatchesCA == false)
    }

    private static func expectFiles(_ contents: BootstrapContents, _ fixture: String) throws {
        for name in contents.entries.keys {
            let file = try #require(IdentityFile(rawValue: name))
            #expect(try ObjectsFixtures.bytes(fixture, "server/" + file.path) == contents[file], "\(name)")
        }
    }

    @Test func `a wrong token, none, and no row are told apart`() throws {
        let rows = try Self.rows(Self.withToken)
        let wrong = BootstrapProof(token: try Self.token(Self.withoutToken), rows: rows)
        guard case .wrongToken(["/bootstrap/95910cb49fee"]) = wrong else { throw CancellationError() }
        guard case .noToken(["/bootstrap/95910cb49fee"]) = BootstrapProof(token: nil, rows: rows) else {
            throw CancellationError()
        }
        let other = [(key: "/registry/health", value: [UInt8]("{}".utf8))]
        guard case .noBootstrapRow = BootstrapProof(token: nil, rows: other) else { throw CancellationError() }
        #expect(!wrong.isProven && !BootstrapProof(token: nil, rows: other).isProven)
    }

    @Test func `a damaged row is named`() throws {
        let row = try #require(try Self.rows(Self.withToken).first)
        let token = try Self.token(Self.withToken)
        var flipped = row.value
        flipped[5000] = flipped[5000] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        let values = [flipped, Array(row.value.dropLast(4)), [], Array(row.value.prefix(20)), Array("no colon".utf8)]
        for value in values + [IdentitySealedRows.noFiles] {
            let proof = BootstrapProof(token: token, rows: [(row.key, value)])
            guard case .damaged(let key, _) = proof else { throw CancellationError() }
            #expect(key == row.key && !proof.isProven && !proof.sentence.contains(token.password))
        }
    }

    @Test func `rows with timestamps, and several rows, are read`() throws {
        let row = (key: ServerToken.bootstrapKey(password: "pass"), value: IdentitySealedRows.timestamps)
        let other = (key: ServerToken.bootstrapKey(password: ""), value: IdentitySealedRows.nothing)
        let opening = try Self.opening(
            BootstrapProof(token: try ServerToken(parsing: "pass\n"), rows: [other, row]))
        #expect(opening.contents.hasTimestamps && opening.contents[.serverCA] == Array("ca".utf8))
        #expect(opening.contents.entries["Novel"]?.content == [0x78])
        #expect(opening.contents.entries["ServerCA"]?.timestamp == "2026-11-22T11:19:35.1Z")
        #expect(Set(opening.contents.entries.keys) == ["ServerCA", "Novel"])
        #expect(opening.otherKeys == ["/bootstrap/e3b0c44298fc"])
        #expect(opening.tokenMatchesCA == nil && opening.tokenIsServersPassword == nil)
    }

    @Test func `a row under the whole token opens`() throws {
        let text = "K10\(IdentityTokenTests.hash)::server:pass"
        let row = (key: ServerToken.bootstrapKey(password: text), value: IdentitySealedRows.wholeToken)
        let opening = try Self.opening(BootstrapProof(token: try ServerToken(parsing: text), rows: [row]))
        #expect(opening.password == .wholeToken && opening.contents[.serviceKey] == [0x78])
    }

    @Test func `nothing secret is in what people see`() throws {
        for fixture in [Self.withToken, Self.withoutToken] {
            let token = try Self.token(fixture)
            let proof = BootstrapProof(token: token, rows: try Self.rows(fixture))
            let contents = try Self.opening(proof).contents
            var dumped = ""
            dump(proof, to: &dumped)
            for text in [proof.sentence, "\(proof)", "\(contents)", String(reflecting: contents), dumped] {
                #expect(!text.contains(token.password) && !text.contains("BEGIN"))
            }
        }
    }
}
