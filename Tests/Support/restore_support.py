#!/usr/bin/env python3
"""What the restore tests do to kine databases from outside, with sqlite3 alone.

    restore_support.py small SOURCE OUT      a small data directory with the identity of an unpacked fixture
    restore_support.py advance DB ROWS       write as a started kine does, and end without closing; prints the newest id
    restore_support.py idle DB [JOURNAL]     open, read, print "ready", stay until stdin ends
    restore_support.py listen SOCKET         listen on it likewise
    restore_support.py flock FILE            hold its lock likewise
    restore_support.py unbumped DB OUT REVISION COMPACT SEQUENCE
                                             copy DB, take exactly the bump out of it
    restore_support.py indexes DB            build kine's indexes on a private copy
    restore_support.py openers DB LOG STOP   open and read as fast as it goes until the file STOP is there
    restore_support.py late DB SECONDS       open, wait so long for locks, read, write one row, as a k3s that is starting
"""
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import time

SCHEMA = """CREATE TABLE IF NOT EXISTS kine
    (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER, deleted INTEGER, create_revision INTEGER,
     prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB)"""
INDEXES = """
CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name);
CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name,id);
CREATE INDEX IF NOT EXISTS kine_id_deleted_index ON kine (id,deleted);
CREATE INDEX IF NOT EXISTS kine_prev_revision_index ON kine (prev_revision);
CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision);
CREATE INDEX IF NOT EXISTS kine_id_compact_rev_key_with_prev_revision_index ON kine(id,name,prev_revision)
    WHERE name != 'compact_rev_key' AND prev_revision != 0;
"""
COLUMNS = "id, name, created, deleted, create_revision, prev_revision, lease, value, old_value"


def connect(path, timeout=0.0):
    return sqlite3.connect(path, timeout=timeout, isolation_level=None)


def copied(source, directory):
    path = os.path.join(directory, "copy.db")
    shutil.copyfile(source, path)
    if os.path.exists(source + "-wal"):
        shutil.copyfile(source + "-wal", path + "-wal")
    return path


def small(source, out):
    shutil.copytree(os.path.join(source, "server"), os.path.join(out, "server"), symlinks=True,
                    ignore=lambda directory, names: [name for name in names if name.startswith("state.db")])
    with tempfile.TemporaryDirectory() as directory:
        rows = connect(copied(os.path.join(source, "server/db/state.db"), directory)).execute(
            f"""SELECT {COLUMNS} FROM kine WHERE name = 'compact_rev_key' OR id IN (
                SELECT max(id) FROM kine WHERE name LIKE '/bootstrap/%' OR name = '/registry/namespaces/kube-system'
                OR name LIKE '/registry/priorityclasses/%' OR name LIKE '/registry/health' GROUP BY name) ORDER BY id""").fetchall()
        path = os.path.join(directory, "state.db")
        db = connect(path)
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(SCHEMA + ";" + INDEXES)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO kine({COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?)", rows[:-2])
        db.execute("UPDATE kine SET prev_revision = 30 WHERE name = 'compact_rev_key'")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The newest rows are in the -wal alone: a restore or a backup that loses it is seen.
        for row in rows[-2:]:
            db.execute(f"INSERT INTO kine({COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?)", row)
        insert(db, 3, "base")
        for name in ("state.db", "state.db-wal"):
            shutil.copyfile(os.path.join(directory, name), os.path.join(out, "server/db", name))
        db.close()


def insert(db, rows, name):
    for number in range(rows):
        db.execute("INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value, old_value)"
                   " VALUES(?, 1, 0, 0, 0, 0, ?, NULL)",
                   (f"/registry/configmaps/default/{name}-{time.time_ns()}-{number}", os.urandom(200)))


def advance(path, rows):
    db = connect(path, 5)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SCHEMA + ";" + INDEXES)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    insert(db, int(rows), "started")
    print(db.execute("SELECT max(id) FROM kine").fetchone()[0], flush=True)
    os._exit(0)


