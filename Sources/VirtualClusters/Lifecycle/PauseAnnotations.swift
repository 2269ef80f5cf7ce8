internal import Kubernetes

/// The annotations by which vcluster's own command pauses, and by which it marks a restore.
enum PauseAnnotations {
    static let paused = "loft.sh/paused"
    static let restoring = "loft.sh/restoring"
    static let replicas = "loft.sh/paused-replicas"
    static let date = "loft.sh/paused-date"
}

extension ListedObject {
    /// Whether a workload is meant to run.
    var clusterState: ClusterState {
        if object.isBeingDeleted { return .beingDeleted }
        if annotations[PauseAnnotations.restoring] == "true" { return .restoring }
        let before = annotations[PauseAnnotations.replicas].flatMap { Int64($0) }
        if annotations[PauseAnnotations.paused] == "true" {
            return object.replicas > 0
                ? .runningThoughPaused(replicas: before)
                : .paused(replicas: before, since: annotations[PauseAnnotations.date])
        }
        return object.replicas > 0 ? .running : .scaledToZero
    }
}
