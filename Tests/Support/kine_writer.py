#!/usr/bin/env python3
"""A process that writes to a SQLite database as kine does, and keeps a log from which kine_model.py knows every state.

    kine_writer.py DB --log LOG [options]

SQL, schema and order of steps are those of kine v0.6 (k3s 1.21); `--tombstones null` deletes as kine v0.16 does. It runs until
`--seconds`, `--operations`, a `--stop-file`, or SIGTERM, then closes cleanly. SIGUSR1 compacts now, SIGUSR2 restarts now (close,
open, checkpoint(TRUNCATE), VACUUM). Its last line on stdout is a JSON summary, `ready` stands there once the load is done.

The log, JSON lines: a transaction is written to it BEFORE its COMMIT, and nothing else happens in between. So every transaction
but the last is committed, and the last one is, too, if the log ends with "end"; after a kill it may or may not be. "undone" takes
back the line before it (SQLite said no). Lines:
    ["begin", {options}]
    ["base", [row, ...]]           rows that were there when the writer opened the database (several lines)
    ["based", sequence]
    ["write", time, [row, ...]]    one transaction of inserted rows
    ["compact", time, target]      one transaction of a compaction
    ["checkpoint", time, mode, seconds, busy]     after the fact
    ["restart", time, seconds]
    ["undone"]
    ["end"]
A row is [id, name, created, deleted, create_revision, prev_revision, lease, SHA-256 of value, SHA-256 of old_value] with null for
NULL. Times are those of CLOCK_MONOTONIC.
"""
import argparse
import base64
import hashlib
import json
import os
import random
import signal
import sqlite3
import time

TABLE = """CREATE TABLE IF NOT EXISTS kine
			(
				id INTEGER PRIMARY KEY AUTOINCREMENT,
				name INTEGER,
				created INTEGER,
				deleted INTEGER,
				create_revision INTEGER,
				prev_revision INTEGER,
				lease INTEGER,
				value BLOB,
				old_value BLOB
			)"""
INDEXES = {
    "kine_name_index": "CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name)",
    "kine_name_id_index": "CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name,id)",
    "kine_id_deleted_index": "CREATE INDEX IF NOT EXISTS kine_id_deleted_index ON kine (id,deleted)",
    "kine_prev_revision_index": "CREATE INDEX IF NOT EXISTS kine_prev_revision_index ON kine (prev_revision)",
    "kine_name_prev_revision_uindex":
        "CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision)",
    "kine_id_compact_rev_key_with_prev_revision_index":
        "CREATE INDEX IF NOT EXISTS kine_id_compact_rev_key_with_prev_revision_index ON kine(id,name,prev_revision)"
        " WHERE name != 'compact_rev_key' AND prev_revision != 0",
}
INDEXES_BY_AGE = {
    "v0.4": ["kine_name_index", "kine_name_prev_revision_uindex"],
    "v0.6": [name for name in INDEXES if name != "kine_id_compact_rev_key_with_prev_revision_index"],
    "v0.16": list(INDEXES),
}
INSERT = ("INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value, old_value)"
          " values(?, ?, ?, ?, ?, ?, ?, ?)")
FILL = ("INSERT INTO kine(id, name, created, deleted, create_revision, prev_revision, lease, value, old_value)"
        " values(?, ?, ?, ?, ?, ?, ?, ?, ?)")
COMPACT = """DELETE FROM kine AS kv
			WHERE
				kv.id IN (
					SELECT kp.prev_revision AS id
					FROM kine AS kp
					WHERE
						kp.name != 'compact_rev_key' AND
						kp.prev_revision != 0 AND
						kp.id <= ?
					UNION
					SELECT kd.id AS id
					FROM kine AS kd
					WHERE
						kd.deleted != 0 AND
						kd.id <= ?
				)"""
SET_COMPACT_REVISION = "UPDATE kine SET prev_revision = ? WHERE name = 'compact_rev_key'"


def sha256(value):
    return None if value is None else hashlib.sha256(value).hexdigest()


