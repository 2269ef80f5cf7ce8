/// What a plan would do otherwise than an earlier one, in words.
struct PlanComparison {
    private(set) var differences: [String] = []

    mutating func compare<Value: Equatable>(_ name: String, _ now: Value, _ before: Value) {
        if now != before { differences.append("\(name): \(now), not \(before)") }
    }
}
