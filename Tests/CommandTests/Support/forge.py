#!/usr/bin/env python3
"""Archives that no daytwo would write, each of them whole in everything but one thing.

    forge.py DIRECTORY           writes them there
    forge.py --repack TREE FILE  makes an archive of an extracted one, whatever was changed in it since

Shares no code with daytwo: tar headers by hand, frames by zstd, the seek table from its published format.
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

TOP = "blue_20261122T110000Z_1f2e3d4c"


def header(path, kind=b"0", size=0, link="", mode=0o600):
    name = path.encode()
    block = struct.pack(
        "100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x", name, b"%07o\0" % mode, b"%07o\0" % 0, b"%07o\0" % 0,
        b"%011o\0" % size, b"%011o\0" % 1_700_000_000, b" " * 8, kind, link.encode(), b"ustar\x0000", b"", b"",
        b"%07o\0" % 0, b"%07o\0" % 0, b"")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def entry(path, content=b"", **options):
    options.setdefault("size", len(content))
    return header(path, **options) + content + bytes(-len(content) % 512)


def frame(content):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "tar")
        with open(path, "wb") as file:
            file.write(content)
        subprocess.run(["zstd", "-q", "-3", "--check", path, "-o", path + ".zst"], check=True)
        with open(path + ".zst", "rb") as file:
            return file.read()


def assembled(frames, sizes):
    """The frames, the digest frame and the seek table."""
    body = b"".join(frames)
    listed = b"".join(struct.pack("<III", len(f), size, struct.unpack("<I", f[-4:])[0]) for f, size in zip(frames, sizes))
    listed += struct.pack("<III", 40, 0, 0x51D8E999)
    digest = struct.pack("<II", 0x184D2A5D, 32) + hashlib.sha256(body).digest()
    table = struct.pack("<II", 0x184D2A5E, len(listed) + 9) + listed
    return body + digest + table + struct.pack("<IBI", len(frames) + 1, 0x80, 0x8F92EAB1)


def record(path, kind="file", content=b"", link=None, size=None):
    result = {"path": path, "kind": kind}
    if link is not None:
        result["link"] = link
    result.update(size=len(content) if size is None else size, mode="0600", uid=0, gid=0, mtime=1_700_000_000,
                  mtimeNanoseconds=0)
    if kind == "file":
        result["sha256"] = hashlib.sha256(content).hexdigest()
    return {**result, "frame": 0}


def archive(listed=(), raw=b"", backup=None, checksums=True, content_size=None, version=1):
    backup = backup or b'{"formatVersion":%d,"id":"1f2e3d4c00000000000000000000000a"}\n' % version
    entries = [record("backup.json", content=backup), *listed]
    inventory = json.dumps({"formatVersion": 1, "entries": entries}).encode()
    sums = [("backup.json", hashlib.sha256(backup).hexdigest()), ("inventory.json", hashlib.sha256(inventory).hexdigest())]
    sums += [(one["path"], one["sha256"]) for one in entries[1:] if "sha256" in one]
    stream = entry(TOP, kind=b"5", mode=0o700) + entry(f"{TOP}/backup.json", backup)
    stream += entry(f"{TOP}/inventory.json", inventory) + raw
    if checksums:
        stream += entry(f"{TOP}/SHA256SUMS", "".join(f"{digest}  {path}\n" for path, digest in sums).encode())
    stream += bytes(1024)
    return assembled([frame(stream)], [content_size or len(stream)])


def forged():
    escape = b"escaped\n"
    yield "sound", archive([record("a", content=escape)], entry(f"{TOP}/a", escape))
    yield "newer", archive(version=7)
    yield "parent", archive([record("../a", content=escape)], entry(f"{TOP}/../a", escape))
    yield "absolute", archive([record("/tmp/daytwo-escaped", content=escape)], entry("/tmp/daytwo-escaped", escape))
    yield "outside", archive([record("a", content=escape)], entry("other/a", escape))
    yield "duplicate", archive([record("a", content=escape)] * 2, entry(f"{TOP}/a", escape) * 2)
    yield "link", archive(
        [record("a", "symlink", link="../../etc/passwd")], entry(f"{TOP}/a", kind=b"2", link="../../etc/passwd"))
    yield "link-parent", archive(
        [record("a", "symlink", link="b"), record("a/c", content=escape)],
        entry(f"{TOP}/a", kind=b"2", link="b") + entry(f"{TOP}/a/c", escape))
    yield "hard-link", archive([record("a")], entry(f"{TOP}/a", kind=b"1", link=f"{TOP}/backup.json"))
    yield "device", archive([record("a")], entry(f"{TOP}/a", kind=b"3"))
    yield "fifo", archive([record("a")], entry(f"{TOP}/a", kind=b"6"))
    yield "enormous", archive([record("a", size=1 << 32)], header(f"{TOP}/a", size=1 << 32))
    yield "enormous-frame", archive(content_size=0xFFFF_FFFF)
    yield "unlisted", archive(raw=entry(f"{TOP}/a", escape))
    yield "other-bytes", archive([record("a", content=b"ESCAPED\n")], entry(f"{TOP}/a", escape))
    yield "no-checksums", archive(checksums=False)
    yield "no-json", archive(backup=b"not JSON\n")


def repacked(tree):
    """All digests are right again, so that only what the digests do not say can be wrong."""
    def read(path):
        with open(os.path.join(tree, path), "rb") as file:
            return file.read()

    top = os.path.basename(tree)
    inventory = json.loads(read("inventory.json"))
    stream, sums = b"", []
    kinds = {"file": b"0", "directory": b"5", "symlink": b"2"}
    for one in inventory["entries"]:
        content = read(one["path"]) if one["kind"] == "file" else b""
        one.update(size=len(content), frame=0, mtime=1_700_000_000, mtimeNanoseconds=0, uid=0, gid=0)
        if one["kind"] == "file":
            one["sha256"] = hashlib.sha256(content).hexdigest()
            sums.append((one["path"], one["sha256"]))
        stream += entry(f"{top}/{one['path']}", content, kind=kinds[one["kind"]], link=one.get("link", ""),
                        mode=int(one["mode"], 8))
        if one["path"] == "backup.json":
            stream += b"INVENTORY"
    text = json.dumps(inventory).encode()
    sums.insert(1, ("inventory.json", hashlib.sha256(text).hexdigest()))
    stream = stream.replace(b"INVENTORY", entry(f"{top}/inventory.json", text), 1)
    stream = entry(top, kind=b"5", mode=0o700) + stream
    stream += entry(f"{top}/SHA256SUMS", "".join(f"{digest}  {path}\n" for path, digest in sums).encode())
    stream += bytes(1024)
    return assembled([frame(stream)], [len(stream)])


if __name__ == "__main__":
    if sys.argv[1] == "--repack":
        with open(sys.argv[3], "wb") as file:
            file.write(repacked(sys.argv[2]))
        sys.exit()
    for name, content in forged():
        with open(os.path.join(sys.argv[1], name + ".tar.zst"), "wb") as file:
            file.write(content)
