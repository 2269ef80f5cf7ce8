import Datastore
import Testing

@Suite("Server tokens")
struct IdentityTokenTests {
    static let hash = String(repeating: "0af9", count: 16)

    @Test(arguments: [
        ("K10\(hash)::server:secret", ServerToken.User.server, "secret", true),
        ("K10\(hash)::server:secret\n", .server, "secret", true),
        ("K10\(hash)::node:se:cret::x\n\n", .agent, "se:cret::x", true),
        ("K10::server:secret", .server, "secret", false),
        ("K10server:secret", .server, "secret", false),
        ("K10\(hash)::other:secret", .other, "secret", true),
        ("K10\(hash)::::pw", .none, ":pw", true),
        ("secret\n", .none, "secret", false),
        ("a:b::c", .none, "a:b::c", false),
        ("secret ", .none, "secret ", false),
        ("secret\r\n", .none, "secret\r", false),
    ])
    func `tokens are read as k3s reads them`(
        _ text: String, _ user: ServerToken.User, _ password: String, _ hasHash: Bool
    ) throws {
        let token = try ServerToken(parsing: text)
        #expect(token.user == user)
        #expect(token.password == password)
        #expect(token.caHash == (hasHash ? Self.hash : nil))
    }

    @Test(arguments: [
        "", "\n", "K10", "K10::", "K10abc::server:x", "K10\(hash)::server:", "K10\(hash)::abcdef.0123", "K10\(hash)",
    ])
    func `what k3s refuses is refused`(_ text: String) {
        #expect(throws: (any Error).self) { try ServerToken(parsing: text) }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: (any Error).self) { try ServerToken(parsing: [0x4B, 0xFF]) }
    }

    @Test func `the row of no password is known`() {
        #expect(ServerToken.bootstrapKey(password: "") == "/bootstrap/e3b0c44298fc")
    }

    @Test func `a token is never printed`() throws {
        let token = try ServerToken(parsing: "K10\(Self.hash)::server:hushhush")
        struct Holder { let token: ServerToken }
        var dumped = ""
        dump(Holder(token: token), to: &dumped)
        let texts = [
            "\(token)", String(reflecting: token), dumped, "\(Holder(token: token))", String(reflecting: [token]),
        ]
        for text in texts { #expect(!text.contains("hushhush") && !text.contains(Self.hash)) }
        do {
            _ = try ServerToken(parsing: "K10abc::server:hushhush")
            Issue.record("was not refused")
        } catch {
            #expect(!"\(error) \(String(reflecting: error))".contains("hushhush"))
        }
    }

    @Test(arguments: [
        ("k3s-1.21.2-sqlite", "/bootstrap/95910cb49fee"),
        ("k3s-1.20.8-sqlite-secrets-encrypted", "/bootstrap/2ec6a2c1e93b"),
        ("k3s-1.21.2-etcd", ""),
    ])
    func `the tokens of the fixtures were made with their CA`(_ fixture: String, _ key: String) throws {
        let token = try ServerToken(parsing: ObjectsFixtures.bytes(fixture, "server/token"))
        #expect(token.user == .server)
        #expect(token.caHash != nil)
        var pem = try ObjectsFixtures.bytes(fixture, "server/tls/server-ca.crt")
        #expect(token.matches(serverCA: pem) == true)
        pem[100] ^= 1
        #expect(token.matches(serverCA: pem) == false)
        #expect(try ServerToken(parsing: token.password).matches(serverCA: pem) == nil)
        if !key.isEmpty { #expect(token.bootstrapKey == key) }
    }

    @Test func `a bundle is known by its root`() throws {
        let server = try ObjectsFixtures.bytes("k3s-1.21.2-sqlite", "server/tls/server-ca.crt")
        let root = try ObjectsFixtures.bytes("k3s-1.21.2-sqlite", "server/tls/client-ca.crt")
        let rootHash = try #require(Certificate.all(inPEM: root).first).fingerprint
        let token = try ServerToken(parsing: "K10\(rootHash)::server:x")
        #expect(token.matches(serverCA: server + root) == true)
        #expect(token.matches(serverCA: root + server) == false)
        #expect(token.matches(serverCA: root) == false)
    }
}
