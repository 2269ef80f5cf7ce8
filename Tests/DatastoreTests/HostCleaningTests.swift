import Datastore
import Failures
import Files
import Foundation
import Testing

@Suite("A datastore that moves to another host")
struct HostCleaningTests {
    private struct Verdict: Decodable {
        let keys: [String]
        let problems: [String]
    }

    private struct Database {
        let folder: TemporaryFolder
        let base: String
        let cleaned: String
        let bump: RevisionBump

        init(_ name: String, _ options: String...) throws {
            folder = try TemporaryFolder()
            let result = try run("tar", ["--zstd", "-xf", "\(fixtureFolder)/\(name).tar.zst", "-C", folder.path])
            try #require(result.status == 0, "\(result.output)")
            let live = "\(folder.path)/\(name)/server/db/state.db"
            try #require(try python(["moving.py", "make", live] + options).status == 0)
            base = "\(folder.path)/base.db"
            cleaned = "\(folder.path)/cleaned.db"
            let snapshot = try KineSnapshotter(path: live, options: SnapshotOptions(now: uptime))
                .take(scratchDirectory: folder.path)
            for path in [base, cleaned] { try copy(snapshot.file, to: path) }
            bump = RevisionBump(above: try KineFile(path: cleaned).newestRevision(), backup: 1)
            try bump.apply(toDatabaseAt: cleaned)
        }

        func verdict(_ kinds: [HostBinding.Kind]) throws -> Verdict {
            let judged = try python(
                ["moving.py", "judge", base, cleaned, String(bump.revision)] + kinds.map(\.rawValue))
            try #require(judged.status == 0, "\(judged.output)")
            return try JSONDecoder().decode(Verdict.self, from: Data(judged.output.utf8))
        }
    }

    private static let fixtures = ["k3s-1.21.2-sqlite", "k3s-1.20.8-sqlite-secrets-encrypted"]

    @Test("lets go of its volumes by rows that kine could have written, and of nothing else", arguments: fixtures)
    func cleaned(name: String) throws {
        let database = try Database(name)
        defer { database.folder.remove() }
        let cleaning = HostCleaning(HostBinding.Kind.allCases)
        let found = try cleaning.bindings(in: KineFile(path: database.base))
        let claims = found.filter { $0.kind == .claims }
        // Those of the real server wait for a volume, and stay as they are.
        #expect(claims.filter { $0.namespace != "shop" }.map(\.name) == Array(repeating: "data-store-0", count: 12))
        #expect(
            claims.filter { $0.namespace == "shop" }.map(\.name) == [
                "as-json", "data", "fresh", "only-json", "pending",
            ])
        #expect(found.filter { $0.kind == .volumes }.map(\.name) == ["pv-data", "pv-fresh", "pv-json"])
        let rows = try cleaning.apply(toDatabaseAt: database.cleaned)
        let verdict = try database.verdict(HostBinding.Kind.allCases)
        #expect(verdict.problems == [])
        #expect(rows.map(\.key) == verdict.keys && rows.first?.revision == database.bump.revision + 1)
        #expect(try cleaning.apply(toDatabaseAt: database.cleaned) == [], "there is nothing left to clean")
        try KineFile(path: database.cleaned).checkIntegrity()
    }

    @Test("does as much of that as is wanted", arguments: [[HostBinding.Kind.claims], [.volumes], []])
    func partly(kinds: [HostBinding.Kind]) throws {
        let database = try Database(Self.fixtures[0])
        defer { database.folder.remove() }
        _ = try HostCleaning(kinds).apply(toDatabaseAt: database.cleaned)
        #expect(try database.verdict(kinds).problems == [])
    }

    @Test("changes nothing where a claim cannot be read, unless claims stay as they are")
    func sealed() throws {
        let database = try Database(Self.fixtures[0], "sealed")
        defer { database.folder.remove() }
        let found = try HostCleaning([.claims]).bindings(in: KineFile(path: database.base))
        #expect(found.first { $0.name == "sealed" }?.problem?.contains("aescbc") == true)
        let failure = #expect(throws: Failure.self) {
            try HostCleaning(HostBinding.Kind.allCases).apply(toDatabaseAt: database.cleaned)
        }
        #expect(failure?.code == .refused && failure?.description.contains("shop/sealed") == true)
        #expect(try database.verdict([]).problems == [])
        _ = try HostCleaning([.volumes]).apply(toDatabaseAt: database.cleaned)
        #expect(try database.verdict([.volumes]).problems == [])
    }
}
