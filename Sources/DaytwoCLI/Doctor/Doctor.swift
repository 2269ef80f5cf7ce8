import Failures
import Files
import Foundation
import Jobs
import Monitoring
import Operations
import Policies
import Stores

/// What could keep backups from being made, found without changing anything.
struct Doctor {
    let session: Session
    /// Only this cluster; nil for all.
    let cluster: String?

    /// All checks; the fleet's conditions come last.
    func checks() -> [DoctorCheck] {
        let configuration: DaytwoConfiguration
        do throws(Failure) {
            configuration = try session.settings.requireConfiguration()
        } catch {
            // Where the state directory is may stand in the configuration.
            let isStateKnown = (try? session.settings.stateDirectory()) != nil
            return [.failed("configuration", error)] + (isStateKnown ? [state().check] : [])
        }
        let (stateCheck, queue) = state()
        return [self.configuration(configuration), stateCheck] + catalog(configuration) + stores(configuration)
            + clusters(configuration) + hosts(configuration) + fleet(configuration, queue)
    }

    private func configuration(_ configuration: DaytwoConfiguration) -> DoctorCheck {
        let counts =
            "\(Formats.count(configuration.schedules.count, "schedule")), "
            + Formats.count(configuration.clusters.count, "cluster")
        guard let first = configuration.warnings.first else {
            return .ok("configuration", "\(configuration.path): \(counts)")
        }
        return DoctorCheck(
            name: "configuration", result: .warning, text: "\(configuration.path): \(counts); \(first.text)",
            next: "see all: daytwo config validate")
    }

    private func catalog(_ configuration: DaytwoConfiguration) -> [DoctorCheck] {
        do throws(Failure) {
            guard let catalog = try configuration.catalogFile() else { return [] }
            return [.ok("catalog", Formats.count(catalog.releases.count, "release"))]
        } catch {
            return [.failed("catalog", error)]
        }
    }

    private func state() -> (check: DoctorCheck, queue: JobQueue?) {
        do throws(Failure) {
            let place = try session.settings.stateDirectory()
            guard let queue = try session.recoveredQueue() else {
                return (
                    DoctorCheck(
                        name: "state", result: .warning, text: "\(place.path) is empty: no job ever ran",
                        next: "run the scheduler: daytwo schedule install --cron"), nil
                )
            }
            let free = try FileSystemFacts(of: place.path).freeBytes
            guard free > 64 << 20 else {
                return (
                    DoctorCheck(
                        name: "state", result: .failed, text: "\(place.path) has \(Formats.bytes(free)) left",
                        next: "free space"), queue
                )
            }
            return (.ok("state", "\(place.path) (\(place.source))"), queue)
        } catch {
            return (.failed("state", error), nil)
        }
    }

    private func stores(_ configuration: DaytwoConfiguration) -> [DoctorCheck] {
        let used = Set(configuration.schedules.map(\.store))
        return configuration.stores.filter { used.contains($0.name) }.map { configured in
            let name = "store \(configured.name)"
            do throws(Failure) {
                guard try FileStatus.ifPresent(configured.path, following: true) != nil else {
                    return DoctorCheck(
                        name: name, result: .warning, text: "\(configured.path) is not there yet",
                        next: "mount it, or make it: mkdir -p \(configured.path)")
                }
                let store = try DirectoryStore(configured.path, for: .writing)
                let free = try store.freeBytes() ?? 0
                guard free > 256 << 20 else {
                    return DoctorCheck(
                        name: name, result: .failed, text: "\(configured.path) has \(Formats.bytes(free)) left",
                        next: "free space: daytwo backup prune --dry-run")
                }
                return .ok(name, "\(configured.path): writable, \(Formats.bytes(free)) free")
            } catch {
                return .failed(name, error)
            }
        }
    }

    /// The checks that a backup itself begins with.
    private func clusters(_ configuration: DaytwoConfiguration) -> [DoctorCheck] {
        let wanted = configuration.clusters.filter { cluster == nil || $0.path == cluster }
        var failed: [DoctorCheck] = []
        for one in wanted {
            guard let path = one.dataDirectory else { continue }
            do throws(Failure) {
                let directory = try DataDirectory(path, existing: true)
                try BackupRequest(directory: directory, cluster: ClusterPath(local: one.name)).check()
                try directory.refuseNetworkFileSystem()
                if let file = one.tokenFile { _ = try readFile(file, limit: 1 << 16) }
            } catch {
                failed.append(.failed("cluster \(one.path)", error))
            }
        }
        let good = wanted.count { $0.dataDirectory != nil } - failed.count
        return failed
            + (good > 0
                ? [.ok("clusters", "\(Formats.count(good, "data directory", "data directories")) can be backed up")]
                : [])
    }

    private func fleet(_ configuration: DaytwoConfiguration, _ queue: JobQueue?) -> [DoctorCheck] {
        do throws(Failure) {
            let context = session.context(stopped: "run the command again")
            let status = try FleetSurvey(configuration, queue, context).status(of: cluster.map { [$0] })
            let found = status.conditions(at: session.now).filter {
                cluster == nil || $0.cluster == nil || $0.cluster == cluster
            }
            guard !found.isEmpty else { return [.ok("backups", "nothing is overdue")] }
            return found.map { condition in
                let result: DoctorCheck.Result =
                    switch condition.severity {
                    case .ok: .ok
                    case .warning: .warning
                    case .critical: .failed
                    }
                return DoctorCheck(
                    name: condition.kind.words, result: result, text: condition.sentence, next: condition.next)
            }
        } catch {
            return [.failed("backups", error)]
        }
    }
}
