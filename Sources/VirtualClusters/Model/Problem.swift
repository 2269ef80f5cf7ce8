/// What is not as it should be with a virtual cluster, without anybody having to open it.
public enum Problem: Sendable, Hashable {
    /// A claim that the control plane needs is not there.
    case missingClaim(String)
    /// A claim that is not bound.
    case unboundClaim(String, phase: String)
    /// A Secret that the control plane needs is not there.
    case missingSecret(String)
    /// A ConfigMap that the control plane needs is not there.
    case missingConfigMap(String)
    /// The Service that everything synced belongs to is not there.
    case missingService(String)
    /// It is meant to run, and has no pod.
    case noPod
    /// A pod that no node takes.
    case unschedulable(pod: String, reason: String)
    /// A container that waits.
    case waiting(pod: String, container: String, reason: String, message: String?)
    /// A container that starts again and again.
    case restarting(pod: String, container: String, restarts: Int64, lastEnd: String?)
    /// A pod that is not ready, with nothing that says why.
    case notReady(pod: String)
    /// A pod of another revision than the template's, not ready: the host will not replace it by itself.
    case stuck(pod: String)
    /// A pod with another image than the template's.
    case otherImage(pod: String, image: String)
    /// Annotated as paused, and yet it runs.
    case runningThoughPaused
    /// vcluster's own restore is at work, or was cut.
    case restoring
    /// A run of daytwo has it in its hands, or was cut: a restore, a rollback, a move, an upgrade.
    case underWay(run: String, deed: String)

    /// What to tell a person.
    public var sentence: String {
        switch self {
        case .missingClaim(let name): "The claim \(name) is not there."
        case .unboundClaim(let name, let phase): "The claim \(name) is \(phase), not bound."
        case .missingSecret(let name): "The Secret \(name) is not there."
        case .missingConfigMap(let name): "The ConfigMap \(name) is not there."
        case .missingService(let name): "The Service \(name) is not there, and whatever is synced belongs to it."
        case .noPod: "It has no pod."
        case .unschedulable(let pod, let reason): "No node takes the pod \(pod): \(reason)"
        case .waiting(let pod, let container, let reason, let message):
            "The container \(container) of the pod \(pod) waits: \(reason)" + (message.map { ", \($0)" } ?? "")
        case .restarting(let pod, let container, let restarts, let lastEnd):
            "The container \(container) of the pod \(pod) was restarted \(restarts) times"
                + (lastEnd.map { ", last after \($0)" } ?? "") + "."
        case .notReady(let pod): "The pod \(pod) is not ready."
        case .stuck(let pod):
            "The pod \(pod) is of another revision than its StatefulSet and is not ready: the host does not replace it until it is "
                + "deleted."
        case .otherImage(let pod, let image):
            "The pod \(pod) runs \(image), not the image of its template: an upgrade is in flight, or it was not restarted."
        case .runningThoughPaused: "It is annotated as paused and has replicas."
        case .restoring: "A restore by vcluster's own command is at work, or was cut."
        case .underWay(let run, let deed):
            "The \(deed.replacing("-", with: " ")) \(run.prefix(8)) of daytwo is under way, or was cut: let it finish, or go on with "
                + Self.ways(deed) + "."
        }
    }

    private static func ways(_ deed: String) -> String {
        let verb = deed.hasPrefix("upgrade") ? "upgrade" : "restore"
        let back = "daytwo \(verb) rollback"
        return deed.hasSuffix("rollback") ? back : "daytwo \(verb) resume or \(back)"
    }
}
