import Failures
import Files
import Foundation
import GRDB
import JSONValues
import Testing

@testable import Sandbox

/// Virtual control planes on their own: datastore and identity, as on real k3s.
@Suite struct ControlPlaneTests {
    private static let old = "v1.21.2-k3s1"
    private static let new = "v1.30.4-k3s1"

    private static func plane(
        _ directory: String, _ tag: String = old, token: String? = nil, address: Int = 5, bytes: Int = 100_000
    ) throws -> (plane: VirtualControlPlane, log: ContainerLog) {
        var pace = Pace()
        pace.controlPlaneStart = .milliseconds(10)
        pace.write = .milliseconds(5)
        let log = ContainerLog()
        let version = try #require(ServerVersion(tag: tag))
        let options = PlaneOptions(
            name: "blue", namespace: "team-a", directory: directory, dataDirectory: "/data", version: version,
            address: "127.\(Int.random(in: 16...250)).\(Int.random(in: 1...250)).\(address)", token: token,
            serverNames: ["blue"],
            seed: SeedOptions(seed: 7, bytes: bytes), pace: pace, startDelay: .zero, nodeName: "node")
        return (VirtualControlPlane(options, log: log), log)
    }

    /// Runs one until it is ready and a little more, and stops it cleanly; its exit code where it ended by itself.
    @discardableResult
    private static func run(
        _ directory: String, _ tag: String = old, token: String? = nil,
        whileReady body: (VirtualControlPlane) async throws -> Void = { _ in }
    ) async throws -> (code: Int32?, log: String) {
        let (plane, log) = try plane(directory, tag, token: token)
        let end = Task { await plane.run(onReady: {}, onUnready: {}) }
        var code: Int32?
        try await eventually("ready or ended") {
            if await plane.isReady { return true }
            return String(decoding: log.content, as: UTF8.self).contains("level=fatal")
        }
        if await plane.isReady {
            try await body(plane)
            await plane.stop(grace: .seconds(5))
        }
        code = await end.value
        return (code, String(decoding: log.content, as: UTF8.self))
    }

    private static func authority(_ directory: String) throws -> [UInt8] {
        try #require(PlainFile.read("\(directory)/server/tls/server-ca.crt"))
    }

