public import Failures
internal import FoundationEssentials

extension UpgradePolicyTest {
    /// Plans each case, and tells what is not as expected.
    ///
    /// Throws `.usage` where its policies or its catalog cannot be read.
    public func run(zoneDirectory: String = TimeZoneRules.standardDirectory) throws(Failure) -> [Outcome] {
        var paths: [String] = []
        for pattern in policies.patterns {
            let found = try policies.paths(of: pattern)
            guard !found.isEmpty else {
                throw Failure(.usage, "\(pattern.origin): \(pattern.text.debugDescription) matches no file")
            }
            paths += found.filter { !paths.contains($0) }
        }
        let documents = try UpgradeDocuments.load(paths: paths, zoneDirectory: zoneDirectory)
        let catalog = try catalog.map { path throws(Failure) in try VersionCatalog.load(path: path) } ?? .empty
        return cases.map { outcome(of: $0, documents.policies, catalog) }
    }

    private func outcome(of test: Case, _ policies: [UpgradePolicy], _ catalog: VersionCatalog) -> Outcome {
        let plan = UpgradePlanner(
            UpgradeInputs(
                policies: policies, clusters: inventory.clusters, hosts: inventory.hosts, catalog: catalog,
                history: test.history ?? inventory.history, now: test.at)
        ).plan()
        let decisions = Dictionary(plan.decisions.map { ($0.cluster, $0) }) { first, _ in first }
        let differences = test.expected.flatMap { expectation -> [Difference] in
            guard let decision = decisions[expectation.cluster] else {
                return [
                    Difference(
                        origin: expectation.origin, cluster: expectation.cluster, name: "cluster",
                        expected: "a decision",
                        found: "no such cluster", reason: "the test has no cluster of this name")
                ]
            }
            return expectation.values.compactMap { name, value in
                let found = decision.value(named: name) ?? "none"
                guard found != value else { return nil }
                return Difference(
                    origin: expectation.origin, cluster: expectation.cluster, name: name, expected: value, found: found,
                    reason: decision.reason.message)
            }
        }
        return Outcome(name: "\(name): \(test.name)", checked: test.expected.count, differences: differences)
    }
}

extension UpgradeDecision {
    /// What a test document calls a part of it.
    fileprivate func value(named name: String) -> String? {
        switch name {
        case "verdict": verdict.rawValue
        case "rule": reason.rule.rawValue
        case "policy": policy
        case "wave": wave
        case "to": step?.to.description
        case "target": target?.description
        case "next": next.map(UTCMoment.text)
        default: nil
        }
    }
}
