import Failures
import Policies
import Stores

extension DaytwoConfiguration {
    /// The schedule of a name; throws `notFound`.
    func requireSchedule(_ name: String) throws(Failure) -> BackupSchedule {
        if let found = schedules.first(where: { $0.name == name }) { return found }
        let names = schedules.map(\.name).joined(separator: ", ")
        throw Failure(
            .notFound, "there is no schedule \(name.debugDescription)", why: names.isEmpty ? nil : "there are \(names)",
            next: "see: daytwo schedule list")
    }

    /// The path of the cluster that `text` names; throws `notFound` where no inventory has it, `usage` where several have the name.
    func path(ofCluster text: String) throws(Failure) -> String {
        let paths = clusters.map(\.path)
        if let found = try ClusterPath.named(text, among: paths.compactMap { ClusterPath($0) }) {
            return found.description
        }
        let near = Suggestion.nearest(to: text, among: paths + clusters.map(\.name))
        throw Failure(
            .notFound, "the inventory has no \(text)",
            next: near.map { "Did you mean \($0)?" } ?? "see: daytwo schedule list")
    }
}
