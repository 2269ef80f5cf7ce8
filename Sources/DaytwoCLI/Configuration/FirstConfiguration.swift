import Archive
import JSONValues

/// The files that `config init` writes.
struct FirstConfiguration {
    let store: String
    let dataDirectory: String
    let name: String

    /// Names and texts, the configuration first.
    var files: [(name: String, text: String)] {
        [("daytwo.yaml", configuration), ("inventory.yaml", inventory), ("schedules.yaml", schedules)]
    }

    /// A scalar that is a string whatever is in it.
    private func quoted(_ text: String) -> String { JSON.string(text).compact }

    private var configuration: String {
        """
        # The configuration of daytwo. Check it with: daytwo config validate
        apiVersion: daytwo/v1
        kind: Configuration

        # Where jobs, the state of schedules and the history are kept. Without it: ~/.local/state/daytwo.
        # stateDirectory: /var/lib/daytwo

        # Where backups go, by name.
        stores:
          main:
            path: \(quoted(store))

        # Which clusters there are, and what is done with them. Paths and globs, relative to this file.
        inventory: [inventory.yaml]
        policies: [schedules.yaml]

        # Written for node_exporter's textfile collector after each pass of the scheduler.
        # metrics:
        #   textFile: /var/lib/prometheus/node-exporter/daytwo.prom

        # Who is told. Secrets are named by file or environment variable, never written here.
        # notifications:
        #   - name: operations
        #     on: [failure, partial, overdue, recovered]
        #     webhook:
        #       urlFile: /etc/daytwo/webhook-url
        #       format: slack

        """
    }

    private var inventory: String {
        """
        # The clusters on this machine.
        apiVersion: daytwo/v1
        kind: Inventory
        metadata:
          name: this-machine
        spec:
          clusters:
            - name: \(quoted(name))
              dataDirectory: \(quoted(dataDirectory))
              labels:
                tier: production

        """
    }

    private var schedules: String {
        """
        # A backup each hour, at a minute that differs from cluster to cluster (H).
        apiVersion: daytwo/v1
        kind: BackupSchedule
        metadata:
          name: hourly
        spec:
          select:
            all: true
          cron: "H * * * *"
          timeZone: UTC
          store: main
          # An alert when the newest good backup is older.
          rpo: 2h
          retention:
            keepHourly: 24
            keepDaily: 7
            keepWeekly: 5
            keepMonthly: 12
          # Each night the newest one is opened and compared, each week one is restored aside.
          verify:
            level: opened
            cron: "H 2 * * *"
          drill:
            cron: "H 3 * * SUN"

        """
    }
}
