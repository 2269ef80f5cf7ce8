import Foundation
import Testing

/// The fixtures unpacked into a folder of this process, and their rows as `sqlite3` gives them.
enum ObjectsFixtures {
    static let sqlite = ["k3s-1.21.2-sqlite", "k3s-1.20.8-sqlite-secrets-encrypted"]
    static let history = ["s0", "s1", "s2"]

    struct Row: Sendable {
        let key: String
        let revision: Int64
        let value: [UInt8]
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    /// The live rows of a fixture by key, without `compact_rev_key`.
    static func liveRows(_ name: String) throws -> [Row] {
        let loaded = history.contains(name) ? try historyRows[name]?.get() : try sqliteRows[name]?.get()
        return try #require(loaded)
    }

    /// The folder with `server/`.
    static func folder(_ name: String) throws -> URL {
        try unpacked.get().appendingPathComponent(name)
    }

    static func bytes(_ name: String, _ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder(name).appendingPathComponent(path)))
    }

    /// The bytes of a file, or nil where there is none.
    static func bytesIfThere(_ name: String, _ path: String) throws -> [UInt8]? {
        let url = try folder(name).appendingPathComponent(path)
        return FileManager.default.fileExists(atPath: url.path) ? [UInt8](try Data(contentsOf: url)) : nil
    }

    static func truth(_ name: String) throws -> [String: any Sendable] {
        let folder = history.contains(name) ? root.appendingPathComponent("kine-history") : root
        let data = try Data(contentsOf: folder.appendingPathComponent("\(name).truth.json"))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: any Sendable])
    }

    /// What an independent decoder found (Fixtures/objects/expected.py).
    static func expected(_ name: String) throws -> [[String: any Sendable]] {
        let file = root.appendingPathComponent("objects/\(name).ndjson.zst")
        return try run("zstd", "-dqc", file.path).split(separator: UInt8(ascii: "\n")).map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: any Sendable])
        }
    }

    private static let scratch = FileManager.default.temporaryDirectory
        .appendingPathComponent("objects-\(UUID().uuidString)")

    private static let unpacked = Result {
        let folder = scratch
        atexit { _ = try? FileManager.default.removeItem(at: ObjectsFixtures.scratch) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in sqlite + ["k3s-1.21.2-etcd"] {
            _ = try run(
                "tar", "--zstd", "-xf", root.appendingPathComponent("\(name).tar.zst").path, "-C", folder.path,
                "--no-same-owner")
        }
        return folder
    }

    private static let sqliteRows = rows(sqlite) { name in
        try folder(name).appendingPathComponent("server/db/state.db").path
    }

    private static let historyRows = rows(history) { name in
        let path = try unpacked.get().appendingPathComponent("\(name).db").path
        _ = try run("zstd", "-dqf", root.appendingPathComponent("kine-history/\(name).db.zst").path, "-o", path)
        return path
    }

    private static func rows(
        _ names: [String], database: (String) throws -> String
    ) -> [String: Result<[Row], any Error>] {
        var result: [String: Result<[Row], any Error>] = [:]
        for name in names { result[name] = Result { try query(database(name)) } }
        return result
    }

    private static func query(_ database: String) throws -> [Row] {
        let sql = """
            SELECT name, id, hex(value) FROM kine WHERE id IN (SELECT MAX(id) FROM kine GROUP BY name)
            AND deleted = 0 AND name != 'compact_rev_key' ORDER BY name
            """
        return try run("sqlite3", "-list", database, sql).split(separator: UInt8(ascii: "\n")).map { line in
            let fields = line.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
            let hex = try #require(fields.count == 3 ? Array(fields[2]) : nil)
            let value = stride(from: 0, to: hex.count, by: 2).map { digit(hex[$0]) << 4 | digit(hex[$0 + 1]) }
            return Row(
                key: String(decoding: fields[0], as: UTF8.self),
                revision: try #require(Int64(String(decoding: fields[1], as: UTF8.self))), value: value)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8 { byte <= 0x39 ? byte - 0x30 : byte - 0x37 }

    static func run(_ arguments: String...) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(arguments.joined(separator: " "))")
        return data
    }
}
