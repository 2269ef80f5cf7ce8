import Foundation

/// A bounded queue between two owned threads, which either side can close.
final class HandoffQueue<Element: Sendable>: @unchecked Sendable {
    // Sound: every access to `elements` and `closed` is under `condition`.
    private let condition = NSCondition()
    private var elements: [Element] = []
    private var closed = false
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Waits for room; false when the queue was closed and the element was not taken.
    func put(_ element: Element) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while elements.count >= limit, !closed { condition.wait() }
        guard !closed else { return false }
        elements.append(element)
        condition.broadcast()
        return true
    }

    /// Waits for an element; nil when the queue is closed and empty.
    func take() -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while elements.isEmpty, !closed { condition.wait() }
        guard !elements.isEmpty else { return nil }
        let element = elements.removeFirst()
        condition.broadcast()
        return element
    }

    func close() {
        condition.lock()
        closed = true
        condition.broadcast()
        condition.unlock()
    }
}
