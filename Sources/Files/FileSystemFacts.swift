internal import CLinux
public import Failures
import Glibc

/// What is known of the file system that a path lies on.
public struct FileSystemFacts: Sendable, Hashable {
    /// Its type as `mount` names it, or its magic number in hex.
    public let typeName: String
    /// Whether other machines may write to it, or its data is not on this one: locks and shared memory cannot be relied on.
    public let isNetwork: Bool
    /// Whether it lives in memory and is gone with the machine.
    public let isVolatile: Bool
    /// The bytes that a writer without privileges can still have.
    public let freeBytes: UInt64
    /// The device number.
    public let device: UInt64

    /// Asks for the file system of an existing path.
    public init(of path: String) throws(Failure) {
        // O_PATH: needs no right to read, and wakes no device or pipe.
        let file = try FileDescriptor(opening: path, daytwo_O_PATH)
        device = try file.status().device
        let magic = daytwo_file_system_type(file.raw)
        guard magic >= 0 else { throw Failure.system("look at the file system of", path, errno) }
        let free = daytwo_free_bytes(file.raw)
        guard free >= 0 else { throw Failure.system("look at the file system of", path, errno) }
        freeBytes = UInt64(free)
        let known = Self.known[UInt32(truncatingIfNeeded: magic)]
        typeName = known?.name ?? "0x" + String(magic, radix: 16)
        isNetwork = known?.isNetwork ?? false
        isVolatile = ["tmpfs", "ramfs"].contains(typeName)
    }

    // From linux/magic.h and the file systems' own headers.
    private static let known: [UInt32: (name: String, isNetwork: Bool)] = [
        0xEF53: ("ext4", false), 0x5846_5342: ("xfs", false), 0x9123_683E: ("btrfs", false),
        0x2FC1_2FC1: ("zfs", false), 0xF2F5_2010: ("f2fs", false), 0xCA45_1A4E: ("bcachefs", false),
        0x0102_1994: ("tmpfs", false), 0x8584_58F6: ("ramfs", false), 0x794C_7630: ("overlay", false),
        0x4D44: ("vfat", false), 0x2011_BAB0: ("exfat", false), 0x7366_746E: ("ntfs3", false),
        0x7371_7368: ("squashfs", false), 0x9660: ("iso9660", false), 0x9FA0: ("proc", false),
        0x6265_6572: ("sysfs", false), 0x5265_4973: ("reiserfs", false), 0x3153_464A: ("jfs", false),
        0x6969: ("nfs", true), 0x517B: ("smb", true), 0xFF53_4D42: ("cifs", true), 0xFE53_4D42: ("smb2", true),
        0x0102_1997: ("9p", true), 0x6573_5546: ("fuse", true), 0x00C3_6400: ("ceph", true),
        0x5346_414F: ("afs", true), 0x6B41_4653: ("kafs", true), 0x7375_7245: ("coda", true),
        0x0BD0_0BD0: ("lustre", true), 0x0116_1970: ("gfs2", true), 0x7461_636F: ("ocfs2", true),
        0x786F_4256: ("vboxsf", true), 0x564C: ("ncp", true), 0x4750_4653: ("gpfs", true),
        0xBACB_ACBC: ("vmhgfs", true), 0x2003_0528: ("orangefs", true), 0x1983_0326: ("beegfs", true),
        0xAAD7_AAEA: ("panfs", true), 0x5346_544E: ("ntfs", false),
    ]
}

/// Whether a file system is mounted at this very path, bind mounts included. A link is not followed.
public func isMountPoint(_ path: String) throws(Failure) -> Bool {
    let status = try FileStatus(of: path)
    if let known = status.isMountRoot { return known }
    // Before Linux 5.8: another device than the directory above, or a line in mountinfo (same device, bind mount).
    let parent = try FileStatus(of: splitPath(path).directory, following: true)
    if status.kind == .directory, status.device != parent.device { return true }
    guard status.kind != .symbolicLink, let resolved = realpath(path, nil) else { return false }
    defer { free(resolved) }
    return try mountPoints().contains(String(cString: resolved))
}

/// The mount points of this process, with the octal escapes of mountinfo undone.
func mountPoints() throws(Failure) -> Set<String> {
    let file = try FileDescriptor(opening: "/proc/self/mountinfo")
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while text.count < 16 << 20 {
        let offset = UInt64(text.count)
        let count = try buffer.withMutableBytes { bytes throws(Failure) in try file.read(into: bytes, at: offset) }
        if count == 0 { break }
        text += buffer[..<count]
    }
    var points: Set<String> = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
        let fields = line.split(separator: UInt8(ascii: " "))
        if fields.count > 4 { points.insert(unescapeMount(fields[4])) }
    }
    return points
}

func unescapeMount(_ field: ArraySlice<UInt8>) -> String {
    var result: [UInt8] = []
    var rest = field
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), rest.count >= 3,
            let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
        {
            result.append(value)
            rest = rest.dropFirst(3)
        } else {
            result.append(byte)
        }
    }
    return String(decoding: result, as: UTF8.self)
}
