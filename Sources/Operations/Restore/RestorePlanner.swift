import Archive
import Datastore
public import Failures
import Files
import Foundation
import Stores

/// Makes the plan of a restore from an archive and a directory; changes nothing.
public struct RestorePlanner {
    private let archive: RestoreArchive
    private let directory: DataDirectory
    private let options: RestoreOptions
    private let context: OperationContext

    /// Prepares a plan.
    public init(
        _ archive: RestoreArchive, onto directory: DataDirectory, _ options: RestoreOptions, _ context: OperationContext
    ) throws(Failure) {
        self.archive = archive
        self.directory = try directory.receiving(archive.distribution)
        self.options = options
        self.context = context
    }

    /// Looks at both and decides. What stands in its way is in `refusals`; with `beforeStop`, a server that runs is not,
    /// since it will have been stopped by then.
    public func plan(beforeStop: Bool = false) throws(Failure) -> RestorePlan {
        let inspection = TargetInspection(directory: directory)
        let refusals = try inspection.refusals(beforeStop: beforeStop)
        let target = try inspection.target()
        let source = archive.source(now: context.now())
        let (files, reason) = serverFiles()
        let carry = try carryOver(source, target).decide()
        let needed = [carry.bytes, archive.rebuiltBytes, 64 << 20].reduce(archive.stagedBytes(files), saturatingSum)
        let free = try FileSystemFacts(of: directory.root).freeBytes
        let newer = try options.newerVolumes.map { (choice) throws(Failure) in
            try NewerObjects(in: inspection, target, than: archive, choice)
        }
        var plan = RestorePlan(
            source: source, target: target, serverFiles: files, serverFilesReason: reason,
            bump: options.bumpsRevision && archive.driver == .kine ? bump(source, target) : nil,
            carriedOver: carry.carried.map(\.path), setAside: carry.setAside, notCreated: archive.leavingLinks,
            newer: newer, hostBindings: try hostBindings(), neededBytes: needed, freeBytes: free, warnings: [],
            refusals: refusals, options: options)
        plan.warnings = warnings(plan)
        plan.refusals += self.refusals(of: plan)
        return plan
    }

    private func hostBindings() throws(Failure) -> [HostBinding]? {
        guard let cleaning = options.cleaning, archive.driver == .kine else { return nil }
        return try archive.hostBindings(HostBinding.Kind.allCases).filter(cleaning.cleans)
    }

    func carryOver(_ source: RestorePlan.Source, _ target: RestorePlan.Target) -> CarryOver {
        CarryOver(
            directory: directory, archived: archive.serverPaths,
            isSameCluster: source.clusterUID != nil && source.clusterUID == target.clusterUID)
    }

    private func bump(_ source: RestorePlan.Source, _ target: RestorePlan.Target) -> RevisionBump {
        if let served = target.newestRevision {
            return RevisionBump(above: served, backup: max(source.window.maxRevision, source.window.sequence))
        }
        return RevisionBump(
            backup: max(source.window.maxRevision, source.window.sequence), ageSeconds: source.ageSeconds,
            revisionsPerSecond: archive.document.datastore.revisionsPerSecond ?? 0,
            because: target.database == "absent"
                ? "what the lost database has served is unknown" : "the replaced database cannot be read")
    }

    /// `tls/` and `cred/` are whole or absent (seen on k3s v1.21.2: half of them lose the identity in silence).
    private func serverFiles() -> (RestorePlan.ServerFiles, String) {
        if archive.distribution == .kubernetes {
            return (.untouched, "Kubernetes takes its certificates from a Secret of its host at each start")
        }
        if let chosen = options.serverFiles { return (chosen, "as told by --server-files") }
        let document = archive.document
        let isProven = document.token.isProven && archive.serverPaths.contains("token")
        switch document.identityFilesState {
        case "complete": return (.identical, document.identityFiles)
        case "absent": return (.recreate, "\(document.identityFiles); k3s makes them from the datastore")
        default:
            return isProven
                ? (.recreate, "\(document.identityFiles); the token opens the datastore's own copy")
                : (.identical, "\(document.identityFiles); the token does not open the datastore's copy")
        }
    }

