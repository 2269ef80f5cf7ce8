#!/usr/bin/env python3
"""Makes a k3s data directory whose kine database has a given size, by replaying a real one many times.

    kine_database.py DIRECTORY --fixture k3s-1.21.2-sqlite.tar.zst --size BYTES --variant compacted|bloated [--seed N]

The history of the fixture's namespaced objects (creates, updates with their old_value, deletes, in their order) is run again and
again behind the fixture's own rows, each time for other namespaces: names, uids, tokens, keys, certificates and passwords are
fresh random text of the same length, so that lengths inside the objects stay right. What all objects of one cluster share (its CA)
stays shared. Every eighth service also rewrites the node port bitmap, as the apiserver does.

compacted   compacted up to the last 1000 revisions and vacuumed. What the compaction would remove is not written to begin with.
bloated     compacted twice, never vacuumed: a large freelist, and a -wal that nobody has checkpointed.

The server's files are the fixture's, and so is the /bootstrap row: its token opens it. DIRECTORY.json says what is inside.
"""
import argparse
import base64
import collections
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Tests", "Support"))
from kine_writer import COMPACT, FILL, INDEXES, INDEXES_BY_AGE, SET_COMPACT_REVISION, TABLE  # noqa: E402

PAGE = 4096
RETAINED = 1000
RANGES = "/registry/ranges/servicenodeports"
CLUSTER_WIDE = ("apiregistration.k8s.io", "apiextensions.k8s.io", "clusterroles", "clusterrolebindings", "flowschemas",
                "prioritylevelconfigurations", "priorityclasses", "ranges", "masterleases", "health", "minions")

UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ENCODED = rb"[A-Za-z0-9+/_=-]{40,}"
HEX_WORD = rb"(?<=[ =\n])(?=[a-f]*[0-9])[0-9a-f]{4,6}(?=[ =\n])"
SHARED_BY = 30


class Template:
    """One history: operations on keys, with values cut into what stays and slots for what is fresh in each replay."""

    def __init__(self, rows):
        self.slots = []         # (kind, length or text)
        self.slot_of = {}
        self.names = []         # pieces of each key
        self.operations = []    # (key, kind, pieces of the value, lease)
        self.shared = self.shared_tokens(rows)
        keys = {}
        for name, created, deleted, prev_revision, lease, value, old_value in rows:
            place = self.place(name)
            if place is None:
                continue
            if name not in keys:
                keys[name] = len(self.names)
                self.names.append(self.name_pieces(name, *place))
                if not created and old_value is not None:
                    self.operations.append((keys[name], "create", self.pieces(name, *place, old_value), lease))
                    created = 0
                else:
                    created = 1
            kind = "delete" if deleted else "create" if created else "update"
            self.operations.append((keys[name], kind, self.pieces(name, *place, value), lease))
        self.services = {keys[name] for name in keys if name.startswith("/registry/services/specs/")}
        self.last = {}
        self.previous = {}
        self.creation = {}
        for index, (key, kind, _, _) in enumerate(self.operations):
            if kind == "create":
                self.creation[key] = index
            if key in self.last:
                self.previous[key] = self.last[key]
            self.last[key] = index

    @staticmethod
    def place(name):
        """(namespace, name) of a namespaced object, or of a namespace itself; None for what is not replayed."""
        parts = name.split("/")[2:]
        if not name.startswith("/registry/") or parts[0] in CLUSTER_WIDE:
            return None
        if parts[0] in ("services",) or "." in parts[0]:
            parts = parts[1:]
        if parts[0] == "namespaces":
            return parts[1], None
        return (parts[1], parts[2]) if len(parts) == 3 else None

    @staticmethod
    def shared_tokens(rows):
        keys = collections.defaultdict(set)
        for name, *_, value, _ in rows:
            for token in re.findall(ENCODED, value or b""):
                keys[token].add(name)
        return {token for token, names in keys.items() if len(names) >= SHARED_BY}

    def slot(self, kind, scope, token):
        found = self.slot_of.get((kind, scope, token))
        if found is None:
            found = self.slot_of[(kind, scope, token)] = len(self.slots)
            self.slots.append((kind, token if kind in ("namespace", "name") else len(token)))
        return found

    def name_pieces(self, key, namespace, name):
        head = key[: -len(namespace)] if name is None else key[: -len(namespace) - len(name) - 1]
        pieces = [head.encode(), self.slot("namespace", None, namespace.encode())]
        if name is not None:
            pieces += [b"/", self.slot("name", key, name.encode())]
        return pieces

    def pieces(self, key, namespace, name, value):
        spans = []
        bounded = rb"(?<![A-Za-z0-9-])%s(?![A-Za-z0-9-])"
        for match in re.finditer(UUID, value):
            spans.append((*match.span(), self.slot("uuid", None, match.group())))
        if name is not None:
            for match in re.finditer(bounded % re.escape(name.encode()), value):
                spans.append((*match.span(), self.slot("name", key, name.encode())))
        for match in re.finditer(bounded % re.escape(namespace.encode()), value):
            spans.append((*match.span(), self.slot("namespace", None, namespace.encode())))
        for match in re.finditer(ENCODED, value):
            if match.group() not in self.shared:
                spans.append((*match.span(), self.slot("encoded", key, match.group())))
        for match in re.finditer(HEX_WORD, value):
            spans.append((*match.span(), self.slot("hex", key, match.group())))
        for match in re.finditer(rb"\x08password\x12([\x08-\x7f])", value):
            end = match.end() + match.group(1)[0]
            if end <= len(value):
                spans.append((match.end(), end, self.slot("encoded", key, value[match.end():end])))
        pieces, at = [], 0
        for start, end, slot in sorted(spans):
            if start < at:
                continue
            pieces += [value[at:start], slot]
            at = end
        pieces.append(value[at:])
        return pieces


