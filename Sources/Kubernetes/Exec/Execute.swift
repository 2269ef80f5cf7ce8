public import Failures

/// What a short command gave.
public struct ExecResult: Sendable, Hashable {
    /// Its exit status.
    public let status: Int
    /// What it wrote to standard output.
    public let output: [UInt8]
    /// The beginning of what it wrote to standard error.
    public let errors: [UInt8]

    /// Puts one together.
    public init(status: Int, output: [UInt8], errors: [UInt8] = []) {
        self.status = status
        self.output = output
        self.errors = errors
    }
}

extension KubernetesClient {
    /// Runs a command to its end and gathers what it writes, at most `limit` bytes of each.
    ///
    /// Throws `refused` for more output, `unreachable` when it takes longer than `deadline`, and as ``exec(_:)`` and
    /// ``ExecSession`` do. A status other than 0 is no failure. Input that the command must see the end of needs a
    /// server that speaks v5.
    public func execute(
        _ command: ExecRequest, input: [UInt8] = [], limit: Int = 1 << 20, deadline: Duration
    ) throws(Failure) -> ExecResult {
        var command = command
        command.hasInput = !input.isEmpty
        let last = surroundings.uptime() + deadline
        var client = self
        let (outer, pod) = (surroundings, command.pod)
        client.surroundings.checkStop = { () throws(Failure) in
            try outer.checkStop()
            guard outer.uptime() < last else {
                throw Failure(.unreachable, "a command in \(pod) took longer than \(deadline)")
            }
        }
        let session = try client.exec(command)
        var gathered = Gathered(limit: limit)
        if !input.isEmpty, try session.send(input, received: { event throws(Failure) in try gathered.take(event) }),
            session.canCloseInput
        {
            try session.closeInput { event throws(Failure) in try gathered.take(event) }
        }
        while true {
            let event = try session.receive()
            try gathered.take(event)
            guard case .ended(let end) = event else { continue }
            session.close()
            return ExecResult(status: end.status, output: gathered.output, errors: gathered.errors)
        }
    }
}

private struct Gathered {
    let limit: Int
    var output: [UInt8] = []
    var errors: [UInt8] = []

    mutating func take(_ event: ExecEvent) throws(Failure) {
        switch event {
        case .output(let bytes):
            guard bytes.count <= limit - output.count else {
                throw Failure(.refused, "a command wrote more than the \(limit) bytes that are taken")
            }
            output += bytes
        case .error(let bytes): errors += bytes.prefix(limit - errors.count)
        case .ended: break
        }
    }
}
