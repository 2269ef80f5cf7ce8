#!/usr/bin/env python3
"""Volume claims and volumes in kine databases that nobody has open, written as kine writes, and judged with sqlite3 alone.

    volumes.py before DB                  what is there when the backup is taken
    volumes.py after DB                   what happens later; prints what is newer then, and how much else
    volumes.py judge BASE REPLACED RESTORED BUMP
                                          RESTORED must be BASE, the filler row at BUMP, and the newer rows of REPLACED above it;
                                          prints their keys and what is wrong
    volumes.py corrupt DB                 overwrites pages in the middle, and leaves the first ones
"""
import json
import os
import sqlite3
import sys
import tempfile

sys.dont_write_bytecode = True
from restore_support import COLUMNS, INDEXES, SCHEMA, connect, copied  # noqa: E402

ENCRYPTED = b"k8s:enc:aescbc:v1:aescbckey:" + bytes(range(64))


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def uid(text):
    return "0b0c1b1e-0000-4000-8000-" + text.encode().hex()[:12].ljust(12, "0")


def stored(version, kind, name, namespace, own, spec):
    metadata = field(1, name) + (field(3, namespace) if namespace else b"") + field(5, own) + field(8, b"\x08\x80\x94\xeb\xdc\x05")
    content = field(1, metadata) + field(2, spec) + field(3, field(1, "Bound"))
    return b"k8s\0" + field(1, field(1, version) + field(2, kind)) + field(2, content) + field(3, "") + field(4, "")


def claim(namespace, name, volume=None, own=None):
    resources = field(2, field(1, "storage") + field(2, field(1, "5Gi")))
    spec = field(1, "ReadWriteOnce") + field(2, resources) + (field(3, volume) if volume else b"") + field(5, "local-path")
    return stored("v1", "PersistentVolumeClaim", name, namespace, own or uid(name), spec)


def volume(name, namespace, of, own=None):
    reference = field(1, "PersistentVolumeClaim") + field(2, namespace) + field(3, of) + field(4, own or uid(of))
    spec = field(1, field(1, "storage") + field(2, field(1, "5Gi"))) + field(3, "ReadWriteOnce") + field(4, reference)
    return stored("v1", "PersistentVolume", name, None, uid(name), spec + field(5, "Delete"))


def key(namespace, name):
    return f"/registry/persistentvolumeclaims/{namespace}/{name}"


def pv(name):
    return f"/registry/persistentvolumes/{name}"


class Kine:
    """Rows as kine v0.6 writes them (pkg/logstructured, pkg/drivers/generic)."""

    def __init__(self, path):
        self.db = connect(path, 5)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(SCHEMA + ";" + INDEXES)
        self.db.execute("PRAGMA wal_autocheckpoint = 0")

    def newest(self, name):
        return self.db.execute(
            "SELECT id, created, deleted, create_revision, value FROM kine WHERE name = ? ORDER BY id DESC LIMIT 1", (name,)).fetchone()

    def insert(self, *row):
        self.db.execute("INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value, old_value)"
                        " VALUES(?, ?, ?, ?, ?, 0, ?, ?)", row)

    def create(self, name, value):
        last = self.newest(name)
        assert last is None or last[2], name
        self.insert(name, 1, 0, 0, last[0] if last else 0, value, last[4] if last else None)

    def update(self, name, value):
        row, created, deleted, creation, old = self.newest(name)
        assert not deleted, name
        self.insert(name, 0, 0, row if created else creation, row, value, old)

    def delete(self, name):
        row, created, deleted, creation, old = self.newest(name)
        assert not deleted, name
        self.insert(name, 0, 1, row if created else creation, row, old, old)


def before(path):
    kine = Kine(path)
    kine.create(pv("pv-old"), volume("pv-old", "default", "old"))
    kine.create(key("default", "old"), claim("default", "old", "pv-old"))
    kine.create(key("default", "pending"), claim("default", "pending"))
    kine.create(key("default", "again"), claim("default", "again", "pv-again"))
    kine.create(pv("pv-again"), volume("pv-again", "default", "again"))
    kine.create(key("default", "gone"), claim("default", "gone", "pv-first", own=uid("first")))
    kine.update(key("default", "gone"), claim("default", "gone", "pv-second", own=uid("first")))
    kine.delete(key("default", "gone"))
    os._exit(0)  # without closing: what was written is in the log alone


