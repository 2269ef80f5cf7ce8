import Failures
import Foundation
import Kubernetes
import Operations
import Policies
import VirtualClusters

extension Doctor {
    /// The hosts of the inventory's clusters: whether they answer, whether our rights are enough, whether each cluster is there
    /// and can be backed up, and whether the agent starts, once on each host: a missing image must not be found in the incident.
    func hosts(_ configuration: DaytwoConfiguration) -> [DoctorCheck] {
        let wanted = configuration.clusters.filter { cluster == nil || $0.path == cluster }
        let names = Set(wanted.compactMap(\.host))
        return configuration.hosts.filter { names.contains($0.name) }.flatMap { host in
            checks(of: host, wanted.filter { $0.host == host.name })
        }
    }

    private func checks(of configured: ConfiguredHost, _ wanted: [InventoryCluster]) -> [DoctorCheck] {
        let name = "host \(configured.name)"
        let context = session.context(stopped: "run the command again")
        do throws(Failure) {
            let host = try HostOptions.chosen(configured, context).cluster
            let version = try host.client.serverVersion()
            var checks = [DoctorCheck.ok(name, "answers as Kubernetes \(version)")]
            for namespace in Set(wanted.compactMap(\.namespace)).sorted() {
                let missing = try host.missingRights(for: [.list, .backup], in: namespace)
                guard !missing.isEmpty else { continue }
                checks.append(
                    DoctorCheck(
                        name: name, result: .failed,
                        text: "in namespace \(namespace) we may not \(missing.map(\.text).joined(separator: ", "))",
                        next: "daytwo rbac --for list,backup -n \(namespace) | kubectl apply -f -, and bind it"))
            }
            return checks + clusters(wanted, on: host, configured, context)
        } catch {
            return [.failed(name, error)]
        }
    }

    private func clusters(
        _ wanted: [InventoryCluster], on host: HostCluster, _ configured: ConfiguredHost, _ context: OperationContext
    ) -> [DoctorCheck] {
        var checks: [DoctorCheck] = []
        var good: [HostBackup] = []
        let image = configured.agentImage ?? Environment.agentImage.value
        var settings = AgentSettings(image: image ?? "")
        settings.take(configured)
        for one in wanted {
            do throws(Failure) {
                let (found, objects) = try host.cluster(named: "\(one.namespace ?? "")/\(one.name)")
                let backup = HostBackup(found, among: objects, on: host, settings)
                try backup.check()
                good.append(backup)
                let problems = found.problems.map(\.sentence)
                guard !problems.isEmpty else { continue }
                checks.append(
                    DoctorCheck(
                        name: "cluster \(one.path)", result: .warning, text: problems.joined(separator: " "),
                        next: "look at it: daytwo clusters show \(found.path) --host \(host.name)"))
            } catch {
                checks.append(.failed("cluster \(one.path)", error))
            }
        }
        if !good.isEmpty {
            checks.append(
                .ok("clusters on \(host.name)", "\(Formats.count(good.count, "virtual cluster")) can be backed up"))
        }
        guard let first = good.first else { return checks }
        return checks + [agent(first, image, host, context)]
    }

    private func agent(
        _ backup: HostBackup, _ image: String?, _ host: HostCluster, _ context: OperationContext
    ) -> DoctorCheck {
        let name = "agent on \(host.name)"
        guard image != nil else {
            return DoctorCheck(
                name: name, result: .failed, text: "no image of the agent is named",
                next: "write agent.image under the host in daytwo.yaml; scripts/image builds one")
        }
        do throws(Failure) {
            let report = try backup.tryAgent(context)
            guard report.daytwoVersion == OperationContext.version else {
                return DoctorCheck(
                    name: name, result: .failed,
                    text: "the image has daytwo \(report.daytwoVersion), and this is \(OperationContext.version)",
                    next: "use an image of the same version")
            }
            guard let problem = report.problems.first else {
                return .ok(name, "starts, and sees \(report.dataDirectory ?? "the data") as \(report.driver ?? "?")")
            }
            return DoctorCheck(
                name: name, result: .failed, text: problem.text, next: "look at the volume with kubectl")
        } catch {
            return .failed(name, error)
        }
    }
}
