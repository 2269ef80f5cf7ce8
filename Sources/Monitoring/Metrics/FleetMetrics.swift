internal import FoundationEssentials

extension FleetStatus {
    /// The content type of ``metrics()``.
    public static var metricsContentType: String { MetricsText.contentType }

    /// The fleet in Prometheus' text form, always in the same order.
    ///
    /// Times are seconds since 1970, and 0 where something never happened. Due times are only there where something
    /// is promised; a due time that lies in the past is what alerts hang on.
    public func metrics() -> [UInt8] {
        var text = MetricsText()
        text.addFleet(self)
        let rows = clusters.map { (status: $0, labels: $0.labels) }.sorted { $0.labels < $1.labels }
        for metric in ClusterMetric.all {
            text.begin(metric.name, .gauge, metric.help)
            for row in rows {
                for sample in metric.samples(row.status) {
                    let labels =
                        sample.label.map { label in
                            row.labels.dropLast() + "," + MetricsText.labels([label]).dropFirst()
                        } ?? Substring(row.labels)
                    text.sample(metric.name, String(labels), sample.value)
                }
            }
        }
        return text.bytes
    }
}

extension MetricsText {
    fileprivate mutating func addFleet(_ fleet: FleetStatus) {
        begin("daytwo_build_info", .gauge, "Always 1; the label tells the version of daytwo.")
        sample("daytwo_build_info", Self.labels([("version", fleet.version)]), 1)
        if let scheduler = fleet.scheduler {
            let name = "daytwo_scheduler_last_pass_timestamp_seconds"
            begin(name, .gauge, "When a pass of the scheduler last ended; 0 for never.")
            sample(name, "", scheduler.lastPassAt.seconds)
        }
        begin("daytwo_jobs", .gauge, "Jobs by state.")
        for (state, count) in fleet.jobsByState.sorted(by: { $0.key < $1.key }) {
            sample("daytwo_jobs", Self.labels([("state", state)]), Double(count))
        }
        add("daytwo_jobs_needing_decision", Double(fleet.undecidedJobs.count), "Jobs that only a person may end.")
        begin("daytwo_job_retries_total", .counter, "Attempts of jobs that followed a failed one.")
        sample("daytwo_job_retries_total", "", Double(fleet.retriesTotal))
        add("daytwo_clusters_uncovered", Double(fleet.uncovered.count), "Clusters that no schedule covers.")
        add("daytwo_stores_unreachable", Double(fleet.storeProblems.count), "Stores that could not be read.")
        add(
            "daytwo_notification_endpoints_failing", Double(fleet.failingEndpoints.count),
            "Endpoints that notifications do not reach.")
    }

    private mutating func add(_ name: String, _ value: Double, _ help: String) {
        begin(name, .gauge, help)
        sample(name, "", value)
    }
}

extension ClusterStatus {
    fileprivate var labels: String { MetricsText.labels([("cluster", cluster), ("schedule", schedule)]) }
}

extension Optional<Date> {
    /// Seconds since 1970, 0 for never.
    var seconds: Double { self?.timeIntervalSince1970 ?? 0 }
}
