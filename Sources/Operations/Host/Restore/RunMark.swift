import Failures
import JSONValues
import Kubernetes
import VirtualClusters

/// What the annotations of a workload say of the run that has it stopped: enough to go on or back from any machine.
public struct RunMark: Sendable, Equatable {
    /// What is done.
    public enum Deed: String, Sendable {
        /// A backup is restored.
        case restore
        /// A restore is undone.
        case rollback
        /// A backup is brought up as a new virtual cluster.
        case move
        /// The server gets another image.
        case upgrade
        /// It gets the old image back, and the data from before.
        case upgradeRollback = "upgrade-rollback"

        /// An upgrade, or its way back.
        public var isUpgrade: Bool { self == .upgrade || self == .upgradeRollback }
        /// `upgrade rollback`
        var words: String { rawValue.replacing("-", with: " ") }
    }

    /// The run's id, 32 hex digits.
    public var run: String
    /// What is done.
    public var deed: Deed
    /// The replicas from before.
    public var replicas: Int64
    /// The server's image from before.
    public var image: String
    /// The image that it gets; nil where that stays.
    public var newImage: String?
    /// When it began, RFC 3339.
    public var started: String
    /// Which process has it in its hands: an id of its own, then words for people.
    public var holder: String
    /// The id of the backup that is restored, or of the copy that an upgrade has set aside.
    public var backup: String?
    /// The run on the volume, where it is an earlier one.
    public var journal: String?
    /// What a person chose, as JSON.
    var options: String?

    /// Who has it in hands, for a person.
    public var who: String { String(holder.split(separator: " ", maxSplits: 1).last ?? "somebody") }

    /// The end that the name of its journal on the volume has.
    var journalSuffix: String { "-\(run.prefix(8))" }

    /// Whether a run on the volume is this one's.
    public func isOf(_ run: String) -> Bool { run == journal || run.hasSuffix(journalSuffix) }

    /// Reads a workload's annotations; nil where no run has it. Throws `halfWay` for a mark that somebody has damaged.
    init?(of workload: KubernetesObject) throws(Failure) {
        let annotations = workload.annotations
        guard let run = annotations[RunAnnotations.run] else { return nil }
        guard run.utf8.count == 32, run.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let replicas = annotations[RunAnnotations.replicas].flatMap({ Int64($0) }), (0...1000).contains(replicas),
            let deed = Deed(rawValue: annotations[RunAnnotations.deed] ?? "")
        else {
            throw Failure(
                .halfWay, "the marks of a restore on \(workload.namespace ?? "")/\(workload.name) make no sense",
                why: "somebody has changed its annotations \(RunAnnotations.run), …-replicas or …-deed",
                next:
                    "Put them right by hand, or take all \(HostManifest.annotationPrefix)restore-… annotations off it, and remove a "
                    + "ResourceQuota daytwo-… of its namespace.")
        }
        self.run = run
        self.deed = deed
        self.replicas = replicas
        image = annotations[RunAnnotations.image] ?? ""
        newImage = annotations[RunAnnotations.newImage]
        started = annotations[RunAnnotations.started] ?? "an unknown time"
        holder = annotations[RunAnnotations.holder] ?? ""
        backup = annotations[RunAnnotations.backup]
        journal = annotations[RunAnnotations.journal]
        options = annotations[RunAnnotations.options]
    }

    init(run: String, deed: Deed, replicas: Int64, image: String, started: String, holder: String) {
        self.run = run
        self.deed = deed
        self.replicas = replicas
        self.image = image
        self.started = started
        self.holder = holder
    }

    /// The annotations of a patch that writes it.
    var annotations: [JSONMember] {
        let values: [(String, String?)] = [
            (RunAnnotations.run, run), (RunAnnotations.deed, deed.rawValue), (RunAnnotations.replicas, "\(replicas)"),
            (RunAnnotations.image, image), (RunAnnotations.newImage, newImage), (RunAnnotations.started, started),
            (RunAnnotations.holder, holder),
            (RunAnnotations.backup, backup), (RunAnnotations.journal, journal),
            (RunAnnotations.options, options),
        ]
        return values.map { JSONMember($0.0, $0.1.map { .string($0) } ?? .null) }
    }

    /// The annotations of a patch that takes it off.
    static var removal: [JSONMember] { RunAnnotations.all.map { JSONMember($0, .null) } }

    /// Why nobody else may begin.
    func locked(_ path: String, _ commands: HostRestoreCommands) -> Failure {
        let (resume, rollback) =
            deed.isUpgrade
            ? (commands.upgradeResume, commands.upgradeRollback) : (commands.resume, commands.rollback)
        return Failure(
            .locked, "\(deed.isUpgrade ? "an" : "a") \(deed.words) of \(path) is under way, or was cut",
            why: "run \(run.prefix(8)), begun at \(started) by \(who)",
            next: "Let it finish; where it was cut: \(resume); or \(rollback)",
            cause: WorkloadHold.NotOurs())
    }
}

/// The commands that go on with a restore, for messages.
public struct HostRestoreCommands: Sendable {
    /// What comes after the verb: `team/blue --host host-1`.
    private let target: String

    /// Takes the words that name the cluster on a command line.
    public init(target: String) { self.target = target }

    /// `daytwo restore list team/blue`
    public var list: String { "daytwo restore list \(target)" }
    /// `daytwo restore plan team/blue`, without the backup.
    public var plan: String { "daytwo restore plan \(target)" }
    /// `daytwo restore resume team/blue`
    public var resume: String { "daytwo restore resume \(target)" }
    /// `daytwo restore rollback team/blue`
    public var rollback: String { "daytwo restore rollback \(target)" }
    /// `daytwo upgrade resume team/blue`
    public var upgradeResume: String { "daytwo upgrade resume \(target)" }
    /// `daytwo upgrade rollback team/blue`
    public var upgradeRollback: String { "daytwo upgrade rollback \(target)" }
}
