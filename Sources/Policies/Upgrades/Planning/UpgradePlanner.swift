/// Decides what is to be done with every cluster: a pure function, without clock, files or chance.
public struct UpgradePlanner: Sendable {
    private let inputs: UpgradeInputs

    /// A planner for these facts.
    public init(_ inputs: UpgradeInputs) { self.inputs = inputs }

    /// The plan. Takes time in proportion to the number of clusters.
    public func plan() -> UpgradePlan {
        UpgradePlan(at: inputs.now, decisions: [], waves: [], remarks: [])
    }
}
