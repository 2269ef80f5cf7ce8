#!/usr/bin/env python3
"""A kine database that moves to another host, judged with sqlite3 alone.

    moving.py make DB [sealed]     claims and volumes of the old host in both encodings; with `sealed` an encrypted claim as well
    moving.py judge BASE CLEANED BUMP KIND…
                                   CLEANED must be BASE, the filler row at BUMP, and above it what KIND (claims, volumes) takes;
                                   prints the keys that were written and what is wrong
"""
import json
import os
import sys

sys.dont_write_bytecode = True
from volumes import ENCRYPTED, Kine, field, key, last, pv, rows, uid, varint, volume  # noqa: E402

BOUND = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
         "volume.kubernetes.io/selected-node": "old-node"}


def stored_claim(name, volume_name, annotations):
    """A claim with fields around those that go, of every wire type, which nobody here knows."""
    strange = varint(900 << 3) + varint(7) + varint(901 << 3 | 1) + bytes(range(8)) + varint(902 << 3 | 5) + b"four" + field(903, "bytes")
    notes = b"".join(field(12, field(1, k) + field(2, v)) for k, v in annotations)
    metadata = field(1, name) + field(3, "shop") + field(5, uid(name)) + field(8, b"\x08\x80\x94\xeb\xdc\x05") + notes + strange
    spec = field(1, "ReadWriteOnce") + field(2, field(2, field(1, "storage") + field(2, field(1, "5Gi"))))
    spec += field(3, volume_name) + field(5, "local-path") + strange
    content = field(1, metadata) + field(2, spec) + field(3, field(1, "Bound") + strange) + strange
    return b"k8s\0" + field(1, field(1, "v1") + field(2, "PersistentVolumeClaim")) + field(2, content) + field(3, "") + field(4, "")


def json_claim(name, volume_name, annotations):
    spec = {"accessModes": ["ReadWriteOnce"], "volumeName": volume_name, "unknown": {"b": 1.50, "a": [None, True]}}
    metadata = {"name": name, "namespace": "shop", "uid": uid(name), "annotations": dict(annotations)}
    if not volume_name:
        del spec["volumeName"]
    if not annotations:
        del metadata["annotations"]
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": {"phase": "Bound"}}


OTHER = [("team", "shop"), ("pv.kubernetes.io/bind-completed-not", "stays")]
ALL = [OTHER[0]] + list(BOUND.items()) + [OTHER[1]]


def make(path, *options):
    kine = Kine(path)
    kine.create(key("shop", "data"), stored_claim("data", "", OTHER))
    kine.update(key("shop", "data"), stored_claim("data", "pv-data", ALL))
    kine.create(key("shop", "fresh"), stored_claim("fresh", "pv-fresh", list(BOUND.items())))
    kine.create(key("shop", "as-json"), json.dumps(json_claim("as-json", "pv-json", ALL)).encode() + b"\n")
    kine.create(key("shop", "only-json"), json.dumps(json_claim("only-json", "pv-only", list(BOUND.items()))).encode())
    kine.create(key("shop", "pending"), stored_claim("pending", "", OTHER))
    kine.create(key("shop", "gone"), stored_claim("gone", "pv-gone", ALL))
    kine.delete(key("shop", "gone"))
    for name, of in [("pv-data", "data"), ("pv-fresh", "fresh"), ("pv-json", "as-json"), ("pv-gone", "gone")]:
        kine.create(pv(name), volume(name, "shop", of))
    kine.update(pv("pv-fresh"), volume("pv-fresh", "shop", "fresh", uid("again")))
    kine.delete(pv("pv-gone"))
    kine.create("/registry/storage.example.com/persistentvolumeclaims/shop/x", b'{"kind":"Other"}')
    if "sealed" in options:
        kine.create(key("shop", "sealed"), ENCRYPTED)
    os._exit(0)


EXPECTED = {
    key("shop", "data"): stored_claim("data", "", OTHER),
    key("shop", "fresh"): stored_claim("fresh", "", []),
    key("shop", "as-json"): json_claim("as-json", None, OTHER),
    key("shop", "only-json"): json_claim("only-json", None, []),
}
VOLUMES = [pv("pv-data"), pv("pv-fresh"), pv("pv-json")]


def judge(base_path, cleaned_path, bump, *kinds):
    bump, problems, keys = int(bump), [], []
    base, _, _ = rows(base_path)
    cleaned, sequence, check = rows(cleaned_path)

    def expect(condition, *what):
        if not condition:
            problems.append(" ".join(map(str, what)))

    expect(check == [("ok",)], "integrity", check)
    expect(sequence == max(cleaned), "the sequence is", sequence, "and the last id", max(cleaned))
    for row_id, row in base.items():
        if row[1] == "compact_rev_key":
            row = row[:5] + (bump,) + row[6:]
        expect(cleaned.get(row_id) == row, "row", row_id, row[1], "is another one")
    above = [row for row_id, row in cleaned.items() if row_id not in base]
    expect(above[0] == (bump, f"gap-{bump}", 0, 1, 0, 0, 0, None, None), "the filler row is", above[0][:7])
    expect([row[0] for row in above] == list(range(bump, bump + len(above))), "ids are not consecutive")
    for row_id, name, created, deleted, creation, previous, lease, value, old in above[1:]:
        keys.append(name)
        there = last(base, name)
        first = there[0] if there[2] else there[4]
        expect((created, creation, previous, lease, old) == (0, first, there[0], 0, there[7]), name, "does not follow its row")
        if name in VOLUMES:
            expect((deleted, value) == (1, there[7]), name, "is no deletion")
        elif isinstance(EXPECTED.get(name), dict):
            expect(not deleted and list(json.loads(value).items()) == list(EXPECTED[name].items()), name, value)
        else:
            expect((deleted, value) == (0, EXPECTED.get(name)), name, value)
    real = [n for n in keys if n not in EXPECTED and n not in VOLUMES]
    expect(not real, "also", real)
    wanted = (sorted(EXPECTED) if "claims" in kinds else []) + (sorted(VOLUMES) if "volumes" in kinds else [])
    expect(keys == wanted, "written:", keys)
    print(json.dumps({"keys": keys, "problems": problems}))


if __name__ == "__main__":
    {"make": make, "judge": judge}[sys.argv[1]](*sys.argv[2:])
