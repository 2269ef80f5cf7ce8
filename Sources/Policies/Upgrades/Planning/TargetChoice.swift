internal import Failures
internal import FoundationEssentials

/// Where a policy leads to with the catalog of now, the same for all of its clusters.
struct TargetChoice {
    /// The version; nil with the reason where there is none.
    let goal: K3sVersion?
    let missing: UpgradeReason?
    /// The newest that is allowed of each minor: the rungs of ladders.
    let rungs: [KubernetesMinor: K3sVersion]
    /// Why there is no rung of a minor that has releases.
    let gaps: [KubernetesMinor: UpgradeReason]
    /// Newer ones that were passed over.
    let passedOver: [UpgradeReason]
}

/// Chooses the target of a policy.
struct TargetChooser {
    let policy: UpgradePolicy
    let catalog: VersionCatalog
    let now: Date

    private var target: UpgradeTarget { policy.target }

    func choice() -> TargetChoice {
        var allowed: [K3sVersion] = []
        var refused: [(version: K3sVersion, reason: UpgradeReason)] = []
        for release in catalog.releases where !release.version.isPrerelease {
            if let reason = refusal(of: release) {
                refused.append((release.version, reason))
            } else {
                allowed.append(release.version)
            }
        }
        var rungs: [KubernetesMinor: K3sVersion] = [:]
        for version in allowed { rungs[version.minor] = version }
        var gaps: [KubernetesMinor: UpgradeReason] = [:]
        for (version, reason) in refused where rungs[version.minor] == nil { gaps[version.minor] = reason }
        let goal = goal(allowed, refused)
        return TargetChoice(
            goal: goal.version, missing: goal.reason, rungs: rungs, gaps: gaps, passedOver: goal.passedOver)
    }

    private struct Goal {
        var version: K3sVersion?
        var reason: UpgradeReason?
        var passedOver: [UpgradeReason] = []
    }

    private func goal(_ allowed: [K3sVersion], _ refused: [(version: K3sVersion, reason: UpgradeReason)]) -> Goal {
        switch target.aim {
        case .version(let version): return goal(version)
        case .range(let range):
            return newest("in \(range)", allowed, refused) { range.contains($0) }
        case .channel(let name):
            guard let channel = catalog.channels[name] else { return Goal(reason: unknown(name)) }
            if let reason = unsettled(name, channel) { return Goal(reason: reason) }
            return newest("up to \(channel.latest), where \(name) points", allowed, refused) { $0 <= channel.latest }
        case .behind(let name, let minors):
            guard let channel = catalog.channels[name] else { return Goal(reason: unknown(name)) }
            if let reason = unsettled(name, channel) { return Goal(reason: reason) }
            let latest = channel.latest.minor
            let minor = KubernetesMinor(major: latest.major, minor: latest.minor - minors)
            return newest("of \(minor), \(minors) behind \(name)", allowed, refused) { $0.minor == minor }
        }
    }

    private func goal(_ version: K3sVersion) -> Goal {
        guard let release = catalog.release(version) else {
            if catalog.isComplete {
                return Goal(reason: reason(.targetUnknown, "the catalog has no release \(version)"))
            }
            let reason = refusal(of: VersionCatalog.Release(version))
            return Goal(version: reason == nil ? version : nil, reason: reason)
        }
        let reason = refusal(of: release)
        return Goal(version: reason == nil ? version : nil, reason: reason)
    }

    private func newest(
        _ where: String, _ allowed: [K3sVersion], _ refused: [(version: K3sVersion, reason: UpgradeReason)],
        _ isMeant: (K3sVersion) -> Bool
    ) -> Goal {
        let newest = allowed.last(where: isMeant)
        let passedOver = refused.filter { entry in
            isMeant(entry.version) && newest.map { entry.version > $0 } ?? true
        }
        guard newest == nil else { return Goal(version: newest, passedOver: passedOver.map(\.reason)) }
        let last = passedOver.last?.reason
        let message = "no release \(`where`) is allowed" + (last.map { ": \($0.message)" } ?? "")
        return Goal(
            reason: UpgradeReason(
                last?.rule ?? .targetUnknown, message, last?.origin ?? target.origin, until: last?.until))
    }

    private func unknown(_ channel: String) -> UpgradeReason {
        let near = Suggestion.nearest(to: channel, among: catalog.channels.keys.sorted())
        return reason(
            .targetUnknown,
            catalog.channels.isEmpty
                ? "there is no catalog with channels"
                : "the catalog has no channel \(channel.debugDescription)\(near.map { ", perhaps \($0) is meant" } ?? "")"
        )
    }

    private func unsettled(_ name: String, _ channel: VersionCatalog.Channel) -> UpgradeReason? {
        guard let since = channel.since else { return nil }
        let settled = since.addingTimeInterval(target.channelSettles)
        guard settled > now else { return nil }
        let before = channel.highest.flatMap { $0 > channel.latest ? $0 : nil }
        return UpgradeReason(
            .channelUnsettled,
            "the channel \(name) points at \(channel.latest) only since \(UTCMoment.text(since))"
                + (before.map { ", and pointed at \($0) before" } ?? "")
                + "; it is followed after \(WrittenDuration.text(target.channelSettles))",
            target.origin, until: settled)
    }

    /// Why a release is not installed by this policy now.
    private func refusal(of release: VersionCatalog.Release) -> UpgradeReason? {
        let version = release.version
        if let why = release.withdrawn { return reason(.targetDenied, "\(version) was withdrawn: \(why)") }
        if KnownReleases.broken.contains(version) {
            return reason(.targetDenied, "\(version) is a build that k3s itself leaves out as broken")
        }
        if let range = target.deny.first(where: { $0.contains(version) }) {
            return UpgradeReason(
                .targetDenied, "\(version) is denied by \(range)", policy.origin(of: "spec.target.deny"))
        }
        if release.hasImage == false { return reason(.imageMissing, "the image of \(version) is not published") }
        guard target.minReleaseAge > 0 else { return nil }
        let origin = policy.origin(of: "spec.target.minReleaseAge")
        let age = WrittenDuration.text(target.minReleaseAge)
        guard let released = release.releasedAt else {
            return UpgradeReason(
                .targetTooYoung, "nobody knows when \(version) was released, and it must be \(age) old", origin)
        }
        let old = released.addingTimeInterval(target.minReleaseAge)
        guard old > now else { return nil }
        return UpgradeReason(
            .targetTooYoung, "\(version) is not \(age) old before \(UTCMoment.text(old))", origin, until: old)
    }

    private func reason(_ rule: UpgradeRule, _ message: String) -> UpgradeReason {
        UpgradeReason(rule, message, target.origin)
    }
}
