internal import CLinux
internal import Failures
internal import Files
internal import Glibc
internal import Synchronization

/// The one thread of a ``MetricsServer``: it waits for nobody in particular, so that nobody can hold it up.
final class MetricsLoop: Sendable {
    private static let retryAccept: Int32 = 100

    private let unusedListener: Mutex<FileDescriptor?>
    private let stopSignal: StopSignal
    private let pages: MetricsServer.Pages
    private let limits: MetricsServer.Limits
    private let uptime: @Sendable () -> Duration

    init(
        _ listener: consuming FileDescriptor, _ stopSignal: StopSignal, _ pages: MetricsServer.Pages,
        _ limits: MetricsServer.Limits, _ uptime: @escaping @Sendable () -> Duration
    ) {
        unusedListener = Mutex(listener)
        self.stopSignal = stopSignal
        self.pages = pages
        self.limits = limits
        self.uptime = uptime
    }

    func run() {
        // Owned by this call, so that the port is free when it returns.
        guard let listener = unusedListener.withLock({ $0.take() }) else { return }
        // The oldest first.
        var connections: [MetricsConnection] = []
        while true {
            var polled = [pollfd(fd: stopSignal.reading.raw, events: Int16(POLLIN), revents: 0)]
            polled.append(pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0))
            polled += connections.map { pollfd(fd: $0.socket.raw, events: $0.events, revents: 0) }
            _ = poll(&polled, nfds_t(polled.count), patience(connections.first))
            if polled[0].revents != 0 { return }
            for (connection, state) in zip(connections, polled.dropFirst(2)) where state.revents != 0 {
                connection.proceed(pages)
            }
            let now = uptime()
            connections.removeAll { $0.isDone || $0.deadline <= now }
            if polled[1].revents != 0 { accept(from: listener, into: &connections, now) }
        }
    }

    private func accept(
        from listener: borrowing FileDescriptor, into connections: inout [MetricsConnection], _ now: Duration
    ) {
        while true {
            let raw = daytwo_accept(listener.raw)
            if raw < 0 {
                let number = errno
                guard [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(number) else { return }
                // The listener stays readable: without a pause this would spin.
                if connections.isEmpty { pause() } else { connections.removeFirst() }
                return
            }
            if connections.count >= max(1, limits.connections) { connections.removeFirst() }
            let socket = FileDescriptor(owning: raw, path: "(connection)")
            connections.append(MetricsConnection(socket, deadline: now + limits.time))
        }
    }

    private func pause() {
        var polled = pollfd(fd: stopSignal.reading.raw, events: Int16(POLLIN), revents: 0)
        _ = poll(&polled, 1, Self.retryAccept)
    }

    /// Milliseconds until the oldest connection is over, or without end.
    private func patience(_ oldest: MetricsConnection?) -> Int32 {
        guard let oldest else { return -1 }
        return Int32(min(max((oldest.deadline - uptime()) / .milliseconds(1), 0), 60_000)) + 1
    }
}

/// One request and its answer.
final class MetricsConnection {
    private enum State {
        case reading, writing, done
    }

    private static let largestRequest = 8192

    let socket: FileDescriptor
    let deadline: Duration
    private var state = State.reading
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var sent = 0

    init(_ socket: consuming FileDescriptor, deadline: Duration) {
        self.socket = socket
        self.deadline = deadline
    }

    var isDone: Bool { state == .done }
    var events: Int16 { Int16(state == .writing ? POLLOUT : POLLIN) }

    /// Does what can be done without waiting.
    func proceed(_ pages: MetricsServer.Pages) {
        if state == .reading { read(pages) }
        if state == .writing { write() }
    }

    private func read(_ pages: MetricsServer.Pages) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket.raw, &buffer, buffer.count, 0)
        guard count > 0 else {
            if count == 0 || !isTemporary(errno) { state = .done }
            return
        }
        input += buffer.prefix(count)
        let text = String(decoding: input, as: UTF8.self)
        if text.contains("\r\n\r\n") || text.contains("\n\n") {
            output = MetricsAnswer(to: text, pages).bytes
        } else if input.count > Self.largestRequest {
            output = MetricsAnswer.tooLarge.bytes
        } else {
            return
        }
        state = .writing
    }

    private func write() {
        let count = output[sent...].withUnsafeBytes {
            send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count >= 0 else {
            if !isTemporary(errno) { state = .done }
            return
        }
        sent += count
        guard sent == output.count else { return }
        // The end comes before the reset that closing means while there is unread input: the answer arrives.
        shutdown(socket.raw, Int32(SHUT_WR))
        state = .done
    }

    private func isTemporary(_ number: Int32) -> Bool { number == EAGAIN || number == EINTR }
}
