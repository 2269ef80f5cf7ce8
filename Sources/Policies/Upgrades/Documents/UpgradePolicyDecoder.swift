internal import Failures
internal import FoundationEssentials

/// The `spec` of an `UpgradePolicy`: what its shape cannot say is checked here.
struct UpgradePolicyDecoder {
    let fields: Fields
    let name: String
    let origin: Origin

    var report: DocumentReport { fields.report }

    func decode() -> UpgradePolicy? {
        let known = report.problems.count
        let reader = ShapeReader()
        let spec = reader.read(UpgradePolicyShape.spec, fields)
        // What lacks its shape is told as such, and what follows from it would only confuse.
        guard report.problems.count == known, let parts = Parts(spec, self) else { return nil }
        check(parts, spec)
        guard report.problems.count == known, !name.isEmpty else { return nil }
        return UpgradePolicy(
            name: name, priority: parts.priority, suspended: parts.suspended, suspendedReason: spec["reason"]?.text,
            select: parts.select, paused: parts.paused, target: parts.target, skew: parts.skew, windows: parts.windows,
            freezes: parts.freezes, estimatedDuration: parts.estimatedDuration, waves: parts.waves,
            concurrency: parts.concurrency, failureBudget: parts.failureBudget, soak: parts.soak, gates: parts.gates,
            backup: parts.backup, rollback: parts.rollback, approvals: parts.approvals, notify: parts.notify,
            origin: origin, origins: reader.origins)
    }

    /// The parts that are not simply texts.
    private struct Parts {
        var priority: Int
        var suspended: Bool
        var select: UpgradeSelector
        var paused: UpgradePolicy.PausedRule
        var target: UpgradeTarget
        var skew: SkewRule
        var windows: [UpgradeWindow]
        var freezes: [UpgradeFreeze]
        var estimatedDuration: TimeInterval
        var waves: [UpgradeWave]
        var concurrency: UpgradeConcurrency
        var failureBudget: FailureBudget
        var soak: TimeInterval
        var gates: UpgradeGates
        var backup: UpgradeBackup
        var rollback: UpgradeRollback
        var approvals: ApprovalRule?
        var notify: [UpgradeNotification]

        init?(_ spec: ShapedValue, _ decoder: UpgradePolicyDecoder) {
            let select = spec["select"].flatMap(decoder.selector)
            let target = spec["target"].flatMap(decoder.target)
            let windows = (spec["windows"]?.list ?? []).map(decoder.window)
            let freezes = (spec["freezes"]?.list ?? []).map(decoder.freeze)
            let waves = decoder.waves(spec["waves"]?.list ?? [])
            let gates = decoder.gates(spec["gates"])
            guard let select, let target, let waves, let gates, let priority = spec["priority"]?.integer,
                let paused = spec["paused"]?.choice(UpgradePolicy.PausedRule.self),
                let skew = spec["skew"].flatMap(decoder.skew), let backup = spec["backup"].flatMap(decoder.backup),
                let rollback = spec["rollback"].flatMap(decoder.rollback), let soak = spec["soak"]?.seconds,
                let estimatedDuration = spec["estimatedDuration"]?.seconds, !windows.contains(nil),
                !freezes.contains(nil)
            else { return nil }
            self.priority = priority
            suspended = spec["suspended"]?.truth ?? false
            self.select = select
            self.paused = paused
            self.target = target
            self.skew = skew
            self.windows = windows.compactMap { $0 }
            self.freezes = freezes.compactMap { $0 }
            self.estimatedDuration = estimatedDuration
            self.waves = waves
            concurrency = decoder.concurrency(spec["concurrency"])
            failureBudget = FailureBudget(
                clusters: spec["failureBudget"]?["clusters"]?.integer,
                percent: spec["failureBudget"]?["percent"]?.integer)
            self.soak = soak
            self.gates = gates
            self.backup = backup
            self.rollback = rollback
            approvals = spec["approvals"].flatMap(decoder.approvals)
            notify = (spec["notify"]?.list ?? []).compactMap(decoder.notification)
        }
    }

    private func check(_ parts: Parts, _ spec: ShapedValue) {
        if let reason = spec["reason"], !parts.suspended {
            report.add(reason.origin, "\(reason.path) says why it is suspended, and it is not")
        }
        for window in parts.windows where window.duration < parts.estimatedDuration {
            report.add(
                window.origin,
                "the window is open for \(WrittenDuration.text(window.duration)), and one step takes "
                    + "\(WrittenDuration.text(parts.estimatedDuration)) (estimatedDuration): none would ever start",
                "Make the window longer, or estimatedDuration shorter.")
        }
    }

