/// Whether a control plane is meant to run, as its workload and vcluster's annotations say.
public enum ClusterState: Sendable, Hashable {
    /// It is.
    case running
    /// Paused: how many replicas a resume brings back, and since when, as written.
    case paused(replicas: Int64?, since: String?)
    /// Annotated as paused, and yet it has replicas: an upgrade of its chart does that.
    case runningThoughPaused(replicas: Int64?)
    /// vcluster's own restore is at work, or was cut.
    case restoring
    /// Somebody scaled it to 0, without an annotation.
    case scaledToZero
    /// Being deleted.
    case beingDeleted
}
