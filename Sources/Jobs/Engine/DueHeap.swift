import FoundationEssentials

/// Numbers ordered by time, the earliest on top: a binary heap.
struct DueHeap {
    private var items: [(due: Date, index: Int)] = []

    /// The earliest time.
    var earliest: Date? { items.first?.due }

    mutating func removeAll() { items.removeAll(keepingCapacity: true) }

    mutating func insert(_ index: Int, due: Date) {
        items.append((due, index))
        var child = items.count - 1
        while child > 0, items[child].due < items[(child - 1) / 2].due {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the earliest number if its time is not after `limit`.
    mutating func pop(notAfter limit: Date) -> Int? {
        guard let top = items.first, top.due <= limit else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < items.count }
            guard let child = children.min(by: { items[$0].due < items[$1].due }), items[child].due < items[parent].due
            else { return top.index }
            items.swapAt(child, parent)
            parent = child
        }
    }
}
