internal import CLinux
internal import Failures
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Runs a program behind an exec, with back-pressure both ways.
enum ExecProcess {
    private typealias Pipe = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            throw Failure(.failed, "cannot create a pipe", why: String(cString: strerror(errno)))
        }
        return (ends[0], ends[1])
    }

    static func run(
        _ program: String, _ arguments: [String], environment: [String: String], directory: String, _ input: ExecInput,
        _ wire: ExecWire
    ) async throws -> Int32 {
        let (stdin, stdout, stderr) = (try pipe(), try pipe(), try pipe())
        let process: ContainerProcess
        do {
            defer { for end in [stdin.reading, stdout.writing, stderr.writing] { close(end) } }
            process = try ContainerProcess(
                program, arguments, environment: environment, directory: directory, input: stdin.reading,
                output: stdout.writing, errors: stderr.writing)
        } catch {
            for end in [stdin.writing, stdout.reading, stderr.reading] { close(end) }
            throw error
        }
        let group = MultiThreadedEventLoopGroup.singleton
        let output = try await NIOPipeBootstrap(group: group).takingOwnershipOfDescriptor(input: stdout.reading) {
            wrap($0)
        }
        let errors = try await NIOPipeBootstrap(group: group).takingOwnershipOfDescriptor(input: stderr.reading) {
            wrap($0)
        }
        let sink = try await NIOPipeBootstrap(group: group).takingOwnershipOfDescriptor(output: stdin.writing) {
            wrap($0)
        }
        let feeding = Task { await feed(input, sink) }
        defer { feeding.cancel() }
        do {
            async let mistakes: Void = forward(errors, 2, wire)
            try await forward(output, 1, wire)
            try await mistakes
        } catch is ContainerDied {
            process.signal(SIGKILL)
            return await process.end()
        } catch {
            // The client is gone: nobody reads what the program writes.
            process.signal(SIGTERM)
            _ = await process.end()
            throw error
        }
        return await process.end()
    }

    private static func wrap(_ channel: any Channel) -> EventLoopFuture<Pipe> {
        channel.eventLoop.makeCompletedFuture { try Pipe(wrappingChannelSynchronously: channel) }
    }

    private static func forward(_ pipe: Pipe, _ number: UInt8, _ wire: ExecWire) async throws {
        try await pipe.executeThenClose { inbound, _ in
            for try await buffer in inbound { try await wire.write(number, Array(buffer.readableBytesView)) }
        }
    }

    /// Input goes on until the client closes it, or the program no longer reads.
    private static func feed(_ input: ExecInput, _ sink: Pipe) async {
        do {
            try await sink.executeThenClose { _, outbound in
                while let bytes = try await input.next() { try await outbound.write(bytes) }
            }
            // Closing the input of version 5 does not end the connection: pings still come.
            while !input.hasEnded { _ = try await input.next() }
        } catch {
            // The program ended first; the rest of the input is of no use.
            do { while try await input.next() != nil {} } catch {}
        }
    }
}
