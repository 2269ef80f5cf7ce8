public import FoundationEssentials

/// A part of a policy's clusters; a wave begins when all before it are through and were watched.
public struct UpgradeWave: Sendable, Hashable {
    /// Who is in it, of those that no wave before it has.
    public enum Members: Sendable, Hashable {
        /// Those that are selected.
        case selected(UpgradeSelector)
        /// A share by a hash of their names: each percent wave takes the next slice of a hundred, so that a new cluster
        /// never moves another to a different wave.
        case percent(from: Int, to: Int)
        /// All.
        case rest
    }

    /// The name, unique in its policy.
    public let name: String
    /// Who is in it.
    public let members: Members
    /// Seconds that all of it is watched before the next wave begins.
    public let soak: TimeInterval
    /// Who must say yes before it begins, beside the policy's own rule; nil for nobody.
    public let approvals: ApprovalRule?
    /// Its place.
    public let origin: Origin
}

extension UpgradeWave {
    /// The name of the wave that takes what no other has.
    static let restName = "rest"

    static func rest(at origin: Origin) -> UpgradeWave {
        UpgradeWave(name: restName, members: .rest, soak: 0, approvals: nil, origin: origin)
    }
}
