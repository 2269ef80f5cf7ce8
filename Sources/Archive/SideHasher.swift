import Crypto
import Failures
import Threads

/// Hashes pieces on a thread of its own while its owner does something else with them.
final class SideHasher: Sendable {
    private struct State: Sendable {
        var piece: Piece?
        var isEnded = false
    }

    /// `@unchecked Sendable`: the bytes are only read while their owner waits for that in ``update(_:while:)``.
    private struct Piece: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
    }

    private let state: Monitor<State>
    private let result: Monitor<SHA256?>
    private let thread: OwnedThread

    init() throws(Failure) {
        let (state, result) = (Monitor(State()), Monitor<SHA256?>(nil))
        thread = try OwnedThread { () throws(Failure) in
            var hasher = SHA256()
            while let piece = Self.next(state) {
                hasher.update(bufferPointer: piece.bytes)
                state.change { $0.piece = nil }
            }
            let hashed = hasher
            result.change { $0 = hashed }
        }
        self.state = state
        self.result = result
    }

    // The thread is joined when it goes, so it must have ended.
    deinit { end() }

    /// Hashes the bytes and does some work meanwhile; both are done when it returns.
    func update(_ bytes: UnsafeRawBufferPointer, while work: () throws(Failure) -> Void) throws(Failure) {
        state.change { $0.piece = Piece(bytes: bytes) }
        let outcome = Result { () throws(Failure) in try work() }
        state.wait { $0.piece == nil ? () : nil }
        try outcome.get()
    }

    /// Ends it, and gives the hash of everything so far.
    func finish() -> SHA256 {
        end()
        return result.wait { $0 }
    }

    /// Waits for a piece; nil at the end.
    private static func next(_ state: Monitor<State>) -> Piece? {
        state.wait { state -> Piece?? in
            if let piece = state.piece { return .some(piece) }
            return state.isEnded ? .some(nil) : .none
        }
    }

    private func end() { state.change { $0.isEnded = true } }
}
