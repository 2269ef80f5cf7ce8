/// The name that was probably meant, for "did you mean …".
public enum Suggestion {
    /// The candidate nearest to `text`, when it is near enough to be a slip of the fingers.
    public static func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
        // Nobody mistypes so much; and a hostile text must not cost time.
        guard !text.isEmpty, text.utf8.count <= 100 else { return nil }
        let wanted = Array(text.lowercased().utf8)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates where candidate != text {
            let limit = max(1, min(wanted.count, candidate.utf8.count) / 3)
            guard abs(candidate.utf8.count - wanted.count) <= limit else { continue }
            let distance = editDistance(wanted, Array(candidate.lowercased().utf8))
            guard distance <= limit else { continue }
            if best.map({ (distance, candidate) < ($0.distance, $0.candidate) }) ?? true {
                best = (candidate, distance)
            }
        }
        return best?.candidate
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two texts (optimal string alignment).
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var cost = min(last[column + 1] + 1, current[column] + 1)
                cost = min(cost, last[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
