import Foundation
import Testing

/// One bad input, made: what to run, and what must not change.
struct BadInput {
    var arguments: [String]
    var asNobody = false
    /// Directories that must be the same before and after.
    var unchanged: [String] = []
    /// The directory that no archive and nothing half-written may be in afterwards.
    var empty: String?
    /// How many lines of stderr it takes at most: all mistakes of a configuration are told at once.
    var lines = 3
    /// What is needed beyond the rights of a user.
    var needs = Need.nothing

    func lines(_ count: Int) -> BadInput {
        var input = self
        input.lines = count
        return input
    }

    enum Need { case nothing, root, mount }
}

/// Makes the input of each row of the table by the name in its first column.
struct BadInputCases {
    let fixture: CommandFixture

    init(_ fixture: CommandFixture) { self.fixture = fixture }

    typealias Make = @Sendable (BadInputCases) throws -> BadInput

    static let all: [String: Make] = dataDirectories.merging(stores) { $1 }.merging(archives) { $1 }
        .merging(usage) { $1 }.merging(configurations) { $1 }.merging(states) { $1 }
        .merging(upgrades) { $1 }.merging(moves) { $1 }.merging(extractions) { $1 }

    /// A backup of a data directory that was spoiled first.
    private func backup(
        of name: String = Fixtures.sqlite, _ more: [String] = [], spoil: (String) throws -> Void = { _ in }
    ) throws -> BadInput {
        let directory = try fixture.dataDirectory(name)
        try spoil(directory)
        return create(directory, more)
    }

    private func create(_ directory: String, _ more: [String] = [], store: String? = nil) -> BadInput {
        let store = store ?? fixture.store
        return BadInput(
            arguments: ["backup", "create", "--data-dir", directory, "--name", "blue", "--store", store] + more,
            unchanged: [directory], empty: store)
    }

