internal import FoundationEssentials

/// What is probably not meant.
struct PlanRemarks {
    private let inputs: UpgradeInputs
    private let standings: [Standing]

    init(_ inputs: UpgradeInputs, _ standings: [Standing]) {
        self.inputs = inputs
        self.standings = standings
    }

    func all() -> [String] {
        var counts = [Int](repeating: 0, count: inputs.policies.count)
        for standing in standings { if let policy = standing.policy { counts[policy] += 1 } }
        let ties = standings.count { $0.reasons.first?.rule == .policyTie }
        var remarks =
            ties == 0 ? [] : ["policies of the same priority select \(ties == 1 ? "a cluster" : "\(ties) clusters")"]
        for (policy, count) in zip(inputs.policies, counts).sorted(by: { $0.0.name < $1.0.name }) {
            if count == 0 { remarks.append("\(policy.origin): the policy \(policy.name) decides for no cluster") }
            for override in policy.gates.overrides where override.expires <= inputs.now {
                remarks.append(
                    "\(override.origin): the override of \(override.gate) expired at \(UTCMoment.text(override.expires))"
                )
            }
        }
        for (name, channel) in inputs.catalog.channels.sorted(by: { $0.key < $1.key }) {
            if let highest = channel.highest, highest > channel.latest {
                remarks.append("the channel \(name) went back from \(highest) to \(channel.latest)")
            }
        }
        return remarks
    }
}
