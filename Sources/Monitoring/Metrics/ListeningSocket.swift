internal import CLinux
internal import Failures
internal import Files
internal import Glibc

/// Wakes a thread that waits in poll.
final class StopSignal: Sendable {
    let reading: FileDescriptor
    private let writing: FileDescriptor

    init() throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard daytwo_pipe(&ends) == 0 else { throw Failure.system("create", "a pipe", errno) }
        reading = FileDescriptor(owning: ends[0], path: "(stop)")
        writing = FileDescriptor(owning: ends[1], path: "(stop)")
    }

    func send() {
        var byte: UInt8 = 1
        _ = write(writing.raw, &byte, 1)
    }
}

/// A socket that listens, inherited by nobody and never waiting.
func listen(on address: ListenAddress) throws(Failure) -> FileDescriptor {
    func failure(_ number: Int32) -> Failure {
        Failure.system("listen on", address.description, number).with(
            next: "Choose another port or address, or stop what listens there.")
    }
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let raw = socket(address.family, kind, 0)
    guard raw >= 0 else { throw failure(errno) }
    let listener = FileDescriptor(owning: raw, path: address.description)
    // A restart must not wait for connections of the one before to be forgotten.
    var yes: Int32 = 1
    setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard address.withSystemAddress({ bind(raw, $0, $1) }) == 0, Glibc.listen(raw, 64) == 0 else {
        throw failure(errno)
    }
    return listener
}

/// The port that a socket got.
func boundPort(of listener: borrowing FileDescriptor) throws(Failure) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let raw = listener.raw
    let number = withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, $0, &length) } == 0 ? 0 : errno
    }
    guard number == 0 else { throw Failure.system("listen on", listener.path, number) }
    // The port is in the same place for both families.
    return withUnsafeBytes(of: &storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian }
}

extension Failure {
    fileprivate func with(next: String) -> Failure {
        Failure(code, what, why: why, next: next, cause: cause)
    }
}