def rows(path):
    """A digest of all that a server finds that starts on a database with what lies beside it."""
    with tempfile.TemporaryDirectory() as directory:
        copy = copied(path, directory)
        if os.path.exists(path + "-journal"):
            shutil.copyfile(path + "-journal", copy + "-journal")
        db = connect(copy)
        check = db.execute("PRAGMA integrity_check").fetchall()[0][0]
        digest = hashlib.sha256()
        for row in db.execute(f"SELECT {COLUMNS} FROM kine ORDER BY id"):
            digest.update(repr(row).encode())
        digest.update(repr(db.execute("SELECT seq FROM sqlite_sequence").fetchall()).encode())
        print(check, digest.hexdigest())


def cut(path):
    """Ends in the middle of a transaction, with its journal beside the database."""
    db = connect(path, 5)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("PRAGMA cache_size = 1")
    db.execute("BEGIN")
    db.execute("UPDATE kine SET value = randomblob(3000), old_value = NULL WHERE name NOT LIKE '/bootstrap/%'")
    insert(db, 200, "cut")
    os._exit(0)


def idle(path, journal="WAL"):
    db = connect(path, 5)
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.execute("SELECT max(id) FROM kine").fetchone()
    print("ready", flush=True)
    sys.stdin.read()


def listen(path):
    server = socket.socket(socket.AF_UNIX)
    directory, name = os.path.split(path)
    os.chdir(directory)  # addresses are short
    server.bind(name)
    server.listen()
    print("ready", flush=True)
    sys.stdin.read()


def flock(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        print("ready", flush=True)
        sys.stdin.read()


def unbumped(path, out, revision, compact, sequence):
    shutil.copyfile(path, out)
    db = connect(out)
    filler = db.execute(f"SELECT {COLUMNS} FROM kine WHERE id = ?", (int(revision),)).fetchall()
    wanted = [(int(revision), f"gap-{revision}", 0, 1, 0, 0, 0, None, None)]
    if filler != wanted:
        sys.exit(f"the filler row is {filler} instead of {wanted}")
    for statement, value in (("DELETE FROM kine WHERE id = ?", revision),
                             ("UPDATE kine SET prev_revision = ? WHERE name = 'compact_rev_key'", compact),
                             ("UPDATE sqlite_sequence SET seq = ? WHERE name = 'kine'", sequence)):
        if db.execute(statement, (int(value),)).rowcount != 1:
            sys.exit(f"not exactly one row: {statement}")
    db.close()


def indexes(path):
    with tempfile.TemporaryDirectory() as directory:
        db = connect(copied(path, directory))
        db.executescript(INDEXES)
        names = {name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
        check = db.execute("PRAGMA integrity_check").fetchall()
        print(json.dumps({"indexes": len([name for name in names if name.startswith("kine_")]), "check": check[0][0]}))


def openers(path, log, stop):
    seen = {}
    while not os.path.exists(stop):
        try:
            with contextlib.closing(
                    sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=0, isolation_level=None)) as db:
                newest = db.execute("SELECT max(id) FROM kine").fetchall()[0][0]
                checks = db.execute("PRAGMA quick_check(1)").fetchall()
            result = f"max {newest} check " + ",".join(check for check, in checks)
        except sqlite3.Error as error:
            result = f"error {error}"
        seen[result] = seen.get(result, 0) + 1
        time.sleep(0.03)
    with open(log, "w") as file:
        json.dump(seen, file)


def late(path, patience):
    db = connect(path, float(patience))
    print("opening", flush=True)
    db.execute("PRAGMA journal_mode = WAL")
    newest = db.execute("SELECT max(id) FROM kine").fetchone()[0]
    insert(db, 1, "late")
    print(json.dumps({"saw": newest, "wrote": db.execute("SELECT max(id) FROM kine").fetchone()[0]}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    {"small": small, "advance": advance, "idle": idle, "listen": listen, "flock": flock, "unbumped": unbumped, "indexes": indexes, "rows": rows, "cut": cut, "openers": openers,
     "late": late}[sys.argv[1]](*sys.argv[2:])
