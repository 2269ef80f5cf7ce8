#!/usr/bin/env python3
"""Every state that a database written by kine_writer.py went through, computed from the writer's log without SQLite.

    kine_model.py check LOG DB [DB ...] [--since BYTES] [--until BYTES] [--live | --bumped]
    kine_model.py check LOG --list FILE       lines {"db": PATH, "since": BYTES, "until": BYTES}
    kine_model.py expected LOG --max REVISION --compact REVISION [--rows COUNT]
    kine_model.py span LOG [--since BYTES] [--until BYTES]

`check` says whether each DB is exactly one state: every row, every column, the compact revision and the sequence. It prints one
JSON line for each DB and ends with 0, or with 1 and reasons. `old_value` has to be the model's above the compact revision and
NULL at or below it. `--live` compares with a database as kine leaves it instead, where `old_value` stands everywhere; `--bumped`
with a restored one, whose newest row is the filler row of a raised revision, which is then the compact revision too.

`--since` and `--until` are the log's sizes when the backup began and when it had ended: a state older than what was committed by
the one, or newer than what was begun by the other, is wrong then. `span` counts what happened between them.
"""
import argparse
import bisect
import hashlib
import heapq
import json
import os
import sqlite3
import sys

sys.dont_write_bytecode = True  # no caches among the sources of whoever runs this from a test
from truth import digest, opened, row_line, text  # noqa: E402

COLUMNS = ["id", "name", "created", "deleted", "create_revision", "prev_revision", "lease", "value", "old_value"]
NAME, CREATED, DELETED, CREATE_REVISION, PREV_REVISION, LEASE, VALUE, OLD_VALUE = range(8)


class State:
    """The table after some number of transactions. `rows` are lists in the order of the columns without the id."""

    def __init__(self):
        self.rows = {}
        self.sequence = 0
        self.max_revision = 0
        self.compact_key = None
        self.uncompacted = []   # ids that no compaction has looked at, a heap: late rows may have low ids

    @property
    def compact_revision(self):
        return 0 if self.compact_key is None else self.rows[self.compact_key][PREV_REVISION]

    def insert(self, row):
        row_id = row[0]
        if row_id in self.rows:
            raise SystemExit(f"kine_model.py: the log inserts id {row_id} twice")
        self.rows[row_id] = row[1:]
        self.sequence = max(self.sequence, row_id)
        self.max_revision = max(self.max_revision, row_id)
        if row[1] == "compact_rev_key":
            self.compact_key = row_id
        else:
            heapq.heappush(self.uncompacted, row_id)

    def compact(self, target):
        """What rows up to the target replaced is gone, and tombstones up to it. Rows that an earlier pass has looked at have
        nothing left to remove, so each is looked at once."""
        removed = set()
        while self.uncompacted and self.uncompacted[0] <= target:
            row_id = heapq.heappop(self.uncompacted)
            row = self.rows.get(row_id)
            if row is None:
                continue
            if row[PREV_REVISION]:
                removed.add(row[PREV_REVISION])
            if row[DELETED]:
                removed.add(row_id)
        for row_id in removed:
            self.rows.pop(row_id, None)
        self.rows[self.compact_key][PREV_REVISION] = target
        if self.max_revision not in self.rows:
            self.max_revision = max(self.rows)

    def truth(self):
        lines = hashlib.sha256()
        for row_id in sorted(self.rows):
            row = self.rows[row_id]
            lines.update(row_line(row_id, *row[:VALUE], row[VALUE] or "-"))
        return {"rows": len(self.rows), "minRevision": min(self.rows), "maxRevision": self.max_revision,
                "compactRevision": self.compact_revision, "sequence": self.sequence, "rowsSHA256": lines.hexdigest()}


