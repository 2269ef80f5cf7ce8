#!/usr/bin/env python3
"""Archives that pass for backups of a server and are hostile in one thing, made from a real one without daytwo.

    hostile_archives.py ARCHIVE DIRECTORY
"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "CommandTests", "Support"))
sys.dont_write_bytecode = True

from forge import TOP, archive, entry, header, record  # noqa: E402


def unpacked(path):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["tar", "--zstd", "-xf", path, "-C", directory], check=True)
        top = os.path.join(directory, os.listdir(directory)[0])
        files = {}
        for name in ("backup.json", "datastore/state.db", "server/token"):
            with open(os.path.join(top, name), "rb") as file:
                files[name] = file.read()
        return files


def changed(database, *statements):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "db")
        with open(path, "wb") as file:
            file.write(database)
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()
        with open(path, "rb") as file:
            return file.read()


def hostile(path):
    real = unpacked(path)
    document = json.loads(real["backup.json"])
    database, token, escape = real["datastore/state.db"], real["server/token"], b"escaped\n"

    def made(*more, db=database, change=None, sizes=None):
        """An archive with a database, a token and more: (path, content, kind, link)."""
        described = json.loads(json.dumps(document))
        # Its own few files are not the whole identity; the token is what opens it.
        described["identityFilesState"] = "absent"
        if change:
            change(described)
        listed = [record("datastore/state.db", content=db), record("server/token", content=token)]
        raw = entry(f"{TOP}/datastore/state.db", db) + entry(f"{TOP}/server/token", token)
        for path, content, kind, link in more:
            name = {b"0": "file", b"5": "directory", b"2": "symlink"}.get(kind, "file")
            listed.append(record(path, name, content=content, link=link or None))
            raw += entry(f"{TOP}/{path}", content, kind=kind, link=link)
        for path, size in sizes or []:
            listed.append(record(path, size=size))
            raw += header(f"{TOP}/{path}", size=min(size, (1 << 33) - 1))
        return archive(listed, raw, backup=json.dumps(described).encode())

    def window(name, value):
        return lambda described: described["datastore"]["window"].update({name: value})

    yield "sound", made()
    yield "stamp", made(("server/db/joined-abcdefabcdef", b"", b"0", ""), ("server/db/state.db-wal", b"x" * 4096, b"0", ""))
    yield "parent", made(("server/../../../escaped", escape, b"0", ""))
    yield "parent-in-database", made(("datastore/../server/tls/x", escape, b"0", ""))
    yield "absolute-link", made(("server/tls/x", b"", b"2", "/etc/passwd"))
    yield "leaving-link", made(("server/tls/x", b"", b"2", "../../../../escaped"))
    yield "below-link", made(("server/a", b"", b"2", "tls"), ("server/a/x", escape, b"0", ""))
    yield "database-twice", made(("datastore/state.db", escape, b"0", ""))
    yield "file-as-directory", made(("server/token/x", escape, b"0", ""))
    yield "hard-link", made(("server/tls/x", b"", b"1", f"{TOP}/backup.json"))
    yield "device", made(("server/tls/x", b"", b"3", ""))
    yield "newer", made(change=lambda described: described.update(formatVersion=2))
    yield "enormous-sizes", made(sizes=[("server/tls/a", (1 << 63) + 5), ("server/tls/b", (1 << 63) + 5)])
    yield "largest-revision", made(change=window("maxRevision", (1 << 63) - 1))
    yield "largest-sequence", made(
        db=changed(database, "UPDATE sqlite_sequence SET seq = 9223372036854775807"),
        change=window("sequence", (1 << 63) - 1))
    yield "age", made(change=lambda described: described["datastore"].update(revisionsPerSecond=1e300))
    yield "other-rows", made(db=changed(database, "DELETE FROM kine WHERE id = (SELECT max(id) FROM kine)"))
    yield "other-values", made(db=changed(database, "UPDATE kine SET value = x'00' WHERE id = (SELECT max(id) FROM kine)"))
    yield "other-window", made(change=window("compactRevision", 31))
    yield "garbage-database", made(db=b"SQLite format 3\0" + bytes(20000))
    yield "no-rows", made(db=changed(database, "DROP TABLE kine"))
    yield "trigger", made(db=changed(
        database, "CREATE TRIGGER kine_trap AFTER INSERT ON kine BEGIN DELETE FROM kine WHERE id < 50; END"))


if __name__ == "__main__":
    for name, content in hostile(sys.argv[1]):
        with open(os.path.join(sys.argv[2], f"{name}_20261122T110000Z_1f2e3d4c.tar.zst"), "wb") as file:
            file.write(content)