    private static let dataDirectories: [String: Make] = [
        "no-directory": { cases in
            var input = cases.create(cases.fixture.path("nothing"))
            input.unchanged = []
            return input
        },
        "file-as-directory": { cases in
            var input = cases.create(try cases.fixture.write("text", to: "file"))
            input.unchanged = []
            return input
        },
        "not-k3s": { cases in
            try cases.fixture.tool("mkdir", "other")
            return cases.create(cases.fixture.path("other"))
        },
        "no-datastore": { cases in try cases.backup { try FileManager.default.removeItem(atPath: "\($0)/server/db") } },
        "etcd-of-kubernetes": { cases in
            try cases.backup(of: Fixtures.etcd) {
                try FileManager.default.createDirectory(
                    atPath: "\($0)/etcd/member/snap", withIntermediateDirectories: true)
                try FileManager.default.removeItem(atPath: "\($0)/server")
            }
        },
        "etcd-no-snapshot": { cases in
            try cases.backup(of: Fixtures.etcd) { try FileManager.default.removeItem(atPath: $0 + etcdSnapshot) }
        },
        "etcd-snapshot-old": { cases in
            let input = try cases.backup(of: Fixtures.etcd)
            return BadInput(arguments: input.arguments, unchanged: input.unchanged)
        },
        "etcd-snapshot-missing": { cases in
            try cases.backup(of: Fixtures.etcd, ["--etcd-snapshot", "/nonexistent/snapshot"])
        },
        "etcd-snapshot-directory": { cases in try cases.backup(of: Fixtures.etcd, ["--etcd-snapshot", "/tmp"]) },
        "etcd-snapshot-text": { cases in
            try cases.backup(of: Fixtures.etcd) {
                try Data(repeating: 0x61, count: 100_000).write(to: URL(filePath: $0 + etcdSnapshot))
            }
        },
        "etcd-snapshot-cut": { cases in
            try cases.backup(of: Fixtures.etcd) {
                try cases.fixture.tool("truncate", "-s", "-4096", $0 + etcdSnapshot)
            }
        },
        "etcd-snapshot-flipped": { cases in
            try cases.backup(of: Fixtures.etcd) { directory in
                let file = try FileHandle(forUpdating: URL(filePath: directory + etcdSnapshot))
                try file.seek(toOffset: 9_000_000)
                let byte = try file.read(upToCount: 1)?.first ?? 0
                try file.seek(toOffset: 9_000_000)
                try file.write(contentsOf: Data([byte ^ 1]))
                try file.close()
            }
        },
        "etcd-snapshot-no-checksum": { cases in
            try cases.backup(of: Fixtures.etcd) { try cases.fixture.tool("truncate", "-s", "-32", $0 + etcdSnapshot) }
        },
        "etcd-snapshot-zip": { cases in
            let zip = try cases.fixture.write("PK no zip", to: "snapshot.zip")
            return try cases.backup(of: Fixtures.etcd, ["--etcd-snapshot", zip])
        },
        "etcd-snapshot-for-sqlite": { cases in
            let file = try cases.fixture.write("", to: "snapshot")
            return try cases.backup(of: Fixtures.sqlite, ["--etcd-snapshot", file])
        },
        "snapshot-age-impossible": { cases in
            try cases.backup(of: Fixtures.etcd, ["--max-snapshot-age", "soon"])
        },
        "database-empty": { cases in
            try cases.backup { directory in
                for file in ["state.db", "state.db-wal", "state.db-shm"] {
                    try FileManager.default.removeItem(atPath: "\(directory)/server/db/\(file)")
                }
                try Data().write(to: URL(filePath: "\(directory)/server/db/state.db"))
            }
        },
        "database-text": { cases in
            try cases.backup { try cases.replaceDatabase(of: $0, with: Data(repeating: 0x61, count: 100_000)) }
        },
        "database-foreign": { cases in
            try cases.backup { directory in
                try cases.replaceDatabase(of: directory, with: Data())
                try cases.fixture.tool(
                    "sqlite3", "\(directory)/server/db/state.db", "CREATE TABLE other(a); INSERT INTO other VALUES(1)")
            }
        },
        "database-corrupt": { cases in
            try cases.backup { directory in
                let database = "\(directory)/server/db/state.db"
                try cases.checkpointed(database)
                try cases.fixture.tool(
                    "dd", "if=/dev/urandom", "of=\(database)", "bs=4096", "seek=20", "count=400", "conv=notrunc")
            }
        },
        "database-cut": { cases in
            try cases.backup { directory in
                let database = "\(directory)/server/db/state.db"
                try cases.checkpointed(database)
                try cases.fixture.tool("truncate", "-s", "1000000", database)
            }
        },
        "database-locked": { cases in
            try cases.backup { directory in
                try cases.fixture.holding([
                    "python3", "-c",
                    """
                    import sqlite3, sys
                    db = sqlite3.connect(sys.argv[1], isolation_level=None)
                    db.execute("PRAGMA locking_mode=EXCLUSIVE")
                    db.execute("BEGIN EXCLUSIVE")
                    print("held", flush=True)
                    sys.stdin.read()
                    """, "\(directory)/server/db/state.db",
                ])
            }
        },
        "database-link": { cases in
            try cases.backup { directory in
                try cases.fixture.tool("mv", "\(directory)/server/db/state.db", "elsewhere.db")
                try cases.fixture.tool(
                    "ln", "-s", cases.fixture.path("elsewhere.db"), "\(directory)/server/db/state.db")
            }
        },
        "token-missing": { cases in
            var input = try cases.backup { try FileManager.default.removeItem(atPath: "\($0)/server/token") }
            input.empty = nil
            return input
        },
        "token-wrong": { cases in
            var input = try cases.backup { directory in
                try Data("K10\(String(repeating: "ab", count: 32))::server:wrong\n".utf8).write(
                    to: URL(filePath: "\(directory)/server/token"))
            }
            input.empty = nil
            return input
        },
        "token-file-missing": { cases in try cases.backup(["--token-file", "/nonexistent/token"]) },
        "no-permission": { cases in
            var input = try cases.backup()
            try cases.fixture.tool("mkdir", "-m", "777", "open")
            input.arguments[7] = cases.fixture.path("open")
            input.empty = cases.fixture.path("open")
            input.asNobody = true
            input.needs = .root
            return input
        },
    ]

    private static let stores: [String: Make] = [
        "store-is-file": { cases in
            var input = try cases.backup()
            input.arguments[7] = try cases.fixture.write("text", to: "file")
            input.empty = nil
            return input
        },
        "store-missing": { cases in
            var input = try cases.backup()
            input.arguments[7] = cases.fixture.path("no/such")
            return input
        },
        "store-missing-list": { cases in
            BadInput(arguments: ["backup", "list", "--store", cases.fixture.path("nothing")])
        },
        "store-denied": { cases in
            var input = try cases.backup()
            try cases.fixture.tool("chmod", "-R", "a+rX", input.unchanged[0])
            try cases.fixture.tool("mkdir", "-m", "755", "store")
            input.asNobody = true
            input.needs = .root
            return input
        },
        "store-read-only": { cases in
            let store = try cases.fixture.smallFileSystem("small", size: "8m", options: ",ro")
            return cases.create(try cases.fixture.dataDirectory(), store: store)
        },
        "store-too-small": { cases in
            let store = try cases.fixture.smallFileSystem("small", size: "2m")
            return cases.create(try cases.fixture.dataDirectory(), store: store)
        },
        "store-full": { cases in
            let store = try cases.fixture.smallFileSystem("small", size: "512k")
            return cases.create(try cases.fixture.dataDirectory(), ["--scratch", cases.fixture.root], store: store)
        },
        "scratch-missing": { cases in try cases.backup(["--scratch", "/nonexistent"]) },
    ]

