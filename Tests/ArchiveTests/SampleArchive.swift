import Crypto
import Failures
import Files

@testable import Archive
import JSONValues

/// Bytes in memory as a sink, for the tests' own thread.
final class CollectingSink: ByteSink, @unchecked Sendable {
    // Unchecked: a sink is called from one thread at a time, and read after that.
    var bytes: [UInt8] = []

    func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }
}

/// Keeps all that it is given.
final class CollectingReceiver: EntryReceiver {
    var entries: [(header: EntryHeader, bytes: [UInt8])] = []
    var ended = 0

    func begin(_ header: EntryHeader) { entries.append((header, [])) }
    func content(_ bytes: UnsafeRawBufferPointer) { entries[entries.count - 1].bytes.append(contentsOf: bytes) }
    func end() { ended += 1 }
}

/// The same bytes for the same seed; some repeat, so that zstd has something to do.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        for index in 0..<count {
            if index % 64 == 0 { state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }
            buffer[index] = UInt8(truncatingIfNeeded: state >> UInt64(8 * (index % 7)))
        }
        filled = count
    }
}

let creation: Int64 = 1_669_114_800
let backupJSON = Array(#"{"formatVersion":1,"id":"1f2e3d4c"}"#.utf8)

func file(
    _ path: String, _ bytes: [UInt8], mode: UInt16 = 0o600, uid: UInt32 = 0, gid: UInt32 = 0, seconds: Int64 = creation,
    nanoseconds: UInt32 = 0
) -> ArchiveInput {
    ArchiveInput(
        file: EntryHeader(
            path: path, kind: .file, size: UInt64(bytes.count), mode: mode, userID: uid, groupID: gid,
            modificationSeconds: seconds, modificationNanoseconds: nanoseconds),
        content: MemorySource(bytes), sha256: SHA256Sum(of: bytes))
}

func directory(_ path: String, mode: UInt16 = 0o755) -> ArchiveInput {
    ArchiveInput(EntryHeader(path: path, kind: .directory, mode: mode, modificationSeconds: creation))
}

func link(_ path: String, to target: String) -> ArchiveInput {
    ArchiveInput(
        EntryHeader(path: path, kind: .symbolicLink(target: target), mode: 0o777, modificationSeconds: creation))
}

func contents(_ entries: [ArchiveInput], top: String = "blue", facts: [JSONMember] = []) -> ArchiveContents {
    ArchiveContents(
        topFolder: top, creationSeconds: creation, backupJSON: backupJSON, facts: facts, entries: entries)
}

/// Every sort of entry that a backup can hold, the largest over several of the frames of ``smallFrames``.
func variedEntries() -> [ArchiveInput] {
    [
        file("objects.ndjson", Array("{\"key\":\"/registry/pods/a/b\"}\n".utf8)),
        file("datastore/state.db", noise(300_000, seed: 1), nanoseconds: 123_456_789),
        directory("server", mode: 0o700),
        directory("server/empty"),
        directory("server/\(String(repeating: "ü", count: 100))/\(String(repeating: "y", count: 90))"),
        file("server/token", Array("K10abc::server:def\n".utf8), mode: 0o400, uid: 1000, gid: 3_000_000_000),
        file("server/nothing", [], mode: 0o644, seconds: 5, nanoseconds: 999_999_999),
        file("server/\(String(repeating: "long name ", count: 20))/\(String(repeating: "x", count: 255))", [1, 2, 3]),
        file("server/tls/é☃.crt", noise(5000, seed: 2), mode: 0o4755),
        // The same letter in its other spelling is another file.
        file("server/tls/e\u{301}☃.crt", noise(512, seed: 3), seconds: 1, nanoseconds: 1),
        link("server/tls/current", to: "../tls/é☃.crt"),
        link("server/tls/long", to: String(repeating: "d/", count: 90) + "end"),
        file("config/back\\slash and\nline end", Array("x".utf8)),
        file("host/ConfigMap/kube-root-ca.crt.yaml", noise(511, seed: 4)),
    ]
}

let smallFrames = ArchiveOptions(sharedFrameSize: 16 << 10, ownFrameSize: 64 << 10)

func write(
    _ contents: ArchiveContents, workers: Int = 2, options: ArchiveOptions = smallFrames
) throws(Failure) -> (bytes: [UInt8], summary: ArchiveSummary) {
    let sink = CollectingSink()
    let summary = try ArchiveWriter(workers: workers, options: options).write(contents, to: sink)
    return (sink.bytes, summary)
}

@discardableResult
func verify(
    _ bytes: [UInt8], workers: Int = 2, delivering receiver: (any EntryReceiver)? = nil
) throws(Failure) -> VerifiedArchive {
    try ArchiveReader(MemorySource(bytes), name: "blue.tar.zst").verify(workers: workers, delivering: receiver)
}