    @Test func datastoreIsKines() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/server/db/state.db"
        try await Self.run(directory.path) { plane in
            let start = try await plane.revision()
            try await eventually("writes") { try await plane.revision() > start + 10 }
            #expect(PlainFile.exists("\(path)-wal"), "another process sees a database in WAL mode")
        }
        // After a clean stop the WAL is in the file, and gone.
        #expect(!PlainFile.exists("\(path)-wal"))
        let queue = try DatabaseQueue(path: path)
        try await queue.read { db in
            #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
            #expect(try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM kine WHERE name = 'compact_rev_key'") == 1)
            let columns = try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('kine')")
            #expect(
                columns == [
                    "id", "name", "created", "deleted", "create_revision", "prev_revision", "lease", "value",
                    "old_value",
                ])
            let indexes = try Set(String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'index'"))
            #expect(indexes.contains("kine_name_prev_revision_uindex") && indexes.count == 5)
            // Updates point back, creations have no revision of their own, deletions are marked.
            let broken = try Int.fetchOne(
                db,
                sql: """
                    SELECT COUNT(*) FROM kine a WHERE a.created = 0 AND a.deleted = 0 AND NOT EXISTS
                    (SELECT 1 FROM kine b WHERE b.id = a.prev_revision AND b.name = a.name AND b.value IS a.old_value)
                    """)
            #expect(broken == 0)
            #expect(
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM kine WHERE created = 1 AND create_revision != 0") == 0)
            #expect(try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM kine WHERE deleted = 1") ?? 0 >= 5)
            #expect(
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM kine WHERE name = '/registry/namespaces/kube-system'")
                    == 1)
        }
        try queue.close()
    }

    @Test func sameSeedSameObjects() async throws {
        func values() async throws -> [String] {
            let directory = try TemporaryDirectory()
            var found: [String] = []
            try await Self.run(directory.path) { plane in
                found = try await plane.rows("/registry/configmaps/shop/filler").map {
                    String(decoding: $0.value, as: UTF8.self)
                }
            }
            // Only the time of the creation is another.
            return found.map { $0.replacing(/"creationTimestamp":"[^"]*"/, with: "") }
        }
        let first = try await values()
        #expect(first.count > 5)
        #expect(first == (try await values()))
    }

    @Test func compactionIsKines() async throws {
        let directory = try TemporaryDirectory()
        let database = try KineDatabase(
            path: "\(directory.path)/state.db", version: try #require(ServerVersion(tag: Self.new)))
        for turn in 0..<20 { try database.put("/registry/a", Array("\(turn)".utf8)) }
        try database.put("/registry/b", [1])
        try database.delete("/registry/b")
        let last = try database.revision()
        try database.compact(to: last)
        #expect(try database.compactRevision() == last)
        #expect(try database.get("/registry/a")?.value == Array("19".utf8))
        #expect(try database.get("/registry/b") == nil)
        #expect(try database.list(prefix: "/registry/").map(\.name) == ["/registry/a"])
        try database.close()
    }

    /// The table of what real k3s v1.21.2 does.
    @Test func identityOfOldServers() async throws {
        enum Token { case right, wrong, none }
        for (hasFiles, token, hasStamp, wanted) in [
            (true, Token.right, true, "same"), (true, .right, false, "same"), (false, .right, true, "new"),
            (false, .right, false, "same"), (false, .wrong, true, "new"), (false, .none, true, "new"),
            (false, .wrong, false, "fatal"), (false, .none, false, "fatal"),
        ] {
            let directory = try TemporaryDirectory()
            let server = "\(directory.path)/server"
            try await Self.run(directory.path)
            let before = try Self.authority(directory.path)
            #expect(PlainFile.exists("\(server)/db/joined-e3b0c44298fc"))
            if !hasFiles { for name in ["tls", "cred"] { try removeTree("\(server)/\(name)") } }
            if !hasStamp { try removeTree("\(server)/db/joined-e3b0c44298fc") }
            switch token {
            case .right: break
            case .wrong:
                try PlainFile.write(
                    "K10\(String(repeating: "0", count: 64))::server:other\n".utf8, to: "\(server)/token")
            case .none: try removeTree("\(server)/token")
            }
            let (code, log) = try await Self.run(directory.path)
            let told = "files \(hasFiles), token \(token), stamp \(hasStamp): \(log)"
            if wanted == "fatal" {
                #expect(code == 1, "\(told)")
                #expect(log.contains("bootstrap data already found and encrypted with different token"), "\(told)")
            } else {
                #expect(code == nil, "\(told)")
                #expect((try Self.authority(directory.path) == before) == (wanted == "same"), "\(told)")
            }
        }
    }

    @Test func identityOfNewServers() async throws {
        let directory = try TemporaryDirectory()
        try await Self.run(directory.path, Self.new, token: "secret")
        let before = try Self.authority(directory.path)
        // state.db and the token alone are the whole identity.
        for name in ["tls", "cred"] { try removeTree("\(directory.path)/server/\(name)") }
        try await Self.run(directory.path, Self.new)
        #expect(try Self.authority(directory.path) == before)
        let (code, log) = try await Self.run(directory.path, Self.new, token: "wrong")
        #expect(code == 1)
        #expect(log.contains("encrypted with different token"))
    }

    @Test func otherProcessesReadWhileItRuns() async throws {
        let directory = try TemporaryDirectory()
        let sqlite = Tool(path: try #require(Tool.find("sqlite3")))
        try await Self.run(directory.path) { plane in
            let path = "\(directory.path)/server/db/state.db"
            let before = try await plane.revision()
            let (code, text) = try await sqlite.run([
                "-readonly", path, "PRAGMA integrity_check; SELECT MAX(id) FROM kine",
            ])
            #expect(code == 0, "\(text)")
            let lines = text.split(separator: "\n")
            #expect(lines.first == "ok")
            #expect((lines.last.flatMap { Int64($0) } ?? 0) >= before)
        }
    }
}
