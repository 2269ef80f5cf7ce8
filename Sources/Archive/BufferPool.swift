import Failures
import Glibc
import Threads

/// Equally large blocks of memory that go from thread to thread by their number.
///
/// `@unchecked Sendable`: a number is held by one thread at a time, handed over through a ``Monitor``.
final class BufferPool: @unchecked Sendable {
    private let blocks: UnsafeMutableRawBufferPointer
    private let size: Int

    /// Reserves memory straight from the system: pages that are never touched cost nothing, and all go back at once.
    init(count: Int, size: Int) throws(Failure) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        self.size = (max(size, 1) + page - 1) / page * page
        let length = self.size * count
        let address = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else {
            throw Failure(
                .failed, "no memory for \(count) buffers of \(size) bytes", why: String(cString: strerror(errno)),
                next: "Use fewer workers.")
        }
        blocks = UnsafeMutableRawBufferPointer(start: address, count: length)
    }

    deinit { munmap(blocks.baseAddress, blocks.count) }

    /// Gives the memory back to the system; the buffers can still be used, and begin as zeros.
    func giveBack() { _ = madvise(blocks.baseAddress, blocks.count, MADV_DONTNEED) }

    func buffer(_ number: Int, length: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: blocks[(number * size)..<(number * size + length)])
    }
}
