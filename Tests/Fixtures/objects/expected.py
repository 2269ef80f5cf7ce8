#!/usr/bin/env python3
"""Metadata of live objects, decoded without daytwo: what its object lines are held against.

usage: expected.py STATE.DB > NAME.ndjson    (a copy with its -wal beside it; every fifth key and every JSON value)
"""
import datetime, json, sqlite3, sys


def fields(b):
    i = 0
    def varint():
        nonlocal i
        n = s = 0
        while True:
            c = b[i]; i += 1
            n |= (c & 127) << s; s += 7
            if c < 128: return n
    while i < len(b):
        tag = varint()
        if tag & 7 == 0: yield tag >> 3, varint()
        elif tag & 7 == 2:
            n = varint(); yield tag >> 3, b[i:i + n]; i += n
        else: raise ValueError(tag)


def first(b, number, default=b""):
    return next((v for n, v in fields(b) if n == number), default)


def moment(b):
    if not b: return None
    at = datetime.datetime.fromtimestamp(first(b, 1, 0), datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def decode(value):
    if value[:4] == b"k8s\0":
        kind = first(value[4:], 1)
        meta = first(first(value[4:], 2), 1)
        labels = {first(v, 1).decode(): first(v, 2).decode() for n, v in fields(meta) if n == 11}
        return dict(encoding="protobuf", apiVersion=first(kind, 1).decode(), kind=first(kind, 2).decode(),
                    name=first(meta, 1).decode(), namespace=first(meta, 3).decode(), uid=first(meta, 5).decode(),
                    created=moment(first(meta, 8)), deleted=moment(first(meta, 9)), labels=labels,
                    owners=sum(1 for n, _ in fields(meta) if n == 13), generation=first(meta, 7, 0))
    if value[:1] == b"{":
        o = json.loads(value); meta = o.get("metadata", {})
        return dict(encoding="json", apiVersion=o.get("apiVersion", ""), kind=o.get("kind", ""),
                    name=meta.get("name", ""), namespace=meta.get("namespace", ""), uid=meta.get("uid", ""),
                    created=meta.get("creationTimestamp"), deleted=meta.get("deletionTimestamp"),
                    labels=meta.get("labels") or {}, owners=len(meta.get("ownerReferences", [])),
                    generation=meta.get("generation", 0))
    if value[:8] == b"k8s:enc:":
        return dict(encoding="encrypted:" + ":".join(value[8:200].decode("latin1").split(":")[:3]))
    return dict(encoding="opaque")


rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT name, id, value FROM kine WHERE id IN (SELECT MAX(id) FROM kine GROUP BY name) AND deleted = 0"
    " AND name != 'compact_rev_key' ORDER BY name")
for index, (key, revision, value) in enumerate(rows):
    if index % 5 == 0 or value[:1] == b"{":
        print(json.dumps(dict(key=key, revision=revision, size=len(value), **decode(value)), sort_keys=True))
