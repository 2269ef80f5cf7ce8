#!/usr/bin/env python3
"""A history of backups, made of one: copies under other dates whose records say what a test needs.

    history.py ARCHIVE SPEC...    each SPEC a copy: AGE[,uid=UID][,keys=N][,partial][,verified=LEVEL][,id=HEX]
                                  AGE in seconds before now, or in days or hours (3d, 5h); prints the ids
    history.py --move ARCHIVE AGE gives the archive itself that age
"""
import datetime
import hashlib
import json
import os
import shutil
import sys

UNITS = {"d": 86400, "h": 3600}


def seconds(age):
    return int(age[:-1]) * UNITS[age[-1]] if age[-1] in UNITS else int(age)


def write(path, value):
    with open(path, "w") as file:
        json.dump(value, file)


def place(archive, age, now, id):
    """Record and stem of a copy."""
    at = now - datetime.timedelta(seconds=seconds(age))
    with open(archive.removesuffix(".tar.zst") + ".json") as file:
        record = json.load(file)
    name = os.path.basename(archive).rsplit("_", 2)[0]
    id = id or record["id"]
    stem = os.path.join(os.path.dirname(archive), f"{name}_{at:%Y%m%dT%H%M%SZ}_{id[:8]}")
    record.update(id=id, createdAt=f"{at:%Y-%m-%dT%H:%M:%SZ}", file=os.path.basename(stem) + ".tar.zst")
    return record, stem, at


def move(archive, age):
    record, stem, _ = place(archive, age, datetime.datetime.now(datetime.timezone.utc), None)
    old = archive.removesuffix(".tar.zst")
    os.remove(old + ".json")
    write(stem + ".json", record)
    os.rename(archive, stem + ".tar.zst")
    if os.path.isdir(old + ".events"):
        os.rename(old + ".events", stem + ".events")


def copy(archive, spec, number, now):
    age, *words = spec.split(",")
    options = dict(word.partition("=")[::2] for word in words)
    id = options.get("id") or hashlib.sha256(f"{spec} {number}".encode()).hexdigest()[:32]
    record, stem, at = place(archive, age, now, id)
    if "uid" in options:
        record["identity"]["clusterUID"] = options["uid"]
    if "keys" in options:
        record["window"]["liveKeys"] = int(options["keys"])
    if "partial" in options:
        record.update(result="partial", reasons=["made for a test"])
    shutil.copyfile(archive, stem + ".tar.zst")
    write(stem + ".json", record)
    if "verified" in options:
        os.mkdir(stem + ".events")
        event = {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "by": "test", "level": options["verified"], "result": "ok",
                 "what": "verified"}
        write(f"{stem}.events/{at:%Y%m%dT%H%M%SZ}_1_00000000.json", event)
    print(id[:8])


if __name__ == "__main__":
    if sys.argv[1] == "--move":
        move(*sys.argv[2:])
    else:
        start = datetime.datetime.now(datetime.timezone.utc)
        for index, one in enumerate(sys.argv[2:]):
            copy(sys.argv[1], one, index, start)
