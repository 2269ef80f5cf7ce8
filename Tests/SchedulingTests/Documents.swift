import Foundation
import Policies

@testable import DaytwoCLI

/// The documents of the fleet: what a person writes, loaded as the scheduler loads it.
struct Documents {
    let scratch: Scratch
    var path: String { scratch["daytwo.yaml"] }

    init(in scratch: Scratch) throws {
        self.scratch = scratch
        try scratch.write(
            """
            apiVersion: daytwo/v1
            kind: Configuration
            stores:
              main:
                path: \(scratch["store"])
            inventory: [inventory.yaml]
            policies: [schedules.yaml]
            scheduler:
              maxRunning: 3
              maxRunningPerStore: 3
              maxRunningPerHost: 3
            """, to: "daytwo.yaml")
        try scratch.write(
            """
            apiVersion: daytwo/v1
            kind: Inventory
            metadata:
              name: fleet
            spec:
              clusters:
                - name: shop
                  dataDirectory: /srv/shop
                - name: till
                  dataDirectory: /srv/till
                  labels:
                    pace: fast
                - name: ledger
                  dataDirectory: /srv/ledger
                - name: museum
                  dataDirectory: /srv/museum
            """, to: "inventory.yaml")
    }

    /// Loads them. While `isDailySuspended` the schedule `daily` rests.
    func load(isDailySuspended: Bool, now: Date) throws -> DaytwoConfiguration {
        try scratch.write(
            """
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata:
              name: hourly
            spec:
              select:
                matchLabels:
                  pace: fast
              cron: "H * * * *"
              timeZone: Europe/Berlin
              store: main
              missedRuns:
                maxAge: 6h
              retention:
                keepLast: 3
                keepHourly: 12
                keepDaily: 5
            ---
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata:
              name: often
            spec:
              select:
                names: [shop]
              cron: "H */3 * * *"
              timeZone: Europe/Berlin
              store: main
              retention:
                keepLast: 6
                keepDaily: 5
            ---
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata:
              name: daily
            spec:
              select:
                names: [shop, ledger, museum]
              cron: "30 2 * * *"
              timeZone: America/New_York
              store: main
              suspended: \(isDailySuspended)
              overlap: queue
              missedRuns:
                maxAge: 4h
              retention:
                keepDaily: 7
                keepWeekly: 4
                keepMonthly: 12
            ---
            apiVersion: daytwo/v1
            kind: BackupSchedule
            metadata:
              name: early
            spec:
              select:
                names: [museum]
              # In the hour that is there twice in autumn.
              cron: "30 1 * * *"
              timeZone: America/New_York
              store: main
              retention:
                keepLast: 2
                keepWeekly: 6
            """, to: "schedules.yaml")
        return try DaytwoConfiguration.load(path: path, now: now)
    }
}
