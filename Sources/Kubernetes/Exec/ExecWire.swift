import Failures
internal import Transfer

/// The connection of an exec with its deadlines. It reads and writes without waiting; only ``pause`` waits.
struct ExecWire: ~Copyable {
    private static let step: Duration = .milliseconds(100)
    /// Several records of TLS (16 KiB each), which the connection gives one by one.
    private static let readSize = 256 << 10

    let surroundings: Surroundings
    private let connection: RawConnection
    private(set) var wasStopped = false
    private(set) var hasEnded = false
    /// How the connection broke, after what came before that was handed over.
    private var breakage: Failure?
    /// A descriptor that ends a wait early when it can be read.
    var wake: Int32?

    init(_ connection: consuming RawConnection, _ surroundings: Surroundings) {
        self.connection = connection
        self.surroundings = surroundings
    }

    var place: String { connection.place }

    /// Sends what goes now, and says how many bytes that were.
    func send(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
        // The standard library's function does not pass on which error is thrown.
        let result = bytes.withUnsafeBytes { buffer -> Result<Int, Failure> in
            do throws(Failure) { return .success(try connection.send(buffer)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Takes what is there now; empty when nothing is.
    mutating func receive() throws(Failure) -> [UInt8] {
        guard !hasEnded else { return [] }
        if let breakage { throw breakage }
        var ended = false
        var failure: Failure?
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.readSize) { buffer, size in
            do throws(Failure) {
                while size < buffer.count {
                    let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[size...]))
                    guard let count = try connection.receive(into: rest) else { return }
                    ended = count == 0
                    if ended { return }
                    size += count
                }
            } catch {
                failure = error
            }
        }
        hasEnded = ended
        breakage = failure
        if let failure, bytes.isEmpty { throw failure }
        return bytes
    }

    /// Waits a short while, or until something can be done.
    mutating func pause(writing: Bool) throws(Failure) {
        try checkStop()
        connection.wait(reading: !hasEnded, writing: writing, atMost: Self.step, or: wake)
    }

    mutating func checkStop() throws(Failure) {
        do throws(Failure) {
            try surroundings.checkStop()
        } catch {
            wasStopped = true
            throw error
        }
    }

    /// Sends all of it.
    mutating func write(_ bytes: [UInt8], until deadline: Duration) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try send(rest)
            rest = rest.dropFirst(count)
            if count == 0 { try pause(until: deadline, writing: true) }
        }
    }

    /// The head of the answer, and what came after it already.
    mutating func head(until deadline: Duration) throws(Failure) -> (UpgradeHead, [UInt8]) {
        var bytes: [UInt8] = []
        while true {
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                return (try UpgradeHead(bytes[..<end.lowerBound]), Array(bytes[end.upperBound...]))
            }
            guard bytes.count < WebSocketHandshake.largestHead else {
                throw Failure(.refused, "the answer of \(place) has a head without end")
            }
            let piece = try receive()
            bytes += piece
            if piece.isEmpty {
                guard !hasEnded else { throw ended }
                try pause(until: deadline, writing: false)
            }
        }
    }

    /// The body of an answer that is no upgrade, as much of it as comes.
    mutating func body(of head: UpgradeHead, _ first: [UInt8], until deadline: Duration) throws(Failure) -> [UInt8] {
        var bytes = first
        while true {
            if let body = UpgradeBody.whole(head, bytes, isAtEnd: hasEnded) { return body }
            guard bytes.count < WebSocketHandshake.largestBody else { return [] }
            let piece = try receive()
            bytes += piece
            if piece.isEmpty, !hasEnded { try pause(until: deadline, writing: false) }
        }
    }

    private mutating func pause(until deadline: Duration, writing: Bool) throws(Failure) {
        guard surroundings.uptime() < deadline else {
            throw Failure(
                .unreachable, "\(place) did not answer in time", cause: NoAnswerError(mayHaveArrived: true))
        }
        try pause(writing: writing)
    }

    private var ended: Failure {
        Failure(
            .unreachable, "\(place) ended the connection without an answer", cause: NoAnswerError(mayHaveArrived: true))
    }
}
