import Failures
import Files
import Foundation
import Monitoring
import Testing

@Suite struct MetricsTests {
    @Test func `a fleet reads as Prometheus wants it`() throws {
        var fleet = healthyFleet()
        fleet.retriesTotal = 17
        let text = text(fleet)
        for line in [
            #"daytwo_build_info{version="0.1.0"} 1"#,
            "daytwo_scheduler_last_pass_timestamp_seconds 1795345190",
            "# TYPE daytwo_job_retries_total counter",
            "daytwo_job_retries_total 17",
            #"daytwo_jobs{state="running"} 1"#,
            "# TYPE daytwo_backup_due_timestamp_seconds gauge",
            #"daytwo_backup_due_timestamp_seconds{cluster="local/shop",schedule="hourly"} 1795348800"#,
            #"daytwo_backup_last_timestamp_seconds{cluster="local/shop",schedule="hourly"} 1795341600"#,
            #"daytwo_backup_last_success_timestamp_seconds{cluster="local/shop",schedule="hourly"} 1795341600"#,
            #"daytwo_backup_last_size_bytes{cluster="local/shop",schedule="hourly"} 1234567"#,
            #"daytwo_backup_last_duration_seconds{cluster="local/shop",schedule="hourly"} 2.5"#,
            #"daytwo_backup_rpo_seconds{cluster="local/shop",schedule="hourly"} 7200"#,
            #"daytwo_run_last_exit_code{cluster="local/shop",schedule="hourly"} 0"#,
            #"daytwo_run_last_status{cluster="local/shop",schedule="hourly",status="succeeded"} 1"#,
            #"daytwo_run_last_status{cluster="local/shop",schedule="hourly",status="failed"} 0"#,
            #"daytwo_verification_last_timestamp_seconds{cluster="local/shop",schedule="hourly",level="stored"} 1795341610"#,
            #"daytwo_verification_last_timestamp_seconds{cluster="local/shop",schedule="hourly",level="opened"} 1795265200"#,
            #"daytwo_drill_last_duration_seconds{cluster="local/shop",schedule="hourly"} 42"#,
            #"daytwo_schedule_suspended{cluster="local/shop",schedule="hourly"} 0"#,
        ] {
            #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
    }

    @Test(
        arguments: [(0, "succeeded"), (3, "partial"), (1, "failed"), (9, "failed"), (143, "failed")]
            as [(Int32, String)])
    func `status and exit code come from one record`(code: Int32, status: String) {
        var cluster = healthyCluster()
        cluster.lastRun = .init(exitCode: code, at: noon)
        let text = text(healthyFleet([cluster]))
        #expect(text.contains("daytwo_run_last_exit_code{cluster=\"local/shop\",schedule=\"hourly\"} \(code)\n"))
        let ones = text.split(separator: "\n").filter { $0.hasPrefix("daytwo_run_last_status") && $0.hasSuffix(" 1") }
        #expect(ones == ["daytwo_run_last_status{cluster=\"local/shop\",schedule=\"hourly\",status=\"\(status)\"} 1"])
    }

    @Test func `what never happened is 0, what is not promised is absent`() {
        let new = ClusterStatus(cluster: "local/new", schedule: "weekly", firstSeenAt: noon)
        let text = text(healthyFleet([new]))
        for name in ["backup_last", "backup_last_success", "drill_last"] {
            #expect(text.contains("daytwo_\(name)_timestamp_seconds{cluster=\"local/new\",schedule=\"weekly\"} 0\n"))
        }
        for name in [
            "backup_due_timestamp_seconds", "drill_due_timestamp_seconds", "run_last_exit_code", "backup_rpo_seconds",
        ] {
            #expect(!text.contains("daytwo_\(name){"))
        }
        var promised = new
        promised.rpo = .seconds(60)
        #expect(self.text(healthyFleet([promised])).contains("weekly\"} \(Int(noon.timeIntervalSince1970) + 60)\n"))
    }

    @Test func `labels are escaped, and the order is always the same`() throws {
        let strange = "local/a\"b\\c\nd"
        let one = healthyFleet([healthyCluster("local/b"), healthyCluster(strange), healthyCluster("local/a")])
        let other = healthyFleet([healthyCluster("local/a"), healthyCluster("local/b"), healthyCluster(strange)])
        #expect(one.metrics() == other.metrics())
        let text = text(one)
        #expect(text.contains(#"{cluster="local/a\"b\\c\nd",schedule="hourly"}"#))
        #expect(text.hasSuffix("\n"))
        let series = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }
        #expect(Set(series).count == series.count)
    }

    @Test func `the file is replaced at once, and everybody may read it`() throws {
        let scratch = try Scratch()
        try writeMetricsFile(healthyFleet().metrics(), to: scratch["daytwo.prom"])
        try writeMetricsFile(Array("new\n".utf8), to: scratch["daytwo.prom"])
        #expect(try scratch.text("daytwo.prom") == "new\n")
        #expect(try FileStatus.ifPresent(scratch["daytwo.prom"])?.mode == 0o644)
        #expect(try directoryNames(scratch.path) == ["daytwo.prom"])
        #expect(failure { try writeMetricsFile([], to: scratch["daytwo.txt"]) }.code == .usage)
        #expect(failure { try writeMetricsFile([], to: scratch["none/daytwo.prom"]) }.code == .notFound)
    }

    private func text(_ fleet: FleetStatus) -> String { String(decoding: fleet.metrics(), as: UTF8.self) }
}
