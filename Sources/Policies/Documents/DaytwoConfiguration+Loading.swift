public import Failures
internal import Files
public import FoundationEssentials

extension DaytwoConfiguration {
    /// Reads and checks `daytwo.yaml` and everything that it names.
    ///
    /// Throws one `.usage` failure with every problem of all files, a line `FILE:LINE:COLUMN: …` each, whose cause is
    /// ``DocumentProblems``; `.notFound` where the file itself is missing. `now` is where the search for the longest
    /// time between two runs begins.
    public static func load(
        path: String, now: Date, zoneDirectory: String = TimeZoneRules.standardDirectory
    ) throws(Failure) -> DaytwoConfiguration {
        var loader = ConfigurationLoader(report: DocumentReport(zoneDirectory: zoneDirectory))
        return try loader.load(path, now: now)
    }

    /// Whether the files are still those that were read: none changed, gone, or new under a glob.
    public func isCurrent() throws(Failure) -> Bool {
        var paths = [path]
        for pattern in patterns.patterns {
            for path in try patterns.paths(of: pattern) where !paths.contains(path) { paths.append(path) }
        }
        guard paths == files.map(\.path) else { return false }
        for file in files {
            guard let status = try FileStatus.ifPresent(file.path, following: true), status.isSameFile(as: file.status),
                status.size == file.status.size, status.modified == file.status.modified,
                status.changed == file.status.changed
            else { return false }
        }
        return true
    }
}

private struct ConfigurationLoader {
    let report: DocumentReport
    private var files: [DaytwoConfiguration.ConfigurationFile] = []
    private var warnings: [ConfigurationWarning] = []
    private var clusters: [InventoryCluster] = []
    private var schedules: [BackupSchedule] = []
    private var upgradePolicies: [UpgradePolicy] = []

    init(report: DocumentReport) { self.report = report }

    mutating func load(_ path: String, now: Date) throws(Failure) -> DaytwoConfiguration {
        let path = try realPath(path)
        let main = try read(path)
        var patterns = FilePatterns(directory: Self.directory(of: path))
        let configuration = main.configurations.first
        if let configuration {
            patterns.patterns = configuration.inventory + configuration.policies
            for pattern in patterns.patterns { try readFiles(of: pattern, patterns) }
            for other in main.configurations.dropFirst() {
                report.add(other.origin, "a second document of kind Configuration, after \(configuration.origin)")
            }
            ConfigurationCheck(
                stores: configuration.stores, hosts: configuration.hosts, clusters: clusters, schedules: schedules
            ).report(to: report)
            let check = UpgradePolicyCheck(policies: upgradePolicies)
            check.report(to: report)
            check.report(
                to: report, stores: configuration.stores.map(\.name),
                notifications: configuration.notifications.map(\.name))
        } else if report.problems.isEmpty {
            report.add(
                Origin(file: path, line: 1, column: 1), "the file has no document of kind Configuration",
                "Begin it with apiVersion: \(DocumentDecoder.apiVersion) and kind: Configuration.")
        }
        guard report.problems.isEmpty, let configuration else {
            let problems = report.problems.sorted { ($0.origin, $0.message) < ($1.origin, $1.message) }
            throw DocumentProblems(problems: problems).failure(of: path)
        }
        warnings += ConfigurationWarnings(clusters: clusters, schedules: schedules, now: now).all()
        return DaytwoConfiguration(
            path: path, stateDirectory: configuration.stateDirectory, stores: configuration.stores,
            hosts: configuration.hosts, scheduler: configuration.scheduler, historyKeep: configuration.historyKeep,
            metricsTextFile: configuration.metricsTextFile, notifications: configuration.notifications,
            clusters: clusters, schedules: schedules, upgradePolicies: upgradePolicies,
            upgrades: configuration.upgrades, warnings: warnings, settings: report.settings, files: files,
            patterns: patterns)
    }

    private mutating func readFiles(of pattern: FilePatterns.Pattern, _ patterns: FilePatterns) throws(Failure) {
        let paths = try patterns.paths(of: pattern)
        if paths.isEmpty {
            warnings.append(
                ConfigurationWarning(
                    kind: .patternMatchesNothing, origin: pattern.origin,
                    message: "\(pattern.text.debugDescription) matches no file"))
        }
        for path in paths where !files.contains(where: { $0.path == path }) {
            do throws(Failure) {
                for other in try read(path).configurations {
                    report.add(other.origin, "a document of kind Configuration belongs into daytwo.yaml alone")
                }
            } catch {
                report.add(pattern.origin, error.description, error.next)
            }
        }
    }

    private mutating func read(_ path: String) throws(Failure) -> DecodedDocuments {
        let file = try OpenFile(path)
        // From before the first byte: what changes while it is read is seen as changed.
        let status = try file.status()
        files.append(DaytwoConfiguration.ConfigurationFile(path: path, status: status))
        guard file.size <= UInt64(YAMLReader.largestFile) else {
            throw Failure(.refused, "\(path) is larger than \(YAMLReader.largestFile >> 20) MiB")
        }
        var bytes = [UInt8](repeating: 0, count: Int(file.size))
        try bytes.withMutableBytes { buffer throws(Failure) in try file.read(into: buffer, at: 0) }
        let nodes = YAMLReader(file: path, report: report).documents(in: bytes)
        let decoded = DocumentDecoder(directory: Self.directory(of: path), report: report).decode(nodes)
        clusters += decoded.clusters
        schedules += decoded.schedules
        upgradePolicies += decoded.policies
        for stranger in decoded.strangers {
            report.add(
                stranger.origin, "a document of kind \(stranger.kind) is no part of a configuration", stranger.hint)
        }
        return decoded
    }

    private static func directory(of path: String) -> String {
        let folder = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        return folder.isEmpty ? "/" : String(folder)
    }
}