    static let rebuildWarning =
        "only k3s can rebuild its etcd: until that is done, do not start it in another way, since it would begin an empty"
        + " cluster (--cluster-init) or stop with an error"

    private func warnings(_ plan: RestorePlan) -> [String] {
        var warnings = plan.source.reasons.map { "the backup is partial: \($0)" }
        if let problem = plan.target.databaseProblem {
            warnings.append("the database that is there cannot be read (\(problem)); it is kept aside as it is")
        }
        if plan.target.hasServer, plan.target.clusterUID == nil {
            warnings.append("which cluster is there now is unknown; its files are kept aside")
        }
        if archive.distribution == .k3s, !archive.serverPaths.contains("token"), !plan.carriedOver.contains("token") {
            warnings.append(
                "the backup holds no server token: give k3s the cluster's own (--token, K3S_TOKEN) before it starts")
        }
        if archive.driver == .etcd {
            warnings.append(Self.rebuildWarning)
            warnings.append(
                "k3s leaves the revisions as they are in the snapshot, so they go backwards: restart agents and"
                    + " controllers that stay connected")
        } else if !options.bumpsRevision {
            warnings.append("revisions go backwards: clients that stay connected miss changes without an error")
        }
        if archive.distribution == .kubernetes { warnings += authorityWarnings(plan) }
        warnings += plan.newer?.warnings ?? []
        for path in plan.setAside {
            warnings.append("server/\(path) is not in the backup; only the set put aside keeps it")
        }
        return warnings
    }

    /// What is signed in the datastore was signed by the keys of the backup's time, and those are not restored with it.
    private func authorityWarnings(_ plan: RestorePlan) -> [String] {
        switch (plan.source.serverCA, plan.target.serverCA) {
        case (let there?, let here?) where there != here:
            [
                "the certificate authority here is not the backup's (\(here.prefix(16))…, in the backup \(there.prefix(16))…):"
                    + " tokens of service accounts from then are void, unless Secret NAME-certs is brought back from the backup"
            ]
        case (_, nil): ["there are no certificates here yet: vcluster takes them from Secret NAME-certs of the host"]
        default: []
        }
    }

    private func refusals(of plan: RestorePlan) -> [String] {
        var refusals: [String] = []
        if plan.freeBytes < plan.neededBytes {
            refusals.append(
                "\(directory.root) has too little space: \(plan.freeBytes >> 20) MiB are free,"
                    + " \(plan.neededBytes >> 20) MiB are needed to stage the restore")
        }
        if !options.replacesOtherCluster, let difference = otherCluster(plan) {
            refusals.append(
                "\(directory.root) holds another cluster (\(difference)): say --replace-other-cluster to go on")
        }
        if let bump = plan.bump, bump.revision > RevisionBump.limit {
            refusals.append("the revision cannot be raised above \(bump.revision): no server ever served so many")
        }
        for binding in plan.hostBindings ?? [] {
            guard let problem = binding.problem else { continue }
            refusals.append("\(binding.kind.rawValue) cannot be cleaned: of \(binding.name), \(problem)")
        }
        if directory.distribution != archive.distribution {
            refusals.append(
                "\(directory.root) is of \(directory.distribution.rawValue), and the backup of"
                    + " \(archive.distribution.rawValue): restore it into an empty directory")
        }
        guard archive.distribution == .k3s else { return refusals }
        let hasIdentity = archive.document.identityFilesState == "complete" || archive.document.token.isProven
        let recreatesWithout = plan.serverFiles == .recreate && !archive.document.token.isProven
        if !options.acceptsNewIdentity, !hasIdentity || recreatesWithout {
            refusals.append(
                "k3s would make a new identity (\(archive.document.identityFiles); \(archive.document.token.sentence)),"
                    + " which voids every kubeconfig and token: say --new-identity to accept that")
        }
        return refusals
    }

    private func otherCluster(_ plan: RestorePlan) -> String? {
        if let here = plan.target.clusterUID, let there = plan.source.clusterUID {
            return here == there ? nil : "kube-system has UID \(here), in the backup \(there)"
        }
        if let here = plan.target.serverCA, let there = plan.source.serverCA, here != there {
            return "its server CA has the fingerprint \(here.prefix(16))…, in the backup \(there.prefix(16))…"
        }
        return nil
    }
}
