#!/usr/bin/env python3
"""Live keys of an etcd snapshot as KEY REVISION SIZE, read without daytwo. usage: etcd-keys.py SNAPSHOT > NAME.keys"""
import struct, sys

data = open(sys.argv[1], "rb").read()
metas = [struct.unpack_from("<IIIIQQQQQ", data, at + 16) for at in (0, 4096)]
size, root = max((m[8], m[2], m[4]) for m in metas)[1:]


def leaves(page, base=None):
    at = page * size if base is None else base
    flags, count = struct.unpack_from("<HH", data, at + 8)
    for i in range(count):
        e = at + 16 + 16 * i
        if flags & 2:
            kind, pos, klen, vlen = struct.unpack_from("<IIII", data, e)
            yield data[e + pos:e + pos + klen], data[e + pos + klen:e + pos + klen + vlen]
        else:
            yield from leaves(struct.unpack_from("<IIQ", data, e)[2])


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
        else: n = varint(); yield tag >> 3, b[i:i + n]; i += n


live = {}
bucket = dict(leaves(root))[b"key"]
for revision, entry in leaves(struct.unpack_from("<Q", bucket)[0]):
    f = dict(fields(entry))
    live.pop(f[1], None)
    if not revision.endswith(b"t") or len(revision) == 17:
        live[f[1]] = (f[3], len(f.get(5, b"")))
for key in sorted(live):
    print(key.decode(), *live[key])