class Replay:
    """Runs the template for other namespaces and hands out rows."""

    def __init__(self, template, source, ranges, first_id):
        self.template, self.random, self.next_id = template, source, first_id
        self.ranges_id, self.ranges_creation, self.ranges = ranges
        self.services = 0

    def letters(self, count):
        return base64.b32encode(self.random.randbytes(count * 5 // 8 + 1)).lower()[:count]

    def fresh(self):
        """A value for each slot. Namespaces are told apart by a number, so that no two replays share one."""
        source = self.random
        hexes = source.randbytes(3 * len(self.template.slots) + 64).hex().encode()
        at = 0
        values = []
        taken = set()
        for kind, detail in self.template.slots:
            if kind == "hex":
                values.append(hexes[at:at + detail])
                at += detail
            elif kind == "uuid":
                h = source.randbytes(16).hex()
                values.append(f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}".encode())
            elif kind == "encoded":
                values.append(base64.b64encode(source.randbytes(detail * 3 // 4 + 3))[:detail])
            else:
                # A whole namespace; of a name the tail, as where a generated suffix stands, unless it is so short that two
                # names of one namespace could become the same.
                head = b"" if kind == "namespace" else detail[: detail.rfind(b"-") + 1]
                value = detail if kind == "name" and len(detail) - len(head) < 5 else None
                while value is None or (kind == "namespace" and value in taken):
                    value = head + b"n" + self.letters(len(detail) - len(head) - 1)
                taken.add(value)
                values.append(value)
        return values

    @staticmethod
    def fill(pieces, values):
        return b"".join([values[piece] if piece.__class__ is int else piece for piece in pieces])

    def whole(self):
        """Every row of one replay, in order."""
        values = self.fresh()
        names = [self.fill(pieces, values).decode() for pieces in self.template.names]
        last = {}
        for key, kind, pieces, lease in self.template.operations:
            value = self.fill(pieces, values)
            row_id = self.next_id
            self.next_id += 1
            before_id, creation, before = last.get(key, (0, 0, None))
            if kind == "create":
                yield row_id, names[key], 1, 0, 0, before_id, lease, value, before
                creation = row_id
                if key in self.template.services:
                    self.services += 1
                    if self.services % 8 == 0:
                        last[key] = (row_id, creation, value)
                        yield self.node_ports()
                        continue
            elif kind == "update":
                yield row_id, names[key], 0, 0, creation, before_id, lease, value, before
            else:
                value = before
                yield row_id, names[key], 0, 1, creation, before_id, lease, value, before
            last[key] = (row_id, creation, value)

    def surviving(self):
        """The rows of one replay that a compaction leaves: the newest of each live key."""
        values = self.fresh()
        operations = self.template.operations
        for key, index in sorted(self.template.last.items(), key=lambda item: item[1]):
            _, kind, pieces, lease = operations[index]
            if kind == "delete":
                continue
            before = self.template.previous.get(key)
            old_value = None if before is None else self.fill(operations[before][2], values)
            before_id = 0 if before is None else self.next_id + before
            created = kind == "create"
            yield (self.next_id + index, self.fill(self.template.names[key], values).decode(), int(created), 0,
                   0 if created else self.next_id + self.template.creation.get(key, 0), before_id, lease,
                   self.fill(pieces, values), old_value)
        self.next_id += len(operations)

    def node_ports(self):
        before_id, before = self.ranges_id, self.ranges
        bitmap = bytearray(before)
        at = self.random.randrange(len(bitmap) // 2, len(bitmap) - 64)
        bitmap[at] |= 1 << self.random.randrange(8)
        self.ranges_id, self.ranges = self.next_id, bytes(bitmap)
        self.next_id += 1
        return self.ranges_id, RANGES, 0, 0, self.ranges_creation, before_id, 0, self.ranges, before


def database(path, cache_bytes):
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size = 4096", "journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE",
                   f"cache_size = -{cache_bytes // 1024}"):
        connection.execute("PRAGMA " + pragma)
    connection.execute(TABLE)
    return connection


def pages(connection, what="page_count"):
    return connection.execute(f"PRAGMA {what}").fetchone()[0]


def compact(connection, target):
    connection.execute(COMPACT, (target, target))
    connection.execute(SET_COMPACT_REVISION, (target,))


def create_indexes(connection):
    for name in INDEXES_BY_AGE["v0.6"]:
        connection.execute(INDEXES[name])


def make_compacted(path, rows, replay, size):
    building = path + ".building"
    connection = database(building, 256 << 20)
    connection.execute("BEGIN")
    connection.executemany(FILL, rows)
    # About a tenth of such a file is indexes, which are built at the end.
    while pages(connection) < size // PAGE * 9 // 10:
        connection.executemany(FILL, replay.surviving())
    connection.executemany(FILL, replay.whole())
    compact(connection, replay.next_id - 1 - RETAINED)
    create_indexes(connection)
    connection.execute("COMMIT")
    connection.execute("VACUUM INTO ?", (path,))
    connection.close()
    os.remove(building)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def make_bloated(path, rows, replay, size):
    connection = database(path, min(size, 1 << 30))
    create_indexes(connection)
    connection.execute("BEGIN")
    connection.executemany(FILL, rows)
    target = size // PAGE
    replays = 0
    while pages(connection) < target:
        connection.executemany(FILL, replay.whole())
        replays += 1
    compact(connection, replay.next_id - 1 - RETAINED)
    tick = replay.next_id - 1
    for _ in range(max(1, replays // 20)):
        connection.executemany(FILL, replay.whole())
    compact(connection, min(tick, replay.next_id - 1 - RETAINED))
    connection.execute("COMMIT")
    connection.close()

    # And k3s goes on: commits that nobody has checkpointed yet, in a file that a dead process leaves behind.
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        limit = min(size // 7, 64 << 20)
        wal = path + "-wal"
        while not os.path.exists(wal) or os.path.getsize(wal) < limit:
            batch = list(replay.whole())
            for start in range(0, len(batch), 20):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(FILL, batch[start:start + 20])
                connection.execute("COMMIT")
                if os.path.getsize(wal) >= limit:
                    break
            else:
                continue
            break
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0 or not os.path.exists(path + "-wal"):
        raise SystemExit("kine_database.py: the -wal could not be written")


def composition(path):
    """What the file is made of, in bytes, read from a connection that does not checkpoint it."""
    wal = os.path.getsize(path + "-wal") if os.path.exists(path + "-wal") else 0
    result = {"file": os.path.getsize(path), "wal": wal}
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as directory:
        copy = os.path.join(directory, "state.db")
        os.link(path, copy) if not wal else shutil.copyfile(path, copy)
        if wal:
            shutil.copyfile(path + "-wal", copy + "-wal")
        connection = sqlite3.connect(copy, isolation_level=None)
        result["freelist"] = pages(connection, "freelist_count") * PAGE
        compacted = connection.execute("SELECT prev_revision FROM kine WHERE name = 'compact_rev_key'").fetchone()[0]
        result["rows"], result["maxRevision"], result["valueBytes"], result["oldValueBytesCompacted"], result["oldValueBytesKept"] = (
            connection.execute(
                "SELECT count(*), max(id), sum(length(value)), sum(CASE WHEN id <= ?1 THEN length(old_value) END),"
                " sum(CASE WHEN id > ?1 THEN length(old_value) END) FROM kine", (compacted,)).fetchone())
        result["compactRevision"] = compacted
        result["liveKeys"] = connection.execute(
            "SELECT count(*) FROM (SELECT max(id), deleted FROM kine GROUP BY name) WHERE deleted = 0").fetchone()[0] - 1
        tables = subprocess.run(
            ["sqlite3", copy, "SELECT sum(CASE WHEN name LIKE '%index' THEN pgsize END) FROM dbstat WHERE aggregate = TRUE"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if tables.returncode == 0 and tables.stdout.strip():
            result["indexes"] = int(tables.stdout)
        connection.close()
    return result


def unpack(fixture, directory):
    """The fixture's data directory at `directory`, and its rows, read with the -wal and taken out of it."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(directory)) as unpacked:
        subprocess.run(["tar", "--zstd", "-xf", fixture, "-C", unpacked], check=True)
        (root,) = os.listdir(unpacked)
        source = os.path.join(unpacked, root)
        connection = sqlite3.connect(os.path.join(source, "server", "db", "state.db"), isolation_level=None)
        rows = connection.execute(
            "SELECT id, name, created, deleted, create_revision, prev_revision, lease, value, old_value FROM kine ORDER BY id").fetchall()
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(os.path.join(source, "server", "db", "state.db" + suffix)):
                os.remove(os.path.join(source, "server", "db", "state.db" + suffix))
        os.rename(source, directory)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("--fixture", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--variant", choices=("compacted", "bloated"), required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    begun = time.monotonic()
    final = os.path.abspath(options.directory)
    directory = final + ".making"
    for leftover in (directory, final):
        shutil.rmtree(leftover, ignore_errors=True)
    os.makedirs(os.path.dirname(final), exist_ok=True)
    rows = unpack(options.fixture, directory)
    template = Template([(row[1], row[2], row[3], row[5], row[6], row[7], row[8]) for row in rows])
    (ranges,) = [row for row in rows if row[1] == RANGES][-1:]
    replay = Replay(template, random.Random(options.seed), (ranges[0], ranges[4] or ranges[0], ranges[7]), rows[-1][0] + 1)
    path = os.path.join(directory, "server", "db", "state.db")
    (make_compacted if options.variant == "compacted" else make_bloated)(path, rows, replay, options.size)
    os.chmod(path, 0o644)
    result = {"variant": options.variant, "seed": options.seed, **composition(path)}
    os.rename(directory, final)
    result["secondsToMake"] = round(time.monotonic() - begun, 1)
    with open(final + ".json", "w") as file:
        json.dump(result, file, indent=1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
