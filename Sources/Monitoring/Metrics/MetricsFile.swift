public import Failures
internal import Files

/// Writes metrics where node_exporter's textfile collector finds them: `*.prom`, at once, readable by its user (0644).
///
/// Throws `usage` for a name that the collector would pass over, and as the durable write does.
public func writeMetricsFile(_ metrics: [UInt8], to path: String) throws(Failure) {
    guard path.hasSuffix(".prom") else {
        throw Failure(
            .usage, "\(path) does not end in .prom, and node_exporter reads no other file",
            next: "Name it like /var/lib/prometheus/node-exporter/daytwo.prom")
    }
    try durablyWrite(metrics, to: path, mode: 0o644, replacing: true)
}
