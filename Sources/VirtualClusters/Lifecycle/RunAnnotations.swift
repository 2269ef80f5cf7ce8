/// The annotations that a run of daytwo leaves on a workload while it has it stopped: written in the patch that stops it,
/// taken off at its end.
public enum RunAnnotations {
    /// The run's id.
    public static let run = HostManifest.annotationPrefix + "restore-run"
    /// The replicas from before.
    public static let replicas = HostManifest.annotationPrefix + "restore-replicas"
    /// The image that it gets, where that is another one.
    public static let newImage = HostManifest.annotationPrefix + "restore-new-image"
    /// The server's image from before.
    public static let image = HostManifest.annotationPrefix + "restore-image"
    /// When it began, RFC 3339.
    public static let started = HostManifest.annotationPrefix + "restore-started"
    /// Which process has it in its hands: an id of its own, then words for people.
    public static let holder = HostManifest.annotationPrefix + "restore-holder"
    /// What is done: `restore` or `rollback`, `upgrade` or `upgrade-rollback`.
    public static let deed = HostManifest.annotationPrefix + "restore-deed"
    /// The id of the backup that is restored, or of the copy that an upgrade has set aside.
    public static let backup = HostManifest.annotationPrefix + "restore-backup"
    /// The run on the volume, where that is another one.
    public static let journal = HostManifest.annotationPrefix + "restore-journal"

    /// What a person chose for it.
    public static let options = HostManifest.annotationPrefix + "restore-options"

    /// Only there to be a change, which makes a controller look again at what it has given up for now.
    public static let woken = HostManifest.annotationPrefix + "restore-woken"

    /// On a cluster that was paused and was started for its upgrade: since when it was, as vcluster wrote it. Whoever sees it on
    /// a cluster that nobody works on pauses that again.
    public static let pauseAgain = HostManifest.annotationPrefix + "pause-again"

    /// All of them.
    public static let all = [run, replicas, image, newImage, started, holder, deed, backup, journal, options, woken]

    /// What the last upgrade was, as JSON: it stays after its end, so that there is a way back.
    public static let upgraded = HostManifest.annotationPrefix + "upgraded"
}
