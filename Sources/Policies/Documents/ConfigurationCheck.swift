internal import Failures

/// What no document can check alone: names that others must have, and names that only one may have.
struct ConfigurationCheck {
    let stores: [ConfiguredStore]
    let hosts: [ConfiguredHost]
    let clusters: [InventoryCluster]
    let schedules: [BackupSchedule]

    func report(to report: DocumentReport) {
        var names: [String: Origin] = [:]
        for cluster in clusters {
            if let first = names[cluster.path] {
                report.add(cluster.origin, "the cluster \(cluster.path) is there already, at \(first)")
            } else {
                names[cluster.path] = cluster.origin
            }
            if let host = cluster.host {
                check(host, among: hosts.map(\.name), "host", "hosts", cluster.origin, report)
            }
        }
        names = [:]
        for schedule in schedules {
            if let first = names[schedule.name] {
                report.add(schedule.origin, "the schedule \(schedule.name) is there already, at \(first)")
            } else {
                names[schedule.name] = schedule.origin
            }
            let origin = schedule.origin(of: "spec.store")
            check(schedule.store, among: stores.map(\.name), "store", "stores", origin, report)
        }
    }

    private func check(
        _ name: String, among known: [String], _ kind: String, _ kinds: String, _ origin: Origin,
        _ report: DocumentReport
    ) {
        guard !known.contains(name) else { return }
        let near = Suggestion.nearest(to: name, among: known).map { "Did you mean \($0)?" }
        let choices =
            known.isEmpty
            ? "Name a \(kind) under \(kinds) in daytwo.yaml." : "Known are \(known.sorted().joined(separator: ", "))."
        report.add(origin, "there is no \(kind) \(name.debugDescription)", near ?? choices)
    }
}