class Log:
    """Append-only; each line is with the kernel when `add` returns, so a killed writer leaves it whole or torn at its end."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if path else None

    def add(self, *line):
        if self.file is not None:
            data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
            if os.write(self.file, data) != len(data):
                raise OSError("short write to the log")

    @property
    def kept(self):
        return self.file is not None


class Values:
    """Objects as k3s stores them: from a real database when one is named, else of the same shape; secrets are fresh."""

    def __init__(self, random_source, sample):
        self.random = random_source
        self.samples = []
        if sample:
            connection = sqlite3.connect(f"file:{sample}?mode=ro&immutable=1", uri=True)
            connection.text_factory = bytes
            self.samples = [bytes(value) for (value,) in connection.execute(
                "SELECT value FROM kine WHERE length(value) BETWEEN 100 AND 8000 AND created + deleted < 2 ORDER BY id LIMIT 4000")]
            connection.close()

    def fresh(self):
        secret = base64.b64encode(self.random.randbytes(self.random.randint(30, 400)))
        if self.samples and self.random.random() < 0.7:
            return self.random.choice(self.samples) + b"\x00" + secret
        words = b" ".join(self.random.choice(WORDS) for _ in range(self.random.randint(20, 500)))
        return (b'k8s\x00\n\x0c\n\x02v1\x12\x06Secret{"uid":"%s","data":"%s","text":"%s"}'
                % (self.random.randbytes(16).hex().encode(), secret, words))


WORDS = [b"metrics", b"backup=", b"tenant", b"ledger", b"replica", b"cache", b"gateway", b"worker", b"alpha", b"queue",
         b"billing", b"region", b"cursor", b"stage", b"token", b"policy", b"health", b"invoice", b"window"]


class Key:
    """What the newest row of a key says."""
    __slots__ = ("revision", "create_revision", "lease", "value", "deleted")


class Writer:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.values = Values(self.random, options.values)
        self.log = Log(options.log)
        self.keys = {}          # name -> Key, also while a tombstone is its newest row
        self.live = []          # names, for a quick random choice
        self.leased = []        # names of events, oldest first
        self.tombstones = []    # names
        self.tombstone_row = {}  # id -> name, for those that a compaction has not removed
        self.revision = 0
        self.compacted = 0
        self.previous_tick = 0
        self.serial = 0
        self.counts = dict.fromkeys(
            ("creates", "recreates", "updates", "deletes", "gaps", "compactions", "checkpoints", "restarts", "busy"), 0)
        self.latencies = []
        self.open()

    # -- opening ---------------------------------------------------------------------------------------------------

    def connect(self):
        self.connection = sqlite3.connect(self.options.database, isolation_level=None, cached_statements=64)
        self.connection.execute(f"PRAGMA busy_timeout = {self.options.busy_timeout}")
        if self.connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise SystemExit(f"kine_writer.py: {self.options.database}: no WAL on this file system")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        if self.options.autocheckpoint is not None:
            self.connection.execute(f"PRAGMA wal_autocheckpoint = {self.options.autocheckpoint}")
        self.connection.execute(TABLE)
        for name in self.options.indexes:
            self.connection.execute(INDEXES[name])

    def open(self):
        self.connect()
        self.log.add("begin", {"tombstones": self.options.tombstones, "seed": self.options.seed})
        if self.options.new_keys_only:
            self.revision = self.connection.execute("SELECT max(id) FROM kine").fetchone()[0] or 0
        else:
            self.base()
        if not self.connection.execute("SELECT 1 FROM kine WHERE name = 'compact_rev_key'").fetchone():
            self.transact([("compact_rev_key", 1, 0, 0, 0, 0, b"", None)])
        while len(self.live) < self.options.load:
            rows = [self.create_row() for _ in range(min(500, self.options.load - len(self.live)))]
            self.transact([row for row, _ in rows])
            for offset, (row, lease) in enumerate(rows):
                self.created(row, lease, self.revision - len(rows) + 1 + offset)

    def base(self):
        """Takes over what the database already holds: the one time that the model believes SQLite."""
        columns = "id, name, created, deleted, create_revision, prev_revision, lease, value, old_value"
        rows = []
        for row in self.connection.execute(f"SELECT {columns} FROM kine ORDER BY id"):
            row_id, name, created, deleted, create_revision, prev_revision, lease, value, old_value = row
            if self.log.kept:
                rows.append([*row[:7], sha256(value), sha256(old_value)])
                if len(rows) == 1000:
                    self.log.add("base", rows)
                    rows = []
            if name == "compact_rev_key":
                self.compacted = prev_revision
            elif not deleted:
                self.remember(name, row_id, row_id if created else create_revision, lease, value)
            else:
                self.keys.pop(name, None)
        if rows:
            self.log.add("base", rows)
        sequence = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'kine'").fetchone()
        self.revision = sequence[0] if sequence else 0
        self.previous_tick = self.revision
        self.log.add("based", self.revision)
        self.live = [name for name in self.keys if not name.startswith(("/bootstrap/", "gap-"))]

    def remember(self, name, revision, create_revision, lease, value):
        key = Key()
        key.revision, key.create_revision, key.lease, key.value, key.deleted = (
            revision, create_revision, lease, value, False)
        self.keys[name] = key

    # -- transactions ----------------------------------------------------------------------------------------------

    def transact(self, rows, ids=None):
        """Commits `rows` in one transaction; `ids` are given only to rows that leave or fill a gap."""
        execute = self.connection.execute
        begun = time.monotonic()
        if not self.begin():
            return False
        given = ids or range(self.revision + 1, self.revision + 1 + len(rows))
        for row_id, row in zip(given, rows):
            got = execute(FILL, (row_id, *row)).lastrowid if ids else execute(INSERT, row).lastrowid
            if got != row_id:
                raise SystemExit(f"kine_writer.py: revision {row_id} was expected and SQLite gave {got}: another writer?")
        if self.log.kept:
            self.log.add("write", round(begun, 6),
                         [[row_id, *row[:6], sha256(row[6]), sha256(row[7])] for row_id, row in zip(given, rows)])
        self.commit()
        self.latencies.append((begun, time.monotonic() - begun))
        self.revision = max(self.revision, *given)
        return True

    def begin(self):
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            self.counts["busy"] += 1
            return False

    def commit(self):
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error:
            self.connection.execute("ROLLBACK")
            self.log.add("undone")
            raise

    # -- operations ------------------------------------------------------------------------------------------------

    def new_name(self):
        self.serial += 1
        namespace = f"team-{self.random.randrange(24)}"
        resource = self.random.choice(("configmaps", "secrets", "pods", "deployments", "billing.example.com/ledgers"))
        return f"/registry/{resource}/{namespace}/app{self.random.randrange(10**6):06d}-{self.options.seed}-{self.serial}"

    def create_row(self):
        if self.random.random() < 0.1:
            self.serial += 1
            name = f"/registry/events/team-{self.random.randrange(24)}/app.{self.options.seed:04x}{self.serial:012x}"
            return (name, 1, 0, 0, 0, 3660, self.values.fresh(), None), 3660
        return (self.new_name(), 1, 0, 0, 0, 0, self.values.fresh(), None), 0

    def created(self, row, lease, revision):
        self.remember(row[0], revision, revision, lease, row[6])
        if lease:
            self.leased.append(row[0])
        self.live.append(row[0])

    def create(self):
        row, lease = self.create_row()
        if self.transact([row]):
            self.created(row, lease, self.revision)
            self.counts["creates"] += 1

    def choose_live(self):
        return self.random.choice(self.live) if self.live else None

    def update(self):
        name = self.choose_live()
        if name is None:
            return self.create()
        key = self.keys[name]
        value = self.values.fresh()
        if self.transact([(name, 0, 0, key.create_revision, key.revision, key.lease, value, key.value)]):
            key.revision, key.value = self.revision, value
            self.counts["updates"] += 1

    def delete(self):
        # A leased key is deleted by kine itself when its time is over; the row is the same.
        name = self.leased[0] if self.leased and self.random.random() < 0.3 else self.choose_live()
        if name is None:
            return self.create()
        key = self.keys[name]
        if self.options.tombstones == "value":
            row = (name, 0, 1, key.create_revision, key.revision, key.lease, key.value, key.value)
        else:
            row = (name, 0, 1, 0, key.revision, 0, None, key.value)
        if not self.transact([row]):
            return
        key.revision, key.value, key.deleted = self.revision, row[6], True
        index = self.live.index(name)
        self.live[index] = self.live[-1]
        self.live.pop()
        if name in self.leased:
            self.leased.remove(name)
        self.tombstones.append(name)
        self.tombstone_row[self.revision] = name
        self.counts["deletes"] += 1

    def recreate(self):
        if not self.tombstones:
            return self.create()
        index = self.random.randrange(len(self.tombstones))
        name = self.tombstones[index]
        key = self.keys[name]
        # Once the tombstone is compacted kine finds nothing under the name, and the row is that of a new key.
        there = key.revision in self.tombstone_row
        value = self.values.fresh()
        row = (name, 1, 0, 0, key.revision if there else 0, 0, value, key.value if there else None)
        if self.transact([row]):
            self.tombstones[index] = self.tombstones[-1]
            self.tombstones.pop()
            self.tombstone_row.pop(key.revision, None)
            self.created(row, 0, self.revision)
            self.counts["recreates"] += 1

    def gap(self):
        """A missing id, as a writer that took one and failed leaves it, and then kine's own row that fills it."""
        row, lease = self.create_row()
        missing = self.revision + 1
        if self.transact([row], ids=[missing + 1]):
            self.created(row, lease, missing + 1)
            for _ in range(self.random.randrange(3)):
                self.update()
            while not self.transact([(f"gap-{missing}", 0, 1, 0, 0, 0, None, None)], ids=[missing]):
                pass
            self.counts["gaps"] += 1

    # -- compaction and restart ------------------------------------------------------------------------------------

    def compact(self):
        """One tick of kine's compactor: up to the revision of the tick before, in batches, then checkpoint(FULL)."""
        goal = min(self.previous_tick, self.revision - self.options.min_retain)
        self.previous_tick = self.revision
        done = False
        while self.compacted < goal:
            target = min(self.compacted + self.options.batch, goal)
            begun = time.monotonic()
            if not self.begin():
                break
            self.connection.execute(COMPACT, (target, target))
            self.connection.execute(SET_COMPACT_REVISION, (target,))
            self.log.add("compact", round(begun, 6), target)
            self.commit()
            self.compacted = target
            self.counts["compactions"] += 1
            done = True
            for revision in [revision for revision in self.tombstone_row if revision <= target]:
                del self.tombstone_row[revision]
        if done:
            self.checkpoint("FULL")

    def checkpoint(self, mode):
        begun = time.monotonic()
        busy = self.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0]
        self.log.add("checkpoint", round(begun, 6), mode, round(time.monotonic() - begun, 6), busy)
        self.counts["checkpoints"] += 1

    def restart(self):
        """kine >= v0.14.15 at start: checkpoint(TRUNCATE), and a VACUUM whose failure does not matter."""
        begun = time.monotonic()
        self.connection.close()
        self.connect()
        self.checkpoint("TRUNCATE")
        try:
            self.connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            self.counts["busy"] += 1
        self.log.add("restart", round(begun, 6), round(time.monotonic() - begun, 6))
        self.counts["restarts"] += 1

    # -- the loop --------------------------------------------------------------------------------------------------

    def run(self):
        options = self.options
        asked = set()
        signal.signal(signal.SIGTERM, lambda *_: asked.add("stop"))
        signal.signal(signal.SIGINT, lambda *_: asked.add("stop"))
        signal.signal(signal.SIGUSR1, lambda *_: asked.add("compact"))
        signal.signal(signal.SIGUSR2, lambda *_: asked.add("restart"))
        print("ready", flush=True)

        operations = [self.create, self.update, self.delete, self.recreate]
        self.latencies.clear()
        begun = time.monotonic()
        done = 0
        while "stop" not in asked:
            if options.seconds is not None and time.monotonic() - begun >= options.seconds:
                break
            if options.operations is not None and done >= options.operations:
                break
            if options.stop_file and done % 16 == 0 and os.path.exists(options.stop_file):
                break
            if options.rate:
                # A slot that is already over is not made up for: latency is measured, not throughput.
                due = begun + done / options.rate
                time.sleep(max(0.0, due - time.monotonic()))
            done += 1
            if "compact" in asked or (options.compact_every and done % options.compact_every == 0):
                asked.discard("compact")
                self.compact()
            if "restart" in asked or (options.restart_every and done % options.restart_every == 0):
                asked.discard("restart")
                self.restart()
            if options.gap_every and done % options.gap_every == 0:
                self.gap()
                continue
            # As many deletions as creations once there are enough keys, so that a long run stays of one size.
            growing = len(self.live) < options.keys
            self.random.choices(operations, (25, 55, 12, 8) if growing else (12, 55, 25, 8))[0]()
        self.finish(done, time.monotonic() - begun)

    def finish(self, done, seconds):
        summary = {**self.counts, "operations": done, "seconds": round(seconds, 3), "maxRevision": self.revision,
                   "compactRevision": self.compacted, "liveKeys": len(self.live)}
        if self.latencies:
            taken = sorted(latency for _, latency in self.latencies)
            summary["commitSeconds"] = {
                "p50": taken[len(taken) // 2], "p99": taken[min(len(taken) - 1, len(taken) * 99 // 100)], "max": taken[-1]}
        if self.options.latencies:
            with open(self.options.latencies, "w") as file:
                for moment, latency in self.latencies:
                    file.write(f"{moment:.6f} {latency:.6f}\n")
        if self.options.leave_wal:
            # As a killed k3s leaves it: the kernel has everything, nobody checkpoints.
            self.log.add("end")
            print(json.dumps(summary), flush=True)
            os._exit(0)
        self.connection.close()
        self.log.add("end")
        print(json.dumps(summary), flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database")
    parser.add_argument("--log", help="where the model is kept; without it there is none")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--operations", type=int)
    parser.add_argument("--stop-file")
    parser.add_argument("--rate", type=float, help="operations per second; as fast as it goes without it")
    parser.add_argument("--seed", type=int, default=1, help="the same seed and counts of operations give the same rows")
    parser.add_argument("--load", type=int, default=0, help="live keys to have before it begins")
    parser.add_argument("--keys", type=int, default=2000, help="live keys around which it stays")
    parser.add_argument("--new-keys-only", action="store_true",
                        help="leave alone, and do not read, what a large database already holds; without --log")
    parser.add_argument("--values", metavar="DB", help="take values from this database")
    parser.add_argument("--indexes", default="v0.6", help="as a kine of this age has them: v0.4, v0.6, v0.16")
    parser.add_argument("--without-index", action="append", default=[], metavar="NAME")
    parser.add_argument("--tombstones", choices=("value", "null"), default="value")
    parser.add_argument("--compact-every", type=int, default=2000, metavar="OPERATIONS", help="0: only on SIGUSR1")
    parser.add_argument("--min-retain", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--gap-every", type=int, default=500, metavar="OPERATIONS", help="0: never")
    parser.add_argument("--restart-every", type=int, default=0, metavar="OPERATIONS", help="0: only on SIGUSR2")
    parser.add_argument("--busy-timeout", type=int, default=30000, metavar="MS")
    parser.add_argument("--autocheckpoint", type=int, metavar="PAGES")
    parser.add_argument("--latencies", metavar="FILE", help="a line for each commit: when it began, seconds it took")
    parser.add_argument("--leave-wal", action="store_true", help="end without closing the database")
    options = parser.parse_args()
    if options.indexes not in INDEXES_BY_AGE:
        parser.error(f"--indexes {options.indexes}: one of {', '.join(INDEXES_BY_AGE)}")
    unknown = set(options.without_index) - set(INDEXES)
    if unknown:
        parser.error(f"--without-index {', '.join(unknown)}: kine has no such index")
    if options.new_keys_only and options.log:
        parser.error("--new-keys-only knows nothing of the rows that are there, so it cannot keep a --log")
    options.indexes = [name for name in INDEXES_BY_AGE[options.indexes] if name not in options.without_index]
    return options


if __name__ == "__main__":
    Writer(parse()).run()
