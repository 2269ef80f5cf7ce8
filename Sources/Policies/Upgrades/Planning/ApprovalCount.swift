internal import FoundationEssentials

/// Who said yes to what.
struct ApprovalCount {
    private let byPolicy: [String: [UpgradeHistory.Approval]]
    private let now: Date

    init(_ history: UpgradeHistory, now: Date) {
        byPolicy = Dictionary(grouping: history.approvals.filter { $0.at <= now }, by: \.policy)
        self.now = now
    }

    /// Why a wave may not go to a version: too few people said yes, or too long ago.
    func reason(_ rule: ApprovalRule, _ policy: UpgradePolicy, _ wave: UpgradeWave, to version: K3sVersion)
        -> UpgradeReason?
    {
        let given = (byPolicy[policy.name] ?? []).filter { approval in
            (approval.wave.map { $0 == wave.name } ?? true) && (approval.version.map { $0 == version } ?? true)
                && (rule.from.isEmpty || rule.from.contains(approval.by))
        }
        let valid = Set(given.filter { $0.at.addingTimeInterval(rule.validFor) > now }.map(\.by))
        guard valid.count < rule.count else { return nil }
        let expired = Set(given.map(\.by)).subtracting(valid)
        let who = valid.isEmpty ? "nobody" : valid.sorted().joined(separator: ", ")
        let late = expired.isEmpty ? "" : "; what \(expired.sorted().joined(separator: ", ")) said has expired"
        return UpgradeReason(
            .approval,
            "\(rule.count == 1 ? "a yes" : "\(rule.count) people's yes") to \(version) for the wave \(wave.name) is needed, and "
                + "\(who) gave one\(late)", rule.origin)
    }
}
