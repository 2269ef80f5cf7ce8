/// The annotations that a run of daytwo leaves on a workload while it has it stopped: written in the patch that stops it, taken off at its end.
public enum RunAnnotations {
    /// The run's id.
    public static let run = HostManifest.annotationPrefix + "run"
    /// The replicas from before.
    public static let replicas = HostManifest.annotationPrefix + "replicas-before"
    /// The server's image from before.
    public static let image = HostManifest.annotationPrefix + "image-before"
}