    func selector(_ value: ShapedValue) -> UpgradeSelector? {
        func patterns(_ key: String) -> [NamePattern] { (value[key]?.strings ?? []).map(NamePattern.init) }
        func pairs(_ key: String) -> [UpgradeSelector.Pair] {
            (value[key]?.texts ?? []).map { UpgradeSelector.Pair(name: $0.name, value: $0.value) }.sorted {
                $0.name < $1.name
            }
        }
        let all = value["all"]?.truth ?? false
        let selector = UpgradeSelector(
            all: all, names: patterns("names"), hosts: patterns("hosts"), namespaces: patterns("namespaces"),
            matchLabels: pairs("matchLabels"), matchAnnotations: pairs("matchAnnotations"),
            minors: (value["minors"]?.strings ?? []).compactMap { KubernetesMinor($0) },
            generations: value["generations"]?.strings ?? [],
            datastores: (value["datastores"]?.list ?? []).compactMap { $0.choice() })
        guard all == selector.isRestricted else { return selector }
        report.add(
            value.origin,
            all
                ? "\(value.path) has all: true, and yet restricts it"
                : "\(value.path) is empty, which could mean all clusters or none",
            "Write all: true, or some of names, hosts, namespaces, matchLabels, matchAnnotations, minors, generations "
                + "and datastores.")
        return nil
    }

    private func target(_ value: ShapedValue) -> UpgradeTarget? {
        let deny = (value["deny"]?.strings ?? []).compactMap { VersionRange($0) }
        let named = ["version", "range", "channel", "behind"].compactMap { value[$0] }.first
        guard let named, let aim = aim(value), let settles = value["channelSettles"]?.seconds else { return nil }
        if case .version(let version) = aim {
            if version.isPrerelease {
                report.add(named.origin, "\(named.path) is a candidate, and candidates are never installed")
            }
            if let range = deny.first(where: { $0.contains(version) }) {
                report.add(named.origin, "\(named.path) is \(version), which deny \(range) forbids")
            }
        }
        return UpgradeTarget(
            aim: aim, minReleaseAge: value["minReleaseAge"]?.seconds ?? 0, channelSettles: settles, deny: deny,
            origin: named.origin)
    }

    private func aim(_ value: ShapedValue) -> UpgradeTarget.Aim? {
        if let version = value["version"]?.text.flatMap({ K3sVersion($0) }) { return .version(version) }
        if let range = value["range"]?.text.flatMap({ VersionRange($0) }) { return .range(range) }
        if let channel = value["channel"]?.text { return .channel(channel) }
        guard let behind = value["behind"], let channel = behind["channel"]?.text,
            let minors = behind["minors"]?.integer
        else { return nil }
        return .behind(channel: channel, minors: minors)
    }

    private func skew(_ value: ShapedValue) -> SkewRule? {
        guard let maxNewer = value["maxNewer"]?.integer, let maxOlder = value["maxOlder"]?.integer,
            let known = value["knownIssues"]?.choice(SkewRule.Verdict.self),
            let syncer = value["syncer"]?.choice(SkewRule.Verdict.self)
        else { return nil }
        return SkewRule(maxNewer: maxNewer, maxOlder: maxOlder, knownIssues: known, syncer: syncer)
    }

    private func concurrency(_ value: ShapedValue?) -> UpgradeConcurrency {
        let (total, perHost) = (value?["total"]?.integer, value?["perHost"]?.integer)
        let perNamespace = value?["perNamespace"]?.integer
        let saysNothing = total == nil && perHost == nil && perNamespace == nil
        return UpgradeConcurrency(total: saysNothing ? 1 : total, perHost: perHost, perNamespace: perNamespace)
    }

    private func backup(_ value: ShapedValue) -> UpgradeBackup? {
        guard let required = value["required"]?.truth, let maxAge = value["maxAge"]?.seconds,
            let verify = value["verify"]?.choice(BackupSchedule.Verification.Level.self)
        else { return nil }
        return UpgradeBackup(required: required, maxAge: maxAge, verify: verify, store: value["store"]?.text)
    }

    private func rollback(_ value: ShapedValue) -> UpgradeRollback? {
        guard let mode = value["mode"]?.choice(UpgradeRollback.Mode.self), let age = value["maxRollbackAge"]?.seconds
        else { return nil }
        return UpgradeRollback(mode: mode, maxRollbackAge: age)
    }

    func approvals(_ value: ShapedValue) -> ApprovalRule? {
        guard let count = value["count"]?.integer, let validFor = value["validFor"]?.seconds else { return nil }
        let names = Set(value["from"]?.strings ?? [])
        if !names.isEmpty, count > names.count {
            report.add(
                value.origin, "\(value.path) wants \(count) different people of \(names.count)",
                "Name more of them under from, or lower count.")
        }
        return ApprovalRule(count: count, from: names.sorted(), validFor: validFor, origin: value.origin)
    }

    private func notification(_ value: ShapedValue) -> UpgradeNotification? {
        value["target"]?.text.map { target in
            UpgradeNotification(
                target: target, events: (value["on"]?.list ?? []).compactMap { $0.choice() }, origin: value.origin)
        }
    }
}

extension UpgradeSelector {
    /// Whether anything is set beside `all`.
    var isRestricted: Bool {
        !(names.isEmpty && hosts.isEmpty && namespaces.isEmpty && matchLabels.isEmpty && matchAnnotations.isEmpty
            && minors.isEmpty && generations.isEmpty && datastores.isEmpty)
    }
}
