import Datastore
import Failures
import Files
import Foundation
import Testing

/// Snapshots of a database that a separate process writes to at full speed as kine does, held against a model that
/// the writer keeps outside SQLite (Tests/Support/kine_writer.py, kine_model.py: no Swift code is shared).
@Suite("Hot snapshots of a kine database under load", .serialized)
struct HotSnapshotTests {
    /// How many snapshots one variant takes; a longer run sets it.
    static let rounds = Int(ProcessInfo.processInfo.environment["DAYTWO_TEST_HOT_ROUNDS"] ?? "") ?? 110

    @Test(
        "each is exactly one revision of the model, with a compaction and a checkpoint inside",
        .timeLimit(.minutes(10)),
        arguments: [
            // Indexes and tombstones as old and new kines write them; the last has no index over ids alone.
            ["--indexes", "v0.6", "--tombstones", "value", "--restart-every", "9000"],
            ["--indexes", "v0.16", "--tombstones", "null", "--without-index", "kine_id_deleted_index"],
        ])
    func exactlyOneRevision(options: [String]) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let writer = try KineWriter(
            in: folder.path,
            options: options + ["--load", "400", "--keys", "300", "--compact-every", "300", "--min-retain", "100"])
        defer { writer.stop() }

        var taken: [(path: String, since: Int, until: Int)] = []
        for round in 0..<Self.rounds {
            let since = try writer.logSize()
            let observer = ReadObserver()
            var options = SnapshotOptions(now: uptime) { _ in
                // The reads only go on when the writer has compacted and checkpointed among them.
                if observer.count() == 10 { try writer.waitForCheckpoint() }
            }
            options.batchRows = 15
            let snapshot = try KineSnapshotter(path: writer.database, options: options)
                .take(
                    scratchDirectory: folder.path, pages: round.isMultiple(of: 2) ? nil : MemoryPages(),
                    objects: { MemoryPages() })
            let until = try writer.logSize()
            #expect(observer.total >= 20, "a snapshot of \(observer.total) reads proves little")
            #expect(snapshot.reading.compactedMeanwhile)
            #expect(snapshot.reading.longestReadSeconds < 1)
            let path = "\(folder.path)/snapshot-\(round).db"
            try copy(snapshot.file, to: path)
            // What is said of the rows is true of the rows that are left, also of keys that came and went meanwhile.
            let inspected = try KineFile(path: path).inspect(scratchDirectory: folder.path)
            #expect(inspected.contents.liveKeys == snapshot.contents.liveKeys)
            #expect(inspected.objects.sha256 == snapshot.objects.sha256)
            #expect(inspected.rowsSHA256 == snapshot.rowsSHA256)
            taken.append((path, since, until))
        }
        writer.stop()

        let list = taken.map { "{\"db\":\"\($0.path)\",\"since\":\($0.since),\"until\":\($0.until)}" }
        try (list.joined(separator: "\n") + "\n").write(
            toFile: "\(folder.path)/list", atomically: false, encoding: .utf8)
        let check = try python(["kine_model.py", "check", writer.log, "--list", "\(folder.path)/list"])
        #expect(check.status == 0, "\(check.output.suffix(2000))")
        for snapshot in [taken.first, taken.last].compactMap({ $0 }) {
            let span = try python([
                "kine_model.py", "span", writer.log, "--since", "\(snapshot.since)", "--until", "\(snapshot.until)",
            ])
            #expect(try count("compact", in: span.output) > 0 && count("checkpoint", in: span.output) > 0)
            #expect(try count("write", in: span.output) > 0, "the writer stood still")
        }
    }

    private func count(_ name: String, in json: String) throws -> Int {
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] ?? [:]
        let key = try #require(object.keys.first { $0.lowercased().hasPrefix(name) }, "no \(name) in \(json)")
        return object[key] as? Int ?? 0
    }
}

/// Pages in memory: what a compaction changes is then changed in a copy of them.
final class MemoryPages: PageSpool, ByteSource, @unchecked Sendable {
    // Unchecked: one thread writes, and others read when it is done.
    private var bytes: [UInt8] = []

    var size: UInt64 { UInt64(bytes.count) }

    func append(_ bytes: UnsafeRawBufferPointer) { self.bytes += bytes }

    func finish(firstPage: UnsafeRawBufferPointer) -> any ByteSource {
        bytes.replaceSubrange(..<firstPage.count, with: firstPage)
        return self
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) {
        try MemorySource(bytes).read(into: buffer, at: offset)
    }
}

/// Counts reads from the snapshot's own thread.
private final class ReadObserver: @unchecked Sendable {
    private let lock = NSLock()
    private var reads = 0

    func count() -> Int {
        lock.withLock {
            reads += 1
            return reads
        }
    }

    var total: Int { lock.withLock { reads } }
}

private let clockStart = ContinuousClock().now

/// Monotonic time for options.
func uptime() -> Duration { clockStart.duration(to: ContinuousClock().now) }

/// A running kine_writer.py.
private final class KineWriter: @unchecked Sendable {
    let database: String
    let log: String
    private let stopFile: String
    private let process = Process()

    init(in folder: String, options: [String]) throws {
        database = "\(folder)/state.db"
        log = "\(folder)/model.log"
        stopFile = "\(folder)/stop"
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "python3", "-B", "\(supportFolder)/kine_writer.py", database, "--log", log, "--seconds", "600",
                "--stop-file", stopFile,
            ] + options
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        // "ready" stands on the first line once the load is in.
        let ready = output.fileHandleForReading.availableData
        guard String(decoding: ready, as: UTF8.self).hasPrefix("ready") else {
            throw Failure(.failed, "the writer did not start", why: String(decoding: ready, as: UTF8.self))
        }
    }

    func logSize() throws -> Int { Int(try FileStatus(of: log).size) }

    /// Waits until a compaction and its checkpoint have run from now on.
    func waitForCheckpoint() throws {
        let start = try logSize()
        let handle = try #require(FileHandle(forReadingAtPath: log))
        for _ in 0..<2000 {
            try handle.seek(toOffset: UInt64(start))
            let seen = try handle.readToEnd() ?? Data()
            // A checkpoint may still belong to a compaction from before.
            if let compaction = seen.range(of: Data("[\"compact\"".utf8)),
                seen[compaction.upperBound...].range(of: Data("[\"checkpoint\"".utf8)) != nil
            {
                return
            }
            usleep(5000)
        }
        throw Failure(.failed, "the writer did not compact within ten seconds")
    }

    /// By a file: test runners block signals, and their children inherit that.
    func stop() {
        guard process.isRunning else { return }
        _ = FileManager.default.createFile(atPath: stopFile, contents: nil)
        process.waitUntilExit()
    }
}
