import CLinux
import Failures
import Files
import Glibc
import Synchronization

/// Wakes a thread that waits for descriptors: one side rings, the other sees something to read and answers.
final class WakeCall: Sendable {
    private let reading: FileDescriptor
    private let writing: FileDescriptor
    /// Whoever asks all the time learns from it that nobody has rung, without a call of the system.
    private let isRung = Atomic(false)

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
        // Afterwards: an answer in between takes the byte as well, and the next one finds none.
        isRung.store(true, ordering: .releasing)
    }

    func answer() {
        guard isRung.exchange(false, ordering: .acquiring) else { return }
        var bytes = [UInt8](repeating: 0, count: 64)
        while Glibc.read(reading.raw, &bytes, bytes.count) > 0 {}
    }
}
