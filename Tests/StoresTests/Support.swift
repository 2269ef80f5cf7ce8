import Failures
import Files
import Foundation
import Glibc
import Stores
import Testing

/// A directory of its own for each test, removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/daytwo-stores-" + UUID().uuidString
        try createDirectory(path)
    }

    deinit { try? removeTree(path) }

    subscript(_ name: String) -> String { path + "/" + name }

    func write(_ bytes: [UInt8], to name: String) throws { try durablyWrite(bytes, to: self[name], replacing: true) }

    /// Every path below, without the directories.
    func files() throws -> [String] { try walkTree(path).filter { $0.status.kind != .directory }.map(\.path) }
}

/// The failure that a body throws; a body that throws none fails the test.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> Failure {
    do {
        try body()
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("threw \(error)", sourceLocation: location)
    }
    Issue.record("did not throw a Failure", sourceLocation: location)
    return Failure(.usage, "nothing was thrown")
}

/// Runs a body in real threads at once, waits for all, and rethrows what one of them threw.
func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let errors = ErrorBox()
    let done = DispatchSemaphore(value: 0)
    for index in 0..<count {
        Thread.detachNewThread {
            do { try body(index) } catch { errors.add(error) }
            done.signal()
        }
    }
    for _ in 0..<count { done.wait() }
    if let error = errors.first { throw error }
}

final class ErrorBox: @unchecked Sendable {
    private let lock = NSLock()
    private var errors: [any Error] = []
    func add(_ error: any Error) { lock.withLock { errors.append(error) } }
    var first: (any Error)? { lock.withLock { errors.first } }
}

func run(_ command: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}

func randomID() -> String {
    (0..<32).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
}

let noon = Date(timeIntervalSince1970: 1_795_345_200)  // 2026-11-22T11:00:00Z

/// What the tests know of one stored backup.
struct Sample {
    let id: String
    let cluster: ClusterPath
    let name: ArchiveName
    let bytes: [UInt8]

    init(
        _ cluster: ClusterPath, at date: Date = noon, id: String = randomID(), bytes: [UInt8] = Array("archive".utf8),
        encrypted: Bool = false
    ) throws {
        self.id = id
        self.cluster = cluster
        self.bytes = bytes
        name = try ArchiveName(name: cluster.name, createdAt: date, id: id, isEncrypted: encrypted)
    }

    var location: String { cluster.description + "/" + name.fileName }

    func record() throws -> StoredRecord {
        StoredRecord(
            id: id, name: name, identity: .init(cluster: cluster), size: UInt64(bytes.count),
            sha256: try digest(of: MemorySource(bytes)), daytwoVersion: "0.1.0")
    }

    @discardableResult
    func store(in store: any ArchiveStore) throws -> CatalogEntry {
        let pending = try store.begin(cluster, name)
        let sink = pending.sink
        try bytes.withBytes { buffer throws(Failure) in try sink.write(buffer) }
        return try pending.commit(try record())
    }
}

func read(_ source: any ByteSource) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(source.size))
    try bytes.withMutableBytes { buffer throws(Failure) in try source.read(into: buffer, at: 0) }
    return bytes
}