    private static let usage: [String: Make] = [
        "no-store": { cases in BadInput(arguments: ["backup", "list"]) },
        "name-missing": { cases in BadInput(arguments: ["backup", "create", "--data-dir", cases.fixture.root]) },
        "nothing-named": { _ in BadInput(arguments: ["backup", "create"]) },
        "host-and-directory": { cases in
            BadInput(arguments: ["backup", "create", "team-a/blue", "--data-dir", cases.fixture.root])
        },
        "apply-unknown": { _ in
            BadInput(arguments: ["restore", "plan", "team-a/blue", "blue@latest", "--apply", "Pod"])
        },
        "plan-none": { cases in
            let file = try cases.fixture.write("{\"source\": 1}", to: "plan.json")
            return BadInput(arguments: ["restore", "run", "team-a/blue", "--plan", file])
        },
        "plan-and-choice": { _ in
            BadInput(arguments: ["restore", "run", "team-a/blue", "--plan", "plan.json", "--allow-managed"])
        },
        "all-and-name": { _ in BadInput(arguments: ["backup", "create", "team-a/blue", "--all"]) },
        "parallel-impossible": { cases in
            BadInput(arguments: ["backup", "create", "--all", "--parallel", "0", "--store", cases.fixture.store])
        },
        "all-detached": { cases in
            BadInput(arguments: ["backup", "create", "--all", "--detach", "--store", cases.fixture.store])
        },
        "labels-impossible": { cases in
            BadInput(arguments: ["backup", "create", "-l", "=gold", "--store", cases.fixture.store])
        },
        "kubeconfig-missing": { _ in
            BadInput(arguments: ["clusters", "list", "--kubeconfig", "/nonexistent/kubeconfig"])
        },
        "kubeconfig-text": { cases in
            let file = try cases.fixture.write("no kubeconfig\n", to: "kubeconfig")
            return BadInput(arguments: ["clusters", "list", "--kubeconfig", file])
        },
        "context-unknown": { cases in
            let file = try cases.fixture.write(silentHost, to: "kubeconfig")
            return BadInput(arguments: ["clusters", "list", "--kubeconfig", file, "--context", "green"])
        },
        "host-silent": { cases in
            let file = try cases.fixture.write(silentHost, to: "kubeconfig")
            return BadInput(arguments: ["clusters", "show", "team-a/blue", "--kubeconfig", file])
        },
        "name-impossible": { cases in
            var input = try cases.backup()
            input.arguments[5] = "a/b"
            return input
        },
        "level-impossible": { cases in try cases.backup(["--level", "99"]) },
        "verb-unknown": { _ in BadInput(arguments: ["backup", "frobnicate"]) },
        "option-unknown": { _ in BadInput(arguments: ["backup", "list", "--frobnicate"]) },
        "backup-unknown": { cases in
            _ = try cases.fixture.archive()
            return BadInput(arguments: ["backup", "verify", "0000000000", "--store", cases.fixture.store])
        },
        "backup-unnamed": { cases in
            try cases.fixture.tool("mkdir", "store")
            return BadInput(arguments: ["backup", "show", "what", "--store", cases.fixture.store])
        },
        "cluster-unknown": { cases in
            _ = try cases.fixture.archive()
            return BadInput(arguments: ["backup", "show", "green@latest", "--store", cases.fixture.store])
        },
        "delete-unconfirmed": { cases in
            let archive = try cases.fixture.archive()
            return BadInput(arguments: ["backup", "delete", archive], unchanged: [cases.fixture.store])
        },
        "discard-unconfirmed": { cases in
            let archive = try cases.fixture.archive()
            try cases.fixture.tool("mkdir", "target")
            let target = cases.fixture.path("target")
            let restored = try cases.fixture.daytwo(["restore", "run", archive, "--data-dir", target, "--yes"])
            #expect(restored.code == 0, "\(restored.errors)")
            return BadInput(
                arguments: ["restore", "resume", "--data-dir", target, "--discard-old"], unchanged: [target])
        },
        "delete-by-time": { cases in
            _ = try cases.fixture.archive()
            return BadInput(
                arguments: ["backup", "delete", "blue@latest", "--yes", "--store", cases.fixture.store],
                unchanged: [cases.fixture.store])
        },
        "extract-over": { cases in
            let archive = try cases.fixture.archive()
            try cases.fixture.daytwo(["backup", "extract", archive, "--to", cases.fixture.path("out")])
            return BadInput(
                arguments: ["backup", "extract", archive, "--to", cases.fixture.path("out")],
                unchanged: [cases.fixture.path("out")])
        },
        "extract-full": { cases in
            let archive = try cases.fixture.archive()
            let small = try cases.fixture.smallFileSystem("small", size: "1m")
            return BadInput(arguments: ["backup", "extract", archive, "--to", small], empty: small)
        },
        "entry-unknown": { cases in
            BadInput(arguments: ["backup", "cat", try cases.fixture.archive(), "server/nothing"])
        },
        "object-unknown": { cases in
            BadInput(arguments: ["backup", "cat", try cases.fixture.archive(), "--object", "secret default/nothing"])
        },
    ]

