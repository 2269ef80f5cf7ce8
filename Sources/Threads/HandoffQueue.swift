/// A bounded queue between two threads, which either side can close.
public final class HandoffQueue<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var elements: [Element] = []
        var isClosed = false
    }

    private let state = Monitor(State())
    private let limit: Int

    /// A queue of at most `limit` elements.
    public init(limit: Int) { self.limit = limit }

    /// Waits for room; false when the queue was closed and the element was not taken.
    public func put(_ element: Element) -> Bool {
        state.wait { state -> Bool? in
            if state.isClosed { return false }
            guard state.elements.count < limit else { return nil }
            state.elements.append(element)
            return true
        }
    }

    /// Waits for an element; nil when the queue is closed and empty.
    public func take() -> Element? {
        state.wait { state -> Element?? in
            if !state.elements.isEmpty { return .some(state.elements.removeFirst()) }
            return state.isClosed ? .some(nil) : .none
        }
    }

    /// Ends the queue: nothing is taken any more, what is in it can still be had.
    public func close() {
        state.change { $0.isClosed = true }
    }
}
