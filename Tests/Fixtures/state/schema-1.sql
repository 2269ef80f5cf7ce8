PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO jobs VALUES(1,'backup','local/shop',NULL,'main','{"version":1}','schedule',NULL,'hourly',1772409600000,0,0,3,NULL,1772409601000,1772409601000,'succeeded',1,NULL,0,'pid 4711 on node1 (boot 5f3c2a10)',1772409602000,1772409602000,1772409603000,NULL,0,'{}','it ended',NULL,NULL);
INSERT INTO jobs VALUES(2,'verify','local/shop',NULL,NULL,'{"version":1}','schedule',NULL,'hourly',1772409600000,0,0,3,NULL,1772409601000,1772409601000,'failed',1,NULL,0,'pid 4711 on node1 (boot 5f3c2a10)',1772409602000,1772409602000,1772409603000,NULL,10,'{}','it ended',NULL,NULL);
INSERT INTO jobs VALUES(3,'restore','local/crm',NULL,NULL,'{"version":1}','command line',NULL,NULL,1772409600000,0,0,3,NULL,1772409601000,1772409601000,'needsDecision',1,NULL,0,'pid 4711 on node1 (boot 5f3c2a10)',1772409602000,1772409602000,NULL,NULL,9,'{}','it ended',NULL,NULL);
INSERT INTO jobs VALUES(4,'backup','local/shop',NULL,NULL,'{"version":1}','schedule',NULL,'hourly',1772409600000,0,0,3,NULL,1772409601000,1772409601000,'skipped',0,NULL,0,NULL,NULL,NULL,1772409601000,NULL,NULL,NULL,'job 1 of the same schedule is still running',NULL,NULL);
INSERT INTO jobs VALUES(5,'verify','local/shop',NULL,NULL,'{"version":1}','cron',NULL,NULL,NULL,0,0,3,NULL,1772409601000,1772409601000,'queued',0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE job_counts (state TEXT PRIMARY KEY, jobs INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO job_counts VALUES('failed',1);
INSERT INTO job_counts VALUES('needsDecision',1);
INSERT INTO job_counts VALUES('queued',1);
INSERT INTO job_counts VALUES('running',0);
INSERT INTO job_counts VALUES('skipped',1);
INSERT INTO job_counts VALUES('succeeded',1);
CREATE TABLE job_dependencies (
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  needs INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;
INSERT INTO job_dependencies VALUES(5,1);
CREATE TABLE job_log (
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  level TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (job, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO job_log VALUES(1,1,1772409602000,'info','reading the datastore');
INSERT INTO job_log VALUES(1,2,1772409602000,'info','done');
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
INSERT INTO schedule_runs VALUES('hourly','local/shop','backup',1772406000000,1772409600000,1,NULL);
CREATE TABLE schedulers (
  id INTEGER PRIMARY KEY,
  mode TEXT NOT NULL,
  owner TEXT NOT NULL,
  version TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  last_pass_at INTEGER NOT NULL,
  stopped_at INTEGER
) STRICT;
INSERT INTO schedulers VALUES(1,'serve','pid 1 on node1 (boot 5f3c2a10)','0.2.0',1772406000000,1772409603000,NULL);
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
INSERT INTO audit_log VALUES(1,1772409603000,'root',0,'scheduler','backup','local/shop',1,'hourly','succeeded');
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
INSERT INTO outbox VALUES(1,'chat','failed','{}',1772409603000,0,1772409603000,NULL,NULL,NULL);
CREATE TABLE conditions (
  cluster TEXT NOT NULL,
  schedule TEXT NOT NULL,
  condition TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (cluster, schedule, condition)
) STRICT, WITHOUT ROWID;
INSERT INTO conditions VALUES('local/shop','hourly','overdue',1772409603000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',5);
INSERT INTO sqlite_sequence VALUES('audit_log',1);
INSERT INTO sqlite_sequence VALUES('outbox',1);
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
CREATE INDEX job_dependants ON job_dependencies (needs);
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log
BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
CREATE INDEX outbox_open ON outbox (next_at) WHERE delivered_at IS NULL AND gave_up_at IS NULL;
COMMIT;
PRAGMA application_id = 1681027956;
PRAGMA user_version = 1;