    /// Archives: the input is what is extracted, and nothing may come of it.
    private static let archives: [String: Make] = {
        var cases: [String: Make] = [
            "archive-missing": { cases in cases.extract("/nonexistent/blue.tar.zst") },
            "archive-directory": { cases in
                try cases.fixture.tool("mkdir", "folder.tar.zst")
                return cases.extract(cases.fixture.path("folder.tar.zst"))
            },
            "archive-empty": { cases in cases.extract(try cases.fixture.write("", to: "empty.tar.zst")) },
            "archive-text": { cases in
                cases.extract(try cases.fixture.write(String(repeating: "text\n", count: 1000), to: "text.tar.zst"))
            },
            "archive-foreign": { cases in cases.extract(Fixtures.archive(Fixtures.sqlite)) },
            "archive-age": { cases in
                cases.extract(
                    try cases.fixture.write("age-encryption.org/v1\n-> X25519 a\nb\n--- c\n", to: "sealed.tar.zst.age"))
            },
            "archive-cut": { cases in
                let archive = try cases.fixture.archive()
                try cases.fixture.tool("truncate", "-s", "-1000", archive)
                return cases.extract(archive)
            },
            "archive-denied": { cases in
                var input = cases.extract(try cases.fixture.archive())
                try cases.fixture.tool("mkdir", "-m", "777", "out")
                try cases.fixture.tool("chmod", "-R", "a+rX", "store")
                try cases.fixture.tool("chmod", "600", input.arguments[2])
                input.asNobody = true
                input.needs = .root
                return input
            },
            "archive-distribution": { cases in
                let fixture = cases.fixture
                try fixture.tool("tar", "--zstd", "-xf", fixture.archive(), "-C", fixture.root)
                let document = try fixture.tool("sh", "-c", "echo \(fixture.root)/*/backup.json").split(
                    separator: "\n")[0]
                try fixture.tool("sed", "-i", "0,/{/s//{\"distribution\":\"other\",/", String(document))
                let forged = fixture.path("forged.tar.zst")
                let tree = String(document.dropLast("/backup.json".count))
                try fixture.tool("python3", Fixtures.forgeScript, "--repack", tree, forged)
                try fixture.tool("mkdir", "fresh")
                return BadInput(arguments: ["restore", "plan", "--data-dir", fixture.path("fresh"), forged])
            },
        ]
        for name in [
            "newer", "parent", "absolute", "outside", "duplicate", "link", "link-parent", "hard-link", "device", "fifo",
            "enormous", "enormous-frame", "unlisted", "other-bytes", "no-checksums", "no-json",
        ] {
            cases["archive-" + name] = { cases in
                try cases.fixture.tool("mkdir", "forged")
                try cases.fixture.tool("python3", Fixtures.forgeScript, cases.fixture.path("forged"))
                return cases.extract(cases.fixture.path("forged/\(name).tar.zst"))
            }
        }
        return cases
    }()

    private func extract(_ archive: String) -> BadInput {
        BadInput(arguments: ["backup", "extract", archive, "--to", fixture.path("out")], empty: fixture.path("out"))
    }

    private func replaceDatabase(of directory: String, with bytes: Data) throws {
        for file in ["state.db", "state.db-wal", "state.db-shm"] {
            try FileManager.default.removeItem(atPath: "\(directory)/server/db/\(file)")
        }
        if !bytes.isEmpty { try bytes.write(to: URL(filePath: "\(directory)/server/db/state.db")) }
    }

    /// The database with its -wal taken in, so that what is spoiled is what is read.
    private func checkpointed(_ database: String) throws {
        try fixture.tool("sqlite3", database, "PRAGMA journal_mode=DELETE")
    }
}

/// The snapshot of the fixture on embedded etcd, below its data directory.
private let etcdSnapshot = "/server/db/snapshots/on-demand-red-0-1795347441"

/// A host at whose address nobody listens (port 1 of the loopback).
private let silentHost = """
    apiVersion: v1
    kind: Config
    current-context: silent
    clusters: [{name: silent, cluster: {server: "https://127.0.0.1:1"}}]
    contexts: [{name: silent, context: {cluster: silent, user: nobody}}]
    users: [{name: nobody, user: {}}]

    """
