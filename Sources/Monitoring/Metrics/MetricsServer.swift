public import Failures
internal import Files
internal import Threads

/// Serves `/metrics` and `/healthz` to scrapers: GET and HEAD, one thread, bounded in connections, bytes and time.
public final class MetricsServer: Sendable {
    /// What the pages are made from; called on the server's thread.
    public struct Pages: Sendable {
        /// The metrics; see ``FleetStatus/metrics()``.
        public var metrics: @Sendable () throws(Failure) -> [UInt8]
        /// Why it is not well (503), or nil when it is (200).
        public var illness: @Sendable () -> String?

        /// Creates the pages.
        public init(
            metrics: @escaping @Sendable () throws(Failure) -> [UInt8],
            illness: @escaping @Sendable () -> String? = { nil }
        ) {
            self.metrics = metrics
            self.illness = illness
        }
    }

    /// What a client may take.
    public struct Limits: Sendable {
        /// Connections at once; the longest idle one gives way to a new one.
        public var connections: Int
        /// How long a connection may last, in all.
        public var time: Duration

        /// Creates limits.
        public init(connections: Int = 32, time: Duration = .seconds(10)) {
            self.connections = connections
            self.time = time
        }
    }

    /// Where it listens, with the port that it got.
    public let address: ListenAddress
    private let stopSignal: StopSignal
    private let thread: OwnedThread

    /// Starts to listen. Throws `denied` or `failed` where the address or port cannot be had.
    public init(
        on address: ListenAddress, _ pages: Pages, limits: Limits = Limits(),
        uptime: @escaping @Sendable () -> Duration
    ) throws(Failure) {
        let listener = try listen(on: address)
        self.address = ListenAddress(host: address.host, port: try boundPort(of: listener))
        let stopSignal = try StopSignal()
        self.stopSignal = stopSignal
        let loop = MetricsLoop(listener, stopSignal, pages, limits, uptime)
        thread = try OwnedThread { () throws(Failure) in loop.run() }
    }

    deinit { stopSignal.send() }

    /// Ends all connections and the thread, and waits for that; call it once.
    public func stop() {
        stopSignal.send()
        _ = thread.result()
    }
}
