internal import Failures

/// What no document can check alone: names that others must have, and names that only one may have.
struct ConfigurationCheck {
    let stores: [ConfiguredStore]
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
        }
        names = [:]
        for schedule in schedules {
            if let first = names[schedule.name] {
                report.add(schedule.origin, "the schedule \(schedule.name) is there already, at \(first)")
            } else {
                names[schedule.name] = schedule.origin
            }
            guard !stores.contains(where: { $0.name == schedule.store }) else { continue }
            let known = stores.map(\.name)
            let near = Suggestion.nearest(to: schedule.store, among: known).map { "Did you mean \($0)?" }
            let choices =
                known.isEmpty
                ? "Name a store under stores in daytwo.yaml." : "Known are \(known.sorted().joined(separator: ", "))."
            report.add(
                schedule.origin(of: "spec.store"), "there is no store \(schedule.store.debugDescription)",
                near ?? choices)
        }
    }
}
