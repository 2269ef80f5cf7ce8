#!/usr/bin/env python3
"""An agent that was written after the protocol's page and shares no code with daytwo: agent_peer.py MODE

It greets, takes a request with data, answers with the data doubled, and ends as MODE says."""
import hashlib
import json
import os
import signal
import struct
import sys
import time

WINDOW = 4 << 20
room = WINDOW
taken = 0


def read(count):
    result = b""
    while len(result) < count:
        piece = os.read(0, count - len(result))
        if not piece:
            sys.exit("the caller is gone")
        result += piece
    return result


def write(data):
    while data:
        data = data[os.write(1, data):]


def send(kind, payload):
    global room
    if kind in (1, 2, 3, 4):
        while room < len(payload) + 512:
            take(block=False)
        room -= len(payload) + 512
    four = bytes([kind]) + struct.pack(">I", len(payload))[1:]
    frame = four + bytes(byte ^ 255 for byte in four) + payload
    write(frame + (hashlib.sha256(frame).digest()[:8] if kind in (1, 3, 4, 5) else b""))


def frame():
    four, inverted = read(4), read(4)
    assert all(a ^ b == 255 for a, b in zip(four, inverted)), "the head disagrees"
    kind, length = four[0], int.from_bytes(four[1:], "big")
    payload = read(length)
    if kind in (1, 3, 4, 5):
        assert read(8) == hashlib.sha256(four + inverted + payload).digest()[:8], "the checksum is another"
    return kind, payload


def take(block=True):
    """The next frame that is no credit, pulse or farewell; without block, None after any other."""
    global room, taken
    while True:
        kind, payload = frame()
        if kind == 5:
            room += int.from_bytes(payload, "big")
        elif kind in (1, 2, 3, 4):
            assert block, "something came while room was waited for"
            taken += len(payload) + 512
            if taken >= WINDOW // 4:
                send(5, struct.pack(">I", taken))
                taken = 0
            return kind, payload
        if not block:
            return None


def message(type, **members):
    send(1, json.dumps({"type": type, **members}).encode())


def main(mode):
    if mode == "shell":
        write(b"sh: 1: daytwo: not found\n")
        sys.exit(127)
    if mode == "none":
        sys.exit(0)
    write(b"daytwo agent protocol 2\n")
    assert read(24) == b"daytwo agent protocol 2\n"
    kind, payload = take()
    request = json.loads(payload)
    assert kind == 1 and request["type"] == "request"
    data = b""
    while True:
        kind, payload = take()
        if kind == 3:
            break
        assert kind == 2
        data += payload
    told = struct.pack(">Q", len(data)) + hashlib.sha256(data).digest()
    assert payload == told, "the data is other data"
    send(4, told)
    message("step", text="doubling")
    answer = data * 2
    for start in range(0, len(answer), 256 << 10):
        if mode == "killed" and start > len(answer) // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "silent" and start > len(answer) // 2:
            time.sleep(600)
        if mode == "failing" and start > len(answer) // 2:
            failure = {"code": "locked", "what": "a restore works on it", "next": "wait", "why": "since noon"}
            message("failure", failure=failure)
            sys.exit(1)
        send(2, answer[start:start + (256 << 10)])
    if mode == "cut":
        # A success without an end mark.
        sys.exit(0)
    digest = hashlib.sha256(answer + (b"!" if mode == "liar" else b"")).digest()
    send(3, struct.pack(">Q", len(answer)) + digest)
    message("result", value={"operation": request["operation"]})
    kind, payload = take()
    sys.exit(0 if kind == 4 and payload == struct.pack(">Q", len(answer)) + digest else 3)


main(sys.argv[1])
