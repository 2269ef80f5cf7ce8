import Failures
import Threads

/// Makes the input of one frame after the other, on one thread of its own.
protocol FrameProducer {
    /// What it knows after the last frame.
    associatedtype Outcome: Sendable
    /// Fills the buffer with the input of a frame.
    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer, frame: Int) throws(Failure)
    /// Called once, after the last frame was filled.
    consuming func finish() throws(Failure) -> Outcome
}

/// Turns the input of a frame into its output. Each worker has one.
protocol FrameTransform: ~Copyable {
    /// Returns the length of the output.
    mutating func transform(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, frame: Int
    ) throws(Failure) -> Int
}

/// Frames through a producer, workers side by side, and the caller, who takes them in their order.
///
/// Memory is bounded by buffers, not by frames: one input more than workers, and as many outputs. Outputs are given out
/// in the order of the frames, so the frame that the caller waits for always has one.
struct FramePipeline {
    let workers: Int
    let inputSizes: @Sendable (Int) -> Int
    let outputSizes: @Sendable (Int) -> Int
    let frames: Int

    private struct State: Sendable {
        var freeInputs: [Int]
        var freeOutputs: [Int]
        var filled: [(frame: Int, input: Int)] = []
        var finished: [Int: (output: Int, length: Int)] = [:]
        var isFilled = false
        var failure: Failure?
    }

    /// Runs until every frame was taken or anything failed; no thread outlives the call.
    func run<Producer: FrameProducer, Transform: FrameTransform & ~Copyable>(
        producer makeProducer: @escaping @Sendable () throws(Failure) -> Producer,
        transform makeTransform: @escaping @Sendable () throws(Failure) -> Transform,
        take: (UnsafeRawBufferPointer, Int) throws(Failure) -> Void
    ) throws(Failure) -> Producer.Outcome {
        let buffers = max(1, workers) + 1
        let inputs = try BufferPool(count: buffers, size: (0..<frames).reduce(0) { max($0, inputSizes($1)) })
        let outputs = try BufferPool(count: buffers, size: (0..<frames).reduce(0) { max($0, outputSizes($1)) })
        let state = Monitor(State(freeInputs: Array(0..<buffers), freeOutputs: Array(0..<buffers)))
        let outcome = Monitor<Producer.Outcome?>(nil)
        var threads: [OwnedThread] = []
        do throws(Failure) {
            threads.append(
                try OwnedThread { [self] in
                    Self.guarded(state) { () throws(Failure) in
                        let result = try produce(makeProducer(), into: inputs, state)
                        outcome.change { $0 = result }
                    }
                })
            for _ in 0..<max(1, workers) {
                threads.append(
                    try OwnedThread { [self] in
                        Self.guarded(state) { () throws(Failure) in
                            try work(makeTransform(), from: inputs, into: outputs, state)
                        }
                    })
            }
            for frame in 0..<frames {
                let done: (output: Int, length: Int)? = state.wait { state in
                    if state.failure != nil { return .some(nil) }
                    return state.finished.removeValue(forKey: frame).map { .some($0) }
                }
                guard let done else { break }
                try take(UnsafeRawBufferPointer(outputs.buffer(done.output, length: done.length)), frame)
                state.change { $0.freeOutputs.append(done.output) }
            }
        } catch {
            state.change { $0.failure = $0.failure ?? error }
        }
        // Every way out passes here, so no thread is left that uses the buffers.
        for thread in threads { _ = thread.result() }
        if let failure = state.change({ $0.failure }) { throw failure }
        guard let result = outcome.change({ $0 }) else {
            throw Failure(.failed, "the frames ended without a result")
        }
        return result
    }

    private static func guarded(_ state: Monitor<State>, _ body: () throws(Failure) -> Void) {
        do throws(Failure) { try body() } catch { state.change { $0.failure = $0.failure ?? error } }
    }

    private func produce<Producer: FrameProducer>(
        _ made: Producer, into inputs: BufferPool, _ state: Monitor<State>
    ) throws(Failure) -> Producer.Outcome? {
        var producer = made
        for frame in 0..<frames {
            let input: Int? = state.wait { state in
                state.failure != nil ? .some(nil) : state.freeInputs.popLast().map { .some($0) }
            }
            guard let input else { return nil }
            try producer.fill(inputs.buffer(input, length: inputSizes(frame)), frame: frame)
            state.change { $0.filled.append((frame, input)) }
        }
        let outcome = try producer.finish()
        state.change { $0.isFilled = true }
        return outcome
    }

    private func work<Transform: FrameTransform & ~Copyable>(
        _ made: consuming Transform, from inputs: BufferPool, into outputs: BufferPool, _ state: Monitor<State>
    ) throws(Failure) {
        var transform = made
        while true {
            let job: (frame: Int, input: Int, output: Int)? = state.wait { state in
                if state.failure != nil { return .some(nil) }
                guard !state.filled.isEmpty else { return state.isFilled ? .some(nil) : nil }
                guard let output = state.freeOutputs.popLast() else { return nil }
                let (frame, input) = state.filled.removeFirst()
                return (frame, input, output)
            }
            guard let job else { return }
            let length = try transform.transform(
                UnsafeRawBufferPointer(inputs.buffer(job.input, length: inputSizes(job.frame))),
                into: outputs.buffer(job.output, length: outputSizes(job.frame)), frame: job.frame)
            state.change { state in
                state.freeInputs.append(job.input)
                state.finished[job.frame] = (job.output, length)
            }
        }
    }
}
