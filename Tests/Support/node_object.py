"""Node objects as a Kubernetes API server stores them.

node_object.py value NAME VERSION [ROLE]         the bytes, on standard output
node_object.py insert DATABASE KEY VALUE-FILE    a new row in a kine database that nothing has open
"""

import sqlite3
import sys


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(name, version, role):
    metadata = field(1, name) + field(5, "6f0c1b1e-0000-4000-8000-000000000001")
    for label in ["kubernetes.io/hostname"] + ([role] if role else []):
        metadata += field(11, field(1, label) + field(2, "true" if label == role else name))
    info = field(1, "machine") + field(4, "6.1.0") + field(6, "containerd://1.4.4-k3s2") + field(7, version)
    status = field(3, "") + field(7, info + field(8, version)) + field(8, field(1, "image"))
    content = field(1, metadata) + field(2, field(1, "10.42.0.0/24")) + field(3, status)
    return b"k8s\0" + field(1, field(1, "v1") + field(2, "Node")) + field(2, content) + field(3, "") + field(4, "")


if sys.argv[1] == "value":
    sys.stdout.buffer.write(node(sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else ""))
else:
    with open(sys.argv[4], "rb") as file:
        value = file.read()
    with sqlite3.connect(sys.argv[2]) as database:
        database.execute(
            "INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value)"
            " VALUES(?, 1, 0, 0, 0, 0, ?)", (sys.argv[3], value))