def after(path):
    kine = Kine(path)
    kine.create(key("default", "gone"), claim("default", "gone", "pv-gone"))
    kine.create(pv("pv-gone"), volume("pv-gone", "default", "gone"))
    kine.delete(key("default", "again"))
    kine.create(key("default", "again"), claim("default", "again", "pv-again-2", own=uid("again-2")))
    kine.create(pv("pv-again-2"), volume("pv-again-2", "default", "again", uid("again-2")))
    kine.create("/registry/namespaces/later", stored("v1", "Namespace", "later", None, uid("later"), field(1, "kubernetes")))
    kine.create(key("later", "data"), claim("later", "data"))
    kine.create(pv("pv-later"), volume("pv-later", "later", "data"))
    for _ in range(3):
        kine.update(key("later", "data"), claim("later", "data", "pv-later"))
    kine.create(key("later", "as-json"), json.dumps({
        "kind": "PersistentVolumeClaim", "apiVersion": "v1", "spec": {"volumeName": "pv-nowhere"},
        "metadata": {"name": "as-json", "namespace": "later", "uid": uid("as-json")}}).encode())
    kine.update(key("default", "pending"), claim("default", "pending", "pv-pending"))
    kine.create(pv("pv-pending"), volume("pv-pending", "default", "pending"))
    kine.create(key("default", "lone"), claim("default", "lone", "pv-old"))
    kine.create(key("default", "sealed"), ENCRYPTED)
    kine.create(key("default", "briefly"), claim("default", "briefly"))
    kine.delete(key("default", "briefly"))
    kine.delete(key("default", "old"))
    for name in ("a", "b", "c"):
        kine.create(f"/registry/pods/later/{name}", stored("v1", "Pod", name, "later", uid(name), b""))
    kine.create("/registry/example.com/widgets/later/w", b'{"kind":"Widget","apiVersion":"example.com/v1"}')
    kine.create("/registry/namespaces/unused", stored("v1", "Namespace", "unused", None, uid("unused"), b""))
    names = ["/registry/namespaces/later"] + [pv(name) for name in ("pv-again-2", "pv-gone", "pv-later", "pv-pending")] + [
        key(*parts) for parts in (("default", "again"), ("default", "gone"), ("default", "lone"), ("default", "sealed"),
                                  ("later", "as-json"), ("later", "data"))]
    print(json.dumps({"keys": names, "others": {"namespaces": 1, "pods": 3, "widgets.example.com": 1}}), flush=True)
    os._exit(0)


def rows(path):
    """Every row by its id, and the sequence, without touching what is there."""
    with tempfile.TemporaryDirectory() as directory:
        db = connect(copied(path, directory))
        found = {row[0]: row for row in db.execute(f"SELECT {COLUMNS} FROM kine ORDER BY id")}
        sequence = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'kine'").fetchone()[0]
        check = db.execute("PRAGMA integrity_check").fetchall()
        db.executescript(INDEXES)  # the unique one fails where two rows of a key follow the same row
        db.close()
    return found, sequence, check


def last(table, name, below=1 << 62):
    found = [row for row in table.values() if row[1] == name and row[0] < below]
    return found[-1] if found else None


def judge(base_path, replaced_path, restored_path, bump):
    bump, problems, keys = int(bump), [], []
    base, _, _ = rows(base_path)
    replaced, _, _ = rows(replaced_path)
    restored, sequence, check = rows(restored_path)

    def expect(condition, *what):
        if not condition:
            problems.append(" ".join(map(str, what)))

    expect(check == [("ok",)], "integrity", check)
    expect(sequence == max(restored), "the sequence is", sequence, "and the last id", max(restored))
    for row_id, row in base.items():
        if row[1] == "compact_rev_key":
            row = row[:5] + (bump,) + row[6:]
        expect(restored.get(row_id) == row, "row", row_id, row[1], "is another one")
    above = [row for row_id, row in restored.items() if row_id not in base]
    expect(above[0] == (bump, f"gap-{bump}", 0, 1, 0, 0, 0, None, None), "the filler row is", above[0][:7])
    expect([row[0] for row in above] == list(range(bump, bump + len(above))), "ids are not consecutive")
    for row_id, name, created, deleted, creation, previous, lease, value, old in above[1:]:
        there = last(restored, name, row_id)
        now = last(replaced, name)
        if deleted:
            # What the backup has of that name gives way to what was made anew.
            expect(there and not there[3] and there[0] in base, name, "was not live")
            first = there[0] if there[2] else there[4]
            expect((created, creation, previous, lease, value, old) == (0, first, there[0], 0, there[7], there[7]), name, "its deletion")
            expect(row_id + 1 in restored and restored[row_id + 1][1] == name, name, "is not made anew")
            continue
        keys.append(name)
        expect((created, creation, lease) == (1, 0, 0), name, "is not as one that is created")
        expect(there is None or there[3], name, "was live")
        expect(previous == (there[0] if there else 0), name, "follows", previous)
        expect(old == (there[7] if there else None), name, "has another old value")
        expect(now and not now[3] and value == now[7], name, "has another value")
    print(json.dumps({"keys": keys, "problems": problems}))


def corrupt(path):
    with connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = db.execute("PRAGMA page_size").fetchone()[0]
        pages = [row[0] for row in db.execute("SELECT pageno FROM dbstat WHERE name = 'kine' AND pagetype = 'leaf'")] if has_dbstat(db) else []
    db.close()
    with open(path, "r+b") as file:
        count = os.path.getsize(path) // size
        for page in pages or range(3, count + 1):
            if page < 3:
                continue
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)


def has_dbstat(db):
    try:
        db.execute("SELECT 1 FROM dbstat LIMIT 1").fetchall()
        return True
    except sqlite3.Error:
        return False


if __name__ == "__main__":
    {"before": before, "after": after, "judge": judge, "corrupt": corrupt}[sys.argv[1]](*sys.argv[2:])
