import Failures
import JSONValues
import Kubernetes

/// How a k3s beside an agent has ended, and what it said last.
struct ServerEnd {
    let status: Int64
    /// The last line of its log; nil for an empty one.
    private let lastLine: String?
    /// Why the log cannot be read.
    private let logProblem: String?

    /// nil while it runs. Throws `unreachable` where its pod is gone or was ended.
    init?(of podName: String, in namespace: String, on host: HostCluster) throws(Failure) {
        let container = AgentPod.serverContainer
        let pod = try host.client.find(.pods, podName, in: namespace)
        let statuses = pod?["status", "containerStatuses"]?.arrayValue
        let found = statuses?.first { $0["name"]?.stringValue == container }
        guard let ended = found?["state", "terminated"] else {
            guard let pod, pod["status", "phase"]?.stringValue != "Failed" else {
                throw Failure(
                    .unreachable, "the pod \(podName) with k3s is gone",
                    why: pod?["status", "message"]?.stringValue ?? pod?["status", "reason"]?.stringValue)
            }
            return nil
        }
        status = ended["exitCode"]?.integerValue ?? -1
        do throws(Failure) {
            let log = try host.client.log(of: podName, in: namespace, container: container, lines: 5, limit: 1 << 14)
            lastLine = String(decoding: log, as: UTF8.self).split(whereSeparator: \.isNewline).last.map {
                String($0.prefix(500))
            }
            logProblem = nil
        } catch {
            guard error.code == .denied || error.code == .notFound else { throw error }
            (lastLine, logProblem) = (nil, error.why ?? error.what)
        }
    }

    /// For a person.
    var words: String {
        let end = "k3s ended with status \(status)"
        if let logProblem { return "\(end), and its log cannot be read: \(logProblem)" }
        return lastLine.map { "\(end), and said last: \($0)" } ?? "\(end) and said nothing"
    }
}
