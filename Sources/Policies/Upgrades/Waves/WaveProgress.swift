internal import FoundationEssentials

/// The clusters of a policy in their waves, and how far each wave is.
struct WaveProgress {
    private let policy: UpgradePolicy
    private let waves: [UpgradeWave]
    private let history: HistoryIndex
    private let now: Date
    private var members: [[Member]]
    private var gates: [GateKey: Gate] = [:]

    private struct Member {
        var path: String
        var version: K3sVersion?
        var isCounted: Bool
        var isThere: Bool
        var isQuarantined: Bool
    }

    private struct GateKey: Hashable {
        var wave: Int
        var version: K3sVersion
    }

    private enum Gate {
        case open
        case closed(String, until: Date?)
    }

    init(_ policy: UpgradePolicy, _ history: HistoryIndex, now: Date) {
        self.policy = policy
        waves = policy.waves.isEmpty ? [.rest(at: policy.origin)] : policy.waves
        self.history = history
        self.now = now
        members = Array(repeating: [], count: waves.count)
    }

    /// Puts a cluster into its wave.
    mutating func add(_ standing: Standing) -> Int {
        let wave = wave(of: standing.cluster, standing.path)
        members[wave].append(
            Member(
                path: standing.path, version: standing.cluster.version, isCounted: standing.isCounted,
                isThere: standing.isThere, isQuarantined: standing.isQuarantined))
        return wave
    }

    private func wave(of cluster: UpgradeCluster, _ path: String) -> Int {
        var slice: Int?
        for (index, wave) in waves.enumerated() {
            switch wave.members {
            case .rest: return index
            case .selected(let selector): if selector.matches(cluster) { return index }
            case .percent(let from, let to):
                let place = slice ?? Int(StableHash.value(of: "\(policy.name) \(path)") % 100)
                slice = place
                if (from..<to).contains(place) { return index }
            }
        }
        return waves.count - 1
    }

    func wave(_ index: Int) -> UpgradeWave { waves[index] }

    private func failed(_ wave: Int) -> Int { members[wave].count { $0.isQuarantined } }

    private func mayFail(_ wave: Int) -> Int { policy.failureBudget.allowed(of: members[wave].count) }

    private func isHalted(_ wave: Int) -> Bool { failed(wave) > mayFail(wave) }

    /// Why a cluster of a wave may not go to a version yet.
    mutating func reasons(in wave: Int, to version: K3sVersion) -> [UpgradeReason] {
        for index in 0...wave where isHalted(index) {
            let (count, bound) = (failed(index), mayFail(index))
            return [
                UpgradeReason(
                    .failureBudget,
                    "\(count) of the \(members[index].count) clusters of the wave \(waves[index].name) failed, and "
                        + "\(bound == 0 ? "none" : "\(bound)") may: find out why, then release them",
                    policy.origin(of: "spec.failureBudget"))
            ]
        }
        for index in 0..<wave {
            if case .closed(let message, let until) = gate(index, version) {
                return [UpgradeReason(.wave, message, waves[index].origin, until: until)]
            }
        }
        return []
    }

    /// Whether a wave lets those after it go to a version: all that count are there, and were watched.
    private mutating func gate(_ wave: Int, _ version: K3sVersion) -> Gate {
        let key = GateKey(wave: wave, version: version)
        if let known = gates[key] { return known }
        let gate = newGate(wave, version)
        gates[key] = gate
        return gate
    }

    private func newGate(_ index: Int, _ version: K3sVersion) -> Gate {
        let (wave, all) = (waves[index], members[index])
        guard !all.isEmpty else { return .open }
        let counted = all.filter(\.isCounted)
        guard !counted.isEmpty else {
            return .closed(
                "the wave \(wave.name) comes first, and none of its \(all.count) clusters can be upgraded as they are, so it "
                    + "proves nothing", until: nil)
        }
        let behind = counted.filter { member in !member.isThere && member.version.map { $0 < version } ?? true }
        if let first = behind.first {
            let others = behind.count == 1 ? "" : " and \(behind.count - 1) more"
            return .closed(
                "the wave \(wave.name) comes first: \(first.path)\(others) is not at \(version) yet", until: nil)
        }
        guard wave.soak > 0, let last = counted.compactMap({ history.reached(version, $0.path) }).max() else {
            return .open
        }
        let until = last.addingTimeInterval(wave.soak)
        guard until <= now else {
            return .closed("the wave \(wave.name) is watched until \(UTCMoment.text(until))", until: until)
        }
        let unproven = counted.filter { member in
            history.reached(version, member.path).map { isUnproven(member, since: $0, index) } ?? false
        }
        guard let first = unproven.first else { return .open }
        let others = unproven.count == 1 ? "" : " and \(unproven.count - 1) more"
        return .closed(
            "the wave \(wave.name) was watched, and the checks of \(first.path)\(others) (\(policy.gates.duringNames)) "
                + "have still to pass", until: nil)
    }

    /// Whether the checks of its watch did not pass at the end of its wave's.
    private func isUnproven(_ member: Member, since: Date, _ wave: Int) -> Bool {
        // What failed counts against the budget, and nobody waits for it.
        guard !policy.gates.during.isEmpty, !member.isQuarantined else { return false }
        let until = since.addingTimeInterval(waves[wave].soak)
        return history.passed(member.path).map { $0 < until } ?? true
    }

    /// How far each wave is.
    func statuses() -> [WaveStatus] {
        var mayOpen = true
        return waves.indices.map { index in
            let all = members[index]
            let counted = all.filter(\.isCounted)
            let done = counted.count { $0.isThere }
            let until = soaksUntil(index, counted)
            let phase: WaveStatus.Phase =
                all.isEmpty
                ? .empty
                : isHalted(index)
                    ? .halted
                    : done < counted.count || counted.isEmpty
                        ? (mayOpen ? .open : .waiting) : isSoaking(index, counted, until) ? .soaking : .done
            mayOpen = mayOpen && [.done, .empty].contains(phase)
            return WaveStatus(
                policy: policy.name, name: waves[index].name, phase: phase, clusters: all.count, done: done,
                failed: failed(index), leftOut: all.count - counted.count, mayFail: mayFail(index), soaksUntil: until)
        }
    }

    private func isSoaking(_ wave: Int, _ counted: [Member], _ until: Date?) -> Bool {
        guard let until else { return false }
        return until > now
            || counted.contains { member in
                history.lastSuccess(of: member.path).map { isUnproven(member, since: $0, wave) } ?? false
            }
    }

    private func soaksUntil(_ wave: Int, _ counted: [Member]) -> Date? {
        guard waves[wave].soak > 0, counted.allSatisfy(\.isThere) else { return nil }
        return counted.compactMap { history.lastSuccess(of: $0.path) }.max()?.addingTimeInterval(waves[wave].soak)
    }
}
