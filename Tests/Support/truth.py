#!/usr/bin/env python3
"""What is in a kine database, counted with sqlite3 and hashlib alone, as JSON.

    truth.py DB

The definitions stand in Tests/Fixtures/README.md. It shares no code with daytwo, so that the two can be held against each
other. DB is never changed: one that has a -wal is copied before it is opened, since the last connection to close would
checkpoint it.
"""
import collections
import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile


def text(value):
    """Names as bytes: SQLite compares them so, and one that is no UTF-8 must not stop the count."""
    return value if isinstance(value, bytes) else str(value).encode()


@contextlib.contextmanager
def opened(path, with_wal=True):
    """A read-only connection to an unchanging database file; its -wal is read from a copy, or left out."""
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    with contextlib.ExitStack() as stack:
        immutable = "&immutable=1"
        if with_wal and os.path.exists(path + "-wal") and os.path.getsize(path + "-wal") > 0:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            copy = os.path.join(directory, "state.db")
            shutil.copyfile(path, copy)
            shutil.copyfile(path + "-wal", copy + "-wal")
            path, immutable = copy, ""
        quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        connection = stack.enter_context(
            contextlib.closing(sqlite3.connect(f"file:{quoted}?mode=ro{immutable}", uri=True, isolation_level=None)))
        connection.text_factory = bytes
        yield connection


def digest(value):
    return "-" if value is None else hashlib.sha256(text(value)).hexdigest()


def row_line(row_id, name, created, deleted, create_revision, prev_revision, lease, value_digest):
    numbers = b"|".join(b"%d" % number for number in (created, deleted, create_revision, prev_revision, lease))
    return b"%d|%s|%s|%s\n" % (row_id, text(name), numbers, value_digest.encode())


def prefix(key):
    """`registry/RESOURCE` or `registry/GROUP/RESOURCE`; other keys by their first two parts."""
    parts = key.decode(errors="backslashreplace").strip("/").split("/")
    if not parts[0]:
        return key.decode(errors="backslashreplace")
    return "/".join(parts[: 3 if parts[0] == "registry" and len(parts) > 2 and "." in parts[1] else 2])


def truth(path):
    result = {}
    rows = hashlib.sha256()
    newest = {}
    with opened(path) as connection:
        count, least, most = connection.execute("SELECT count(*), min(id), max(id) FROM kine").fetchone()
        result.update(rows=count, minRevision=least, maxRevision=most)
        result["compactRevision"] = connection.execute(
            "SELECT max(prev_revision) FROM kine WHERE name = 'compact_rev_key'").fetchone()[0]
        sequence = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'kine'").fetchone()
        result["sequence"] = sequence[0] if sequence else None
        for row in connection.execute(
                "SELECT id, name, created, deleted, create_revision, prev_revision, lease, value FROM kine ORDER BY id"):
            value_digest = digest(row[7])
            rows.update(row_line(*row[:7], value_digest))
            newest[text(row[1])] = (row[0], row[3], row[6], value_digest)
    result["rowsSHA256"] = rows.hexdigest()

    live = {key: row for key, row in newest.items() if not row[1] and key != b"compact_rev_key"}
    lines = hashlib.sha256()
    for key in sorted(live):
        lines.update(b"%s|%d|%s\n" % (key, live[key][0], live[key][3].encode()))
    result["liveKeys"] = len(live)
    result["liveSHA256"] = lines.hexdigest()
    result["liveKeysByPrefix"] = dict(sorted(collections.Counter(prefix(key) for key in live).items()))
    result["bootstrapKeys"] = sorted(key.decode() for key in live if key.startswith(b"/bootstrap/"))
    result["leasedLiveKeys"] = sum(1 for row in live.values() if row[2])
    if os.path.exists(path + "-wal"):
        with opened(path, with_wal=False) as connection:
            result["rowsWithoutWAL"], result["maxRevisionWithoutWAL"] = connection.execute(
                "SELECT count(*), max(id) FROM kine").fetchone()
    return result


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: truth.py DB")
    try:
        print(json.dumps(truth(sys.argv[1]), indent=1))
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"truth.py: {sys.argv[1]}: {error}")
