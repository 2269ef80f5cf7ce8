import Archive
import Datastore
import Failures
import Files

/// Gets every entry while an archive is verified: keeps what the deep check needs, tells how far it is, and stops
/// when it is asked to.
final class CheckReceiver: EntryReceiver {
    private let context: OperationContext
    private let total: UInt64
    private let database: (path: String, sink: any ByteSink)?
    private let wanted: Set<String>
    private var isDatabase = false
    private var keeps: String?
    private var done: UInt64 = 0
    private var told: UInt64 = 0
    /// The bytes of the small files that were asked for, by path.
    private(set) var files: [String: [UInt8]] = [:]

    private static let largestKept: UInt64 = 1 << 20

    init(
        _ context: OperationContext, total: UInt64, database: (path: String, sink: any ByteSink)? = nil,
        wanted: Set<String> = []
    ) {
        self.context = context
        self.total = total
        self.database = database
        self.wanted = wanted
    }

    func begin(_ header: EntryHeader) throws(Failure) {
        isDatabase = header.path == database?.path
        keeps = wanted.contains(header.path) && header.size <= Self.largestKept ? header.path : nil
        if let keeps, header.kind == .file { files[keeps] = [] }
    }

    func content(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        try context.checkStop()
        if isDatabase { try database?.sink.write(bytes) }
        if let keeps { files[keeps, default: []].append(contentsOf: bytes) }
        done += UInt64(bytes.count)
        if done - told >= 4 << 20 {
            told = done
            context.report(.bytes(Int64(clamping: done), of: Int64(clamping: total)))
        }
    }

    func end() {}
}
