import Failures
import Files

/// Merges sorted runs of a scratch file; a heap holds the next record of each.
struct RunMerge {
    private var heap: [RunCursor] = []
    private var current: RunCursor?

    init(runs: [ExternalSort.RunRange], in file: OpenScratch) throws(Failure) {
        for run in runs {
            let cursor = RunCursor(run, in: file)
            if try cursor.advance() { push(cursor) }
        }
    }

    /// The next record, valid until the next call; nil at the end.
    mutating func next() throws(Failure) -> ExternalSort.Record? {
        if let last = current, try last.advance() {
            guard let first = heap.first, RecordLayout.precedes(first.record, last.record) else { return last.record }
            heap[0] = last
            sink()
            current = first
        } else {
            current = pop()
        }
        return current?.record
    }

    private mutating func push(_ cursor: RunCursor) {
        heap.append(cursor)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard RecordLayout.precedes(heap[child].record, heap[parent].record) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> RunCursor? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        sink()
        return first
    }

    /// Moves the first cursor to where it belongs.
    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if RecordLayout.precedes(heap[child].record, heap[least].record) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

/// Reads one run from front to back through a buffer of its own.
final class RunCursor {
    private let file: OpenScratch
    private var next: UInt64
    private let end: UInt64
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var filled = 0
    private(set) var record: ExternalSort.Record

    init(_ run: ExternalSort.RunRange, in file: OpenScratch) {
        self.file = file
        next = run.start
        end = run.end
        buffer = .allocate(byteCount: 256 << 10, alignment: 16)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        record = ExternalSort.Record(key: empty, number: 0, payload: empty)
    }

    deinit { buffer.deallocate() }

    /// Goes to the next record; false at the end of the run.
    func advance() throws(Failure) -> Bool {
        if filled - start < RecordLayout.headerCount { try refill(atLeast: RecordLayout.headerCount) }
        guard filled > start else { return false }
        let (key, payload) = RecordLayout.counts(in: UnsafeRawBufferPointer(buffer), at: start)
        let count = RecordLayout.headerCount + key + payload
        if filled - start < count { try refill(atLeast: count) }
        record = RecordLayout.record(in: UnsafeRawBufferPointer(buffer), at: start)
        start += count
        return true
    }

    private func refill(atLeast count: Int) throws(Failure) {
        let rest = filled - start
        let target: UnsafeMutableRawBufferPointer =
            count > buffer.count ? .allocate(byteCount: count * 2, alignment: 16) : buffer
        if rest > 0, let to = target.baseAddress, let from = buffer.baseAddress {
            to.copyMemory(from: from + start, byteCount: rest)  // which allows the two to overlap
        }
        if target.baseAddress != buffer.baseAddress {
            buffer.deallocate()
            buffer = target
        }
        start = 0
        let wanted = min(buffer.count - rest, Int(end - next))
        if wanted > 0 {
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[rest..<rest + wanted]), at: next)
        }
        next += UInt64(wanted)
        filled = rest + wanted
    }
}
