import Failures
import GRDB

/// The schema of the state database, as numbered steps. A step that was released is never edited: the next one changes it.
enum StateSchema {
    /// Stands in the header of the file (`PRAGMA application_id`), so that no other database is taken for ours.
    static let applicationID: Int32 = 0x6432_7374

    static let steps = [version1, version2, version3]
    static var version: Int { steps.count }

    /// Brings a database up to ``version``, within a transaction of the caller.
    static func migrate(_ db: Database, path: String) throws {
        let found = try checkVersion(db, path: path)
        guard found < version else { return }
        for step in steps[found...] { try db.execute(sql: step) }
        try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
    }

    /// The version of a database; throws ``Failure/Code/refused`` when a newer daytwo has made it.
    @discardableResult
    static func checkVersion(_ db: Database, path: String) throws -> Int {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw Failure(
                .refused, "the state database \(path) was made by a newer daytwo",
                why: "its schema is version \(found), this daytwo knows \(version)",
                next: "Use the newer daytwo, or name another --state-dir.")
        }
        return found
    }

    /// Throws ``Failure/Code/refused`` for a database that holds something else.
    static func checkOwner(_ db: Database, path: String) throws {
        let id = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard id == applicationID || id == 0 && isEmpty else {
            throw Failure(
                .refused, "\(path) is not a state database of daytwo", why: "it holds tables of something else",
                next: "Move it aside, or name another --state-dir.")
        }
    }

    // The one place of upgrades that changes: how clusters that are watched were before, and when their checks passed last;
    // and what somebody was told of, so that nobody is told again.
    private static let version3 = """
        CREATE TABLE upgrade_watches (
          cluster TEXT PRIMARY KEY,
          workloads TEXT,
          passed_at INTEGER
        ) STRICT;
        CREATE TABLE upgrade_told (
          subject TEXT PRIMARY KEY,
          at INTEGER NOT NULL,
          event INTEGER
        ) STRICT;
        """

    // What upgrades did and what people said about them: only added to, like the audit log, since a plan is made of it.
    private static let version2 = """
        CREATE TABLE upgrade_events (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          at INTEGER NOT NULL,
          user TEXT NOT NULL,
          event TEXT NOT NULL CHECK (event IN
            ('gated', 'started', 'succeeded', 'failed', 'rolledBack', 'quarantined', 'released', 'approved', 'paused',
               'resumed')),
          cluster TEXT,
          policy TEXT,
          wave TEXT,
          version_before TEXT,
          version TEXT,
          reason TEXT,
          owner TEXT
        ) STRICT;
        CREATE INDEX upgrade_events_by_cluster ON upgrade_events (cluster, id);
        CREATE TRIGGER upgrade_events_unchanged BEFORE UPDATE ON upgrade_events
        BEGIN SELECT raise(ABORT, 'what upgrades did is only added to'); END;
        CREATE TRIGGER upgrade_events_kept BEFORE DELETE ON upgrade_events
        BEGIN SELECT raise(ABORT, 'what upgrades did is only added to'); END;
        """

    // `state` may change only along the arrows of JobState.next, whoever writes; JobsTests compares the two.
    private static let version1 = """
        CREATE TABLE jobs (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          kind TEXT NOT NULL,
          target TEXT NOT NULL,
          host TEXT,
          store TEXT,
          parameters TEXT NOT NULL,
          origin TEXT NOT NULL,
          retry_of INTEGER,
          schedule TEXT,
          due_at INTEGER,
          missed_runs INTEGER NOT NULL DEFAULT 0,
          priority INTEGER NOT NULL,
          max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
          timeout INTEGER,
          created_at INTEGER NOT NULL,
          not_before INTEGER NOT NULL,
          state TEXT NOT NULL CHECK (state IN
            ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled', 'skipped', 'needsDecision')),
          attempts INTEGER NOT NULL DEFAULT 0,
          reserved_until INTEGER,
          reservations INTEGER NOT NULL DEFAULT 0,
          owner TEXT,
          started_at INTEGER,
          heartbeat_at INTEGER,
          finished_at INTEGER,
          progress TEXT,
          exit_code INTEGER,
          result TEXT,
          message TEXT,
          cancel_requested_at INTEGER,
          cancel_requested_by TEXT,
          CHECK (state <> 'running' OR (owner IS NOT NULL AND started_at IS NOT NULL)),
          CHECK ((state IN ('succeeded', 'partial', 'failed', 'cancelled', 'skipped')) = (finished_at IS NOT NULL))
        ) STRICT;
        CREATE UNIQUE INDEX jobs_running ON jobs (target) WHERE state = 'running';
        CREATE INDEX jobs_queue ON jobs (priority DESC, id) WHERE state = 'queued';
        CREATE INDEX jobs_active ON jobs (schedule, target, kind)
          WHERE state IN ('queued', 'running') AND schedule IS NOT NULL;
        CREATE INDEX jobs_by_state ON jobs (state);
        CREATE INDEX jobs_by_kind ON jobs (kind, state);
        CREATE INDEX jobs_by_target ON jobs (target);
        CREATE INDEX jobs_by_schedule ON jobs (schedule, state) WHERE schedule IS NOT NULL;
        CREATE INDEX jobs_by_creation ON jobs (created_at);
        CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

        CREATE TRIGGER jobs_begin BEFORE INSERT ON jobs
        WHEN NEW.state NOT IN ('queued', 'running', 'skipped')
        BEGIN SELECT raise(ABORT, 'a job begins as queued, running or skipped'); END;

        CREATE TRIGGER jobs_arrows BEFORE UPDATE OF state ON jobs
        WHEN OLD.state || '>' || NEW.state NOT IN (
          'queued>running', 'queued>cancelled', 'queued>skipped',
          'running>queued', 'running>succeeded', 'running>partial', 'running>failed', 'running>cancelled',
          'running>needsDecision',
          'needsDecision>succeeded', 'needsDecision>failed', 'needsDecision>cancelled')
        BEGIN SELECT raise(ABORT, 'a job cannot go from its state to that one'); END;

        CREATE TRIGGER jobs_final BEFORE UPDATE ON jobs
        WHEN OLD.state IN ('succeeded', 'partial', 'failed', 'cancelled', 'skipped')
        BEGIN SELECT raise(ABORT, 'a finished job is not changed'); END;

        CREATE TRIGGER jobs_kept BEFORE DELETE ON jobs
        WHEN OLD.state NOT IN ('succeeded', 'partial', 'failed', 'cancelled', 'skipped')
        BEGIN SELECT raise(ABORT, 'only a finished job is removed'); END;

        CREATE TABLE job_counts (state TEXT PRIMARY KEY, jobs INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TRIGGER jobs_count_insert AFTER INSERT ON jobs BEGIN
          INSERT INTO job_counts VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
        END;
        CREATE TRIGGER jobs_count_update AFTER UPDATE OF state ON jobs BEGIN
          UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
          INSERT INTO job_counts VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
        END;
        CREATE TRIGGER jobs_count_delete AFTER DELETE ON jobs BEGIN
          UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
        END;

        CREATE TABLE job_dependencies (
          job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
          needs INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
          PRIMARY KEY (job, needs)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX job_dependants ON job_dependencies (needs);

        CREATE TABLE job_log (
          job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
          sequence INTEGER NOT NULL,
          at INTEGER NOT NULL,
          level TEXT NOT NULL,
          text TEXT NOT NULL,
          PRIMARY KEY (job, sequence)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE schedule_runs (
          schedule TEXT NOT NULL,
          target TEXT NOT NULL,
          kind TEXT NOT NULL,
          first_seen_at INTEGER NOT NULL,
          last_due_at INTEGER,
          last_job INTEGER,
          suspended_at INTEGER,
          PRIMARY KEY (schedule, target, kind)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE schedulers (
          id INTEGER PRIMARY KEY,
          mode TEXT NOT NULL,
          owner TEXT NOT NULL,
          version TEXT NOT NULL,
          started_at INTEGER NOT NULL,
          last_pass_at INTEGER NOT NULL,
          stopped_at INTEGER
        ) STRICT;

        CREATE TABLE audit_log (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          at INTEGER NOT NULL,
          user TEXT NOT NULL,
          uid INTEGER NOT NULL,
          origin TEXT NOT NULL,
          verb TEXT NOT NULL,
          target TEXT,
          job INTEGER,
          policy TEXT,
          result TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log
        BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
        CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
        BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;

        CREATE TABLE outbox (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          endpoint TEXT NOT NULL,
          event TEXT NOT NULL,
          payload TEXT NOT NULL,
          created_at INTEGER NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          next_at INTEGER NOT NULL,
          delivered_at INTEGER,
          gave_up_at INTEGER,
          last_error TEXT
        ) STRICT;
        CREATE INDEX outbox_open ON outbox (next_at) WHERE delivered_at IS NULL AND gave_up_at IS NULL;

        CREATE TABLE conditions (
          cluster TEXT NOT NULL,
          schedule TEXT NOT NULL,
          condition TEXT NOT NULL,
          since INTEGER NOT NULL,
          PRIMARY KEY (cluster, schedule, condition)
        ) STRICT, WITHOUT ROWID;
        """
}
