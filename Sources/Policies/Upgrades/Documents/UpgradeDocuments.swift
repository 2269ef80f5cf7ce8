public import Failures
internal import Files

/// Documents of upgrades from files that no configuration names.
public struct UpgradeDocuments: Sendable {
    /// Documents of kind `UpgradePolicy`.
    public let policies: [UpgradePolicy]
    /// Documents of kind `UpgradePolicyTest`.
    public let tests: [UpgradePolicyTest]
    /// Documents of kind `UpgradeInventory`.
    public let inventories: [UpgradeInventory]
    let catalogs: [VersionCatalog]

    /// Reads and checks files, all of their problems at once; names of stores and notifications are not checked, since
    /// only a configuration knows them.
    ///
    /// Throws one `.usage` failure with every problem, a line `FILE:LINE:COLUMN: …` each; `.notFound` where a file is
    /// missing.
    public static func load(
        paths: [String], zoneDirectory: String = TimeZoneRules.standardDirectory
    ) throws(Failure) -> UpgradeDocuments {
        var files: [File] = []
        for path in paths {
            let bytes = try readFile(path, limit: YAMLReader.largestFile)
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
            files.append(File(name: path, directory: try realPath(directory), bytes: bytes))
        }
        return try decode(files, zoneDirectory: zoneDirectory)
    }

    struct File {
        var name: String
        /// What relative paths in it are relative to, absolute.
        var directory: String
        var bytes: [UInt8]
    }

    static func decode(
        _ files: [File], zoneDirectory: String = TimeZoneRules.standardDirectory
    ) throws(Failure) -> UpgradeDocuments {
        let report = DocumentReport(zoneDirectory: zoneDirectory)
        var all = DecodedDocuments()
        for file in files {
            let nodes = YAMLReader(file: file.name, report: report).documents(in: file.bytes)
            let decoded = DocumentDecoder(directory: file.directory, report: report).decode(nodes)
            if nodes.isEmpty, report.problems.isEmpty {
                report.add(Origin(file: file.name, line: 1, column: 1), "the file has no document")
            }
            for other in decoded.configurations {
                report.add(other.origin, "a document of kind Configuration belongs into daytwo.yaml alone")
            }
            all.policies += decoded.policies
            all.tests += decoded.tests
            all.inventories += decoded.inventories
            all.catalogs += decoded.catalogs
        }
        UpgradePolicyCheck(policies: all.policies).report(to: report)
        guard report.problems.isEmpty else {
            let problems = report.problems.sorted { ($0.origin, $0.message) < ($1.origin, $1.message) }
            let subject = files.count == 1 ? files[0].name : "\(files.count) files"
            throw DocumentProblems(problems: problems).failure(of: subject, next: "Correct them, and check them again.")
        }
        return UpgradeDocuments(
            policies: all.policies, tests: all.tests, inventories: all.inventories, catalogs: all.catalogs)
    }
}

/// What no policy can check alone.
struct UpgradePolicyCheck {
    let policies: [UpgradePolicy]

    func report(to report: DocumentReport) {
        var names: [String: Origin] = [:]
        for policy in policies {
            if let first = names.updateValue(policy.origin, forKey: policy.name) {
                report.add(policy.origin, "the upgrade policy \(policy.name) is there already, at \(first)")
            }
        }
        // Whatever clusters there are, these two meet: the others are found out with an inventory.
        for (index, policy) in policies.enumerated() {
            for other in policies[..<index] where other.priority == policy.priority {
                guard other.select == policy.select || other.select.all || policy.select.all else { continue }
                report.add(
                    policy.origin(of: "spec.priority"),
                    "the upgrade policies \(other.name) and \(policy.name) have the same priority \(policy.priority), and both "
                        + "select the same clusters", "Give one of them a higher priority.")
            }
        }
    }

    /// Names that the configuration must have.
    func report(to report: DocumentReport, stores: [String], notifications: [String]) {
        for policy in policies {
            if let store = policy.backup.store {
                check(store, stores, "store", policy.origin(of: "spec.backup.store"), report)
            }
            for notification in policy.notify {
                check(notification.target, notifications, "notification", notification.origin, report)
            }
        }
    }

    private func check(
        _ name: String, _ known: [String], _ kind: String, _ origin: Origin, _ report: DocumentReport
    ) {
        guard !known.contains(name) else { return }
        let near = Suggestion.nearest(to: name, among: known).map { "Did you mean \($0)?" }
        report.add(
            origin, "there is no \(kind) \(name.debugDescription)",
            near
                ?? (known.isEmpty ? "Name one in daytwo.yaml." : "Known are \(known.sorted().joined(separator: ", ")).")
        )
    }
}
