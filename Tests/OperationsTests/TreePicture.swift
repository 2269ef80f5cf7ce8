import Crypto
import Files
import Foundation

/// A directory as it is, file by file: kind, mode, owner, time to the nanosecond, content.
///
/// SQLite's shared memory and an empty log are left out, because reading makes and removes them; and so are, by
/// their relative paths, times that cannot be the same.
struct TreePicture: Equatable {
    private(set) var files: [String: String] = [:]

    init(_ root: String, withoutTimes: Set<String> = ["db"]) throws {
        guard try FileStatus.ifPresent(root) != nil else { return }
        files["."] = "there"
        for entry in try walkTree(root) {
            let status = entry.status
            if entry.path.hasSuffix("-shm") || (entry.path.hasSuffix("-wal") && status.size == 0) { continue }
            var line = "\(status.kind.rawValue) \(String(status.mode, radix: 8)) \(status.uid):\(status.gid)"
            if !withoutTimes.contains(entry.path) {
                line += " \(status.modified.seconds).\(status.modified.nanoseconds)"
            }
            switch status.kind {
            case .regular: line += " \(status.size) \(try Self.digest("\(root)/\(entry.path)"))"
            case .symbolicLink: line += " -> \(entry.linkTarget ?? "")"
            default: break
            }
            files[entry.path] = line
        }
    }

    /// The restored set: its database was written when it was staged.
    static func restored(_ root: String) throws -> TreePicture {
        try TreePicture(root, withoutTimes: ["db", "db/state.db"])
    }

    var isEmpty: Bool { files.isEmpty }

    /// What differs, for a person.
    func differences(_ other: TreePicture) -> [String] {
        Set(files.keys).union(other.files.keys).sorted().filter { files[$0] != other.files[$0] }
            .map { "\($0): \(files[$0] ?? "absent") | \(other.files[$0] ?? "absent")" }
    }

    private static func digest(_ path: String) throws -> String {
        let file = try OpenFile(path)
        var hasher = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: UInt64 = 0
        while offset < file.size {
            let count = Int(min(UInt64(buffer.count), file.size - offset))
            try buffer.withUnsafeMutableBytes { bytes in
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                try file.read(into: part, at: offset)
                hasher.update(bufferPointer: UnsafeRawBufferPointer(part))
            }
            offset += UInt64(count)
        }
        return hasher.finalize().map { String($0, radix: 16) }.joined(separator: ".")
    }
}
