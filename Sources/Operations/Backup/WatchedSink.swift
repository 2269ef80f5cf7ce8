import Failures
import Files
import Synchronization

/// Passes an archive's bytes on, tells how many there are, and stops between two pieces when that is wanted.
final class WatchedSink: ByteSink {
    private let sink: any ByteSink
    private let context: OperationContext
    private let count = Mutex<Int64>(0)

    init(_ sink: any ByteSink, _ context: OperationContext) {
        self.sink = sink
        self.context = context
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try context.checkStop()
        try sink.write(bytes)
        let total = count.withLock { count in
            count += Int64(bytes.count)
            return count
        }
        context.report(.bytes(total, of: nil))
    }
}
