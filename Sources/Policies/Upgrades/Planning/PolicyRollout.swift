internal import FoundationEssentials

/// All that one policy says on its clusters beyond each by itself: waves, approvals, time.
struct PolicyRollout {
    private let policy: UpgradePolicy
    private let calendar: UpgradeCalendar
    private let approvals: ApprovalCount
    private let pause: UpgradeHistory.RolloutPause?
    private let now: Date
    /// Hosts that gave no answer and may have clusters of it.
    private let away: [String]
    private var progress: WaveProgress
    private var starts: [StartKey: Date?] = [:]
    private var timeReasons: [Bool: [UpgradeReason]] = [:]
    private var approvalReasons: [ApprovalKey: [UpgradeReason]] = [:]

    private struct StartKey: Hashable {
        var from: Date
        var isMinor: Bool
    }

    private struct ApprovalKey: Hashable {
        var wave: Int
        var version: K3sVersion
    }

    init(_ policy: UpgradePolicy, _ history: HistoryIndex, now: Date, away: [String] = []) {
        let hosts = policy.select.hosts
        self.away = away.filter { host in hosts.isEmpty || hosts.contains { $0.matches(host) } }.sorted()
        self.policy = policy
        self.now = now
        calendar = UpgradeCalendar(policy)
        approvals = ApprovalCount(history.history, now: now)
        pause = history.history.pauses.filter { $0.policy == policy.name }.min {
            ($0.since, $0.reason) < ($1.since, $1.reason)
        }
        progress = WaveProgress(policy, history, now: now)
    }

    mutating func add(_ standing: Standing) -> Int { progress.add(standing) }

    func statuses() -> [WaveStatus] { progress.statuses() }

    func watch(_ standing: Standing, _ wave: Int, _ history: HistoryIndex) -> UpgradeWatch? {
        UpgradeWatch(standing, policy, progress.wave(wave), history, now: now)
    }

    mutating func draft(_ standing: Standing, _ wave: Int) -> DecisionDraft {
        var draft = DecisionDraft(standing, policy: policy, wave: (wave, progress.wave(wave).name))
        let isSettled = standing.reasons.contains { [.refused, .running, .upToDate].contains($0.verdict) }
        guard let step = standing.ladder.first, !isSettled else {
            if standing.reasons.allSatisfy({ $0.verdict == .later }) {
                draft.next = next(standing.reasons, isMinor: nil)
            }
            return draft
        }
        draft.reasons += standstill()
        draft.reasons += progress.reasons(in: wave, to: step.to)
        draft.reasons += absences(wave)
        draft.reasons += missingApprovals(wave, standing.goal ?? step.to)
        draft.reasons += timeReasons(isMinor: step.isMinor)
        draft.next = next(draft.reasons, isMinor: step.isMinor)
        return draft
    }

    /// What stops all of the policy.
    private func standstill() -> [UpgradeReason] {
        var reasons: [UpgradeReason] = []
        if policy.suspended {
            let why = policy.suspendedReason.map { ": \($0)" } ?? ""
            reasons.append(
                UpgradeReason(.suspended, "the policy is suspended\(why)", policy.origin(of: "spec.suspended")))
        }
        if let pause {
            reasons.append(
                UpgradeReason(
                    .rolloutPaused, "its rollout was paused at \(UTCMoment.text(pause.since)): \(pause.reason)"))
        }
        return reasons
    }

    /// Nobody leaps over a wave because nobody can see it.
    private func absences(_ wave: Int) -> [UpgradeReason] {
        guard wave > 0, let host = away.first else { return [] }
        return [
            UpgradeReason(
                .wave, "the host \(host) gave no answer, and clusters of the waves before may be on it",
                progress.wave(wave).origin)
        ]
    }

    private mutating func missingApprovals(_ wave: Int, _ version: K3sVersion) -> [UpgradeReason] {
        let key = ApprovalKey(wave: wave, version: version)
        if let known = approvalReasons[key] { return known }
        let part = progress.wave(wave)
        let rules = [policy.approvals, part.approvals].compactMap { $0 }
        let reasons = rules.compactMap { approvals.reason($0, policy, part, to: version) }
        approvalReasons[key] = reasons
        return reasons
    }

    private mutating func timeReasons(isMinor: Bool) -> [UpgradeReason] {
        if let known = timeReasons[isMinor] { return known }
        let reasons = calendar.reasons(at: now, isMinor: isMinor)
        timeReasons[isMinor] = reasons
        return reasons
    }

    /// When the last of some reasons is over by itself and a step may start; nil where one of them has no known end. What
    /// a person has to do is taken as done.
    private mutating func next(_ reasons: [UpgradeReason], isMinor: Bool?) -> Date? {
        var from = now
        for reason in reasons where reason.verdict == .later {
            guard let until = reason.until else { return nil }
            // Windows and freezes are asked for the time after all others.
            if reason.rule != .window, reason.rule != .freeze { from = max(from, until) }
        }
        guard let isMinor else { return from }
        let key = StartKey(from: from, isMinor: isMinor)
        if let known = starts[key] { return known }
        let start = calendar.earliestStart(from: from, isMinor: isMinor)
        starts[key] = .some(start)
        return start
    }
}
