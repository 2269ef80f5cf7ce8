import CLinux
import Failures
import Files
import Glibc

/// Wakes a thread that waits for descriptors: one side rings, the other sees something to read and answers.
final class WakeCall: Sendable {
    private let reading: FileDescriptor
    private let writing: FileDescriptor

    init() throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else { throw Failure.system("create", "a pipe", errno) }
        reading = FileDescriptor(owning: ends[0], path: "(wake)")
        writing = FileDescriptor(owning: ends[1], path: "(wake)")
    }

    /// Can be read from a ring to its answer.
    var descriptor: Int32 { reading.raw }

    /// A pipe that is full has rung already.
    func ring() {
        var byte: UInt8 = 1
        _ = Glibc.write(writing.raw, &byte, 1)
    }

    func answer() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while Glibc.read(reading.raw, &bytes, bytes.count) > 0 {}
    }
}