def lines(path):
    """(offset of its end, the line), without a torn last one: its transaction was never committed."""
    offset = 0
    with open(path, "rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield offset, json.loads(line)


def transactions(path):
    """(offset, the line) of each transaction; one that was undone is left out."""
    held = None
    for offset, line in lines(path):
        if line[0] == "undone":
            held = None
            continue
        if held:
            yield held
            held = None
        if line[0] in ("base", "based", "write", "compact"):
            held = (offset, line)
    if held:
        yield held


def states(path):
    """(offset, state) after each transaction that a reader can have seen; the offset of its line in the log is what a state is
    known by. The state is changed as it goes on."""
    state = State()
    for offset, line in transactions(path):
        if line[0] == "base":
            for row in line[1]:
                state.insert(row)
            continue
        if line[0] == "based":
            state.sequence = max(state.sequence, line[1])
            if state.compact_key is None:
                continue
        elif line[0] == "write":
            for row in line[2]:
                state.insert(row)
        else:
            state.compact(line[2])
        yield offset, state


class Clock:
    """What the size of the log at some moment says about what was committed at that moment."""

    def __init__(self, path):
        self.lines = [offset for offset, _ in lines(path)]
        self.transactions = [offset for offset, _ in transactions(path)]

    def oldest(self, since):
        """The newest state that was surely committed: the transaction of the last line may not have been."""
        if since is None:
            return 0
        written = bisect.bisect_right(self.lines, since)
        committed = bisect.bisect_left(self.transactions, self.lines[written - 1]) if written else 0
        return self.transactions[committed - 1] if committed else 0


class Snapshot:
    """A database file that claims to be one state."""

    def __init__(self, path, mode):
        self.path, self.mode = path, mode
        self.filler = None
        with opened(path) as connection:
            self.compact_revision = connection.execute(
                "SELECT prev_revision FROM kine WHERE name = 'compact_rev_key'").fetchone()
            self.compact_revision = self.compact_revision[0] if self.compact_revision else 0
            self.max_revision = connection.execute("SELECT max(id) FROM kine").fetchone()[0]
            if mode == "bumped":
                self.filler = self.max_revision
                self.max_revision = connection.execute("SELECT max(id) FROM kine WHERE id < ?", (self.filler,)).fetchone()[0]

    def form(self):
        """What is wrong with the file before its rows are looked at."""
        with opened(self.path) as connection:
            reasons = [f"integrity check: {text(row[0]).decode()}" for row in connection.execute("PRAGMA integrity_check(5)")
                       if row[0] not in (b"ok", "ok")]
            tables = sorted(row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type != 'index'"))
            if tables != [b"kine", b"sqlite_sequence"]:
                reasons.append(f"its tables are {tables}")
            columns = [row[1].decode() for row in connection.execute("PRAGMA table_info(kine)")]
            if columns != COLUMNS:
                reasons.append(f"kine's columns are {columns}")
            odd = connection.execute(
                "SELECT id FROM kine WHERE typeof(name) != 'text' OR typeof(value) NOT IN ('blob', 'null')"
                " OR typeof(old_value) NOT IN ('blob', 'null') LIMIT 1").fetchone()
            if odd:
                reasons.append(f"row {odd[0]} has a column of another type")
            sequences = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
            if len(sequences) != 1 or sequences[0][0] != b"kine":
                reasons.append(f"sqlite_sequence is {sequences}")
            return reasons

    def may_be(self, state):
        return self.max_revision == state.max_revision and (
            self.filler is not None or self.compact_revision == state.compact_revision)

    def differences(self, state, most=5):
        """Why this is not that state; nothing when it is."""
        reasons = []
        expected_sequence = state.sequence if self.filler is None else self.filler
        compacted = state.compact_revision
        count = 0
        with opened(self.path) as connection:
            sequence = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'kine'").fetchone()
            if not sequence or sequence[0] != expected_sequence:
                reasons.append(f"its sequence is {sequence and sequence[0]}, the model's {expected_sequence}")
            for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM kine ORDER BY id"):
                if len(reasons) >= most:
                    return reasons
                row_id = row[0]
                if row_id == self.filler:
                    if list(row[1:]) != [b"gap-%d" % row_id, 0, 1, 0, 0, 0, None, None]:
                        reasons.append(f"row {row_id} is not kine's filler row")
                    continue
                count += 1
                model = state.rows.get(row_id)
                if model is None:
                    reasons.append(f"row {row_id} ({text(row[1]).decode()}) is not in the model")
                    continue
                expected = list(model)
                expected[NAME] = text(model[NAME])
                expected[VALUE] = model[VALUE] or "-"
                expected[OLD_VALUE] = model[OLD_VALUE] or "-"
                if self.mode != "live" and row_id <= compacted:
                    expected[OLD_VALUE] = "-"
                if self.filler is not None and row_id == state.compact_key:
                    expected[PREV_REVISION] = self.filler
                found = [*row[1:1 + VALUE], digest(row[1 + VALUE]), digest(row[1 + OLD_VALUE])]
                for column, (one, other) in zip(COLUMNS[1:], zip(found, expected)):
                    if one != other:
                        reasons.append(f"row {row_id}: {column} is {one!r}, the model has {other!r}")
        if count != len(state.rows):
            reasons.append(f"it has {count} rows, the model {len(state.rows)}")
        return reasons


class Target:
    """A snapshot to find among the states."""

    def __init__(self, path, oldest, newest, mode):
        self.path, self.oldest, self.newest = path, oldest, newest
        self.found = False
        self.outside = None
        self.differences = ["the model never was at this revision and compact revision"]
        try:
            self.snapshot = Snapshot(path, mode)
            self.reasons = self.snapshot.form()
        except (OSError, sqlite3.Error) as error:
            self.snapshot = None
            self.reasons = [str(error)]

    def look(self, offset, state):
        if self.snapshot is None or self.found or not self.snapshot.may_be(state):
            return
        differences = self.snapshot.differences(state)
        if differences:
            self.differences = differences
        elif offset < self.oldest:
            self.outside = "it is a state from before what was committed when the backup began"
        elif self.newest is not None and offset > self.newest:
            self.outside = "it is a state that came only after the backup had ended"
        else:
            self.found = True

    def report(self):
        result = {"db": self.path}
        reasons = list(self.reasons)
        if self.snapshot:
            result.update(maxRevision=self.snapshot.max_revision, compactRevision=self.snapshot.compact_revision)
            if not self.found:
                reasons += [self.outside] if self.outside else self.differences
        result["ok"] = not reasons
        if reasons:
            result["reasons"] = reasons
        return result


def check(options):
    mode = "live" if options.live else "bumped" if options.bumped else "snapshot"
    wanted = [{"db": path, "since": options.since, "until": options.until} for path in options.db]
    if options.list:
        with open(options.list) as file:
            wanted += [json.loads(line) for line in file if line.strip()]
    if not wanted:
        sys.exit("kine_model.py: nothing to check")
    clock = Clock(options.log)
    targets = [Target(want["db"], clock.oldest(want.get("since")), want.get("until"), mode) for want in wanted]
    for offset, state in states(options.log):
        for target in targets:
            target.look(offset, state)
    reports = [target.report() for target in targets]
    for report in reports:
        print(json.dumps(report))
    return 0 if all(report["ok"] for report in reports) else 1


def expected(options):
    seen = False
    for _, state in states(options.log):
        if (state.max_revision, state.compact_revision) == (options.max, options.compact) and (
                options.rows is None or options.rows == len(state.rows)):
            print(json.dumps(state.truth()))
            seen = True
    return 0 if seen else 1


def span(options):
    since, until = options.since or 0, options.until if options.until is not None else os.path.getsize(options.log)
    counts = {"write": 0, "compact": 0, "checkpoint": 0, "restart": 0}
    slowest = 0.0
    for offset, line in lines(options.log):
        if since < offset <= until and line[0] in counts:
            counts[line[0]] += 1
            if line[0] == "checkpoint":
                slowest = max(slowest, line[3])
    print(json.dumps({"writes": counts["write"], "compactions": counts["compact"], "checkpoints": counts["checkpoint"],
                      "restarts": counts["restart"], "slowestCheckpointSeconds": slowest}))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("check", check), ("expected", expected), ("span", span)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("log")
        if name == "check":
            command.add_argument("db", nargs="*")
            command.add_argument("--list")
            command.add_argument("--live", action="store_true")
            command.add_argument("--bumped", action="store_true")
        if name == "expected":
            command.add_argument("--max", type=int, required=True)
            command.add_argument("--compact", type=int, required=True)
            command.add_argument("--rows", type=int)
        else:
            command.add_argument("--since", type=int)
            command.add_argument("--until", type=int)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
