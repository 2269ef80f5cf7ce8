#!/usr/bin/env python3
"""A Kubernetes API made of recordings and scripts, which answers one request after the other as told.

    kube_server.py FOLDER RECORDINGS [CERTIFICATE KEY AUTHORITY]

Writes FOLDER/port once it listens (and FOLDER/proxy-port for an HTTP proxy), one JSON object a request to
FOLDER/requests, and what else it notices to FOLDER/notes.

The first part of a path says what is answered:
    /NAME/...            as FOLDER/script-NAME.json has it, its steps in turn and the last one for ever, or, where there
                         is no such file, as the recording NAME has it, once the request is as the recorded one
    /NAME,dribble/...    one byte at a time;  /NAME,cut=N/... only the first N bytes
With a certificate it speaks TLS, and wants a client certificate of AUTHORITY where one is given.
"""
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

folder, recordings = sys.argv[1:3]
lock = threading.Lock()
turns = {}
context = None
# Query parameters that a client may choose by itself.
FREE = {"limit", "continue", "watch", "timeoutSeconds", "allowWatchBookmarks", "resourceVersion", "limitBytes", "force"}


def write(name, record):
    with lock, open(os.path.join(folder, name), "a") as log:
        log.write(json.dumps(record) + "\n")


def note(text):
    write("notes", text)


class Wire:
    """What is sent, with what is done to it."""

    def __init__(self, connection, options):
        self.connection = connection
        self.left = int(options["cut"]) if "cut" in options else None
        self.dribble = "dribble" in options

    def send(self, data):
        if self.left is not None:
            data = data[:self.left]
            self.left -= len(data)
        if self.dribble:
            for byte in data:
                self.connection.sendall(bytes([byte]))
        else:
            self.connection.sendall(data)
        if self.left == 0:
            raise EOFError


def status(code, reason, message):
    return json.dumps({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code})


def head(code, headers):
    return ("HTTP/1.1 %d X\r\n" % code + "".join("%s: %s\r\n" % pair for pair in headers) + "\r\n").encode()


def frame(opcode, payload, fin=True):
    count = len(payload)
    first = bytes([(0x80 if fin else 0) | opcode])
    if count < 126:
        return first + bytes([count]) + payload
    if count < 65536:
        return first + b"\x7e" + struct.pack(">H", count) + payload
    return first + b"\x7f" + struct.pack(">Q", count) + payload


def recorded_frames(recording):
    result = b""
    for part in recording["response"]["frames"]:
        payload = part["payload"].encode("latin-1")
        if part["channel"] is not None:
            payload = bytes([part["channel"]]) + payload
        result += frame(part["opcode"], payload, part["fin"])
    return result


class Request:
    def __init__(self, reader):
        line = reader.readline(65536).decode("latin-1").rstrip("\r\n")
        if not line:
            raise EOFError
        self.method, self.target, _ = line.split(" ")
        self.headers = {}
        self.pairs = []
        while True:
            field = reader.readline(65536).decode("latin-1").rstrip("\r\n")
            if not field:
                break
            name, value = field.split(":", 1)
            self.headers[name.lower()] = value.strip()
            self.pairs.append([name.lower(), value.strip()])
        self.body = reader.read(int(self.headers.get("content-length", "0")))
        self.first, _, rest = self.target[1:].partition("/")
        self.path = "/" + rest
        self.name, *options = self.first.split(",")
        self.options = dict(option.partition("=")[::2] for option in options)


def difference(request, method, path, content_type, body):
    """Why a request is not the recorded one; None when it is."""
    if request.method != method:
        return "the method is %s and not %s" % (request.method, method)
    sent, told = urllib.parse.urlsplit(request.path), urllib.parse.urlsplit(path)
    if sent.path != told.path:
        return "the path is %s and not %s" % (sent.path, told.path)
    sent, told = (urllib.parse.parse_qsl(x.query, keep_blank_values=True) for x in (sent, told))
    missing = [pair for pair in told if pair not in sent and pair[0] not in FREE]
    extra = [pair for pair in sent if pair not in told and pair[0] not in FREE]
    if missing or extra:
        return "the query misses %s and has %s" % (missing, extra)
    if body is not None:
        if json.loads(request.body) != body:
            return "the body is another"
        if request.headers.get("content-type") != content_type:
            return "the content type is %s and not %s" % (request.headers.get("content-type"), content_type)
    return None


def reply(wire, code, content_type, body, headers=()):
    body = body.encode() if isinstance(body, str) else body
    wire.send(head(code, [("Content-Type", content_type), ("Content-Length", len(body))] + list(headers)) + body)


def stream(wire, lines, end=True, whole=True):
    wire.send(head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))
    for index, line in enumerate(lines):
        data = line.encode() + (b"\n" if whole or index + 1 < len(lines) else b"")
        wire.send(b"%x\r\n" % len(data) + data + b"\r\n")
    if end:
        wire.send(b"0\r\n\r\n")


def replay(request, wire, reader):
    with open(os.path.join(recordings, request.name + ".json")) as file:
        recording = json.load(file)
    told, answer = recording["request"], recording["response"]
    if "head" in told:
        method, path, _ = told["head"].split("\r\n")[0].split(" ")
        wrong = difference(request, method, path, None, None)
        chosen = answer["head"].rsplit(": ", 1)[1]
        if wrong is None:
            switch(request, wire, chosen)
            if told["stdin"] is not None:
                got = b""
                while len(got) < len(told["stdin"]):
                    opcode, payload = read_frame(reader)
                    if opcode == 2 and payload[:1] == b"\0":
                        got += payload[1:]
                if got != told["stdin"].encode():
                    note("the input is another")
            wire.send(recorded_frames(recording))
            raise EOFError
    else:
        wrong = difference(request, told["method"], told["path"], told.get("contentType"), told.get("body"))
    if wrong is not None:
        return reply(wire, 418, "application/json", status(418, "NotAsRecorded", wrong))
    content_type = answer.get("contentType", "application/json")
    if isinstance(answer["body"], list):
        return stream(wire, [json.dumps(event) for event in answer["body"]])
    body = answer["body"]
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query).get("continue")
    if asked is not None:
        if asked != [body["metadata"]["continue"]]:
            return reply(wire, 418, "application/json", status(418, "NotAsRecorded", "it continues something else"))
        body = dict(body, items=[], metadata={"resourceVersion": body["metadata"]["resourceVersion"]})
    body = body if isinstance(body, str) else json.dumps(body)
    reply(wire, answer["status"], content_type, body)


def switch(request, wire, chosen, accept=None):
    key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = accept or base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    wire.send(head(101, [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept),
        ("Sec-WebSocket-Protocol", chosen)]))


def read_frame(reader):
    first, second = exactly(reader, 2)
    count = second & 0x7F
    if count == 126:
        count, = struct.unpack(">H", exactly(reader, 2))
    elif count == 127:
        count, = struct.unpack(">Q", exactly(reader, 8))
    if not second & 0x80 or not first & 0x80:
        note("a frame of the client is not masked, or in parts")
    mask = exactly(reader, 4)
    data = exactly(reader, count)
    key = int.from_bytes((mask * (count // 4 + 1))[:count], "big")
    return first & 0x0F, (int.from_bytes(data, "big") ^ key).to_bytes(count, "big")


def exactly(reader, count):
    data = reader.read(count)
    if len(data) < count:
        raise EOFError
    return data


SUCCESS = frame(2, b"\x03" + b'{"metadata":{},"status":"Success"}')
CLOSE = frame(8, b"\x03\xe8")


def exec_echo(step, request, wire, reader, connection):
    """Gives back what it gets, and ends with the input."""
    while True:
        opcode, payload = read_frame(reader)
        if opcode == 9:
            wire.send(frame(10, payload))
        elif payload[:1] == b"\xff":
            note("input closed")
            wire.send(SUCCESS + CLOSE)
            return
        elif opcode == 2:
            wire.send(frame(2, b"\x01" + payload[1:]))


def exec_flood(step, request, wire, reader, connection):
    """Writes much, and notes when nobody takes it."""
    block = frame(2, b"\x01" + b"x" * 65535)
    connection.settimeout(0.5)
    blocked = False
    for _ in range(step["blocks"]):
        rest = memoryview(block)
        while rest:
            try:
                rest = rest[connection.send(rest):]
            except (TimeoutError, socket.timeout):
                if not blocked:
                    note("blocked")
                    blocked = True
    wire.send(SUCCESS + CLOSE)


def exec_ping(step, request, wire, reader, connection):
    """Wants its pings answered."""
    for payload in (b"", b"are you there", b"z" * 125):
        wire.send(frame(9, payload))
        opcode, answer = read_frame(reader)
        note("pong" if (opcode, answer) == (10, payload) else "no pong")
    wire.send(SUCCESS + CLOSE)


def exec_count_pings(step, request, wire, reader, connection):
    """Is silent, answers pings, and ends after some of them."""
    for _ in range(step["pings"]):
        opcode, payload = read_frame(reader)
        note("ping" if opcode == 9 else "no ping")
        wire.send(frame(10, payload))
    wire.send(SUCCESS + CLOSE)


def exec_deaf(step, request, wire, reader, connection):
    """Takes some input, ends, and takes no more."""
    read_frame(reader)
    wire.send(frame(2, b"\x01" + b"enough") + SUCCESS + CLOSE)
    note("ended")
    time.sleep(3600)


def exec_vanish(step, request, wire, reader, connection):
    """Takes some input, ends, and is gone with what comes unread."""
    read_frame(reader)
    wire.send(frame(2, b"\x01" + b"enough") + SUCCESS)
    connection.shutdown(socket.SHUT_RDWR)
    reader.close()
    connection.close()
    note("gone")
    raise EOFError


def exec_silent(step, request, wire, reader, connection):
    time.sleep(3600)


def play(request, wire, reader, connection, script):
    with lock:
        turn = turns.get(request.name, 0)
        turns[request.name] = turn + 1
    step = script[min(turn, len(script) - 1)]
    if "hang" in step:
        time.sleep(3600)
    if "raw" in step:
        wire.send(base64.b64decode(step["raw"]))
        raise EOFError
    if "exec" in step or "frames" in step:
        switch(request, wire, step.get("protocol", "v5.channel.k8s.io"), step.get("accept"))
        if "frames" in step:
            wire.send(base64.b64decode(step["frames"]))
            if step.get("stays"):
                time.sleep(3600)
        else:
            globals()["exec_" + step["exec"]](step, request, wire, reader, connection)
        # What the client still sends must not turn our end into a reset.
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(5)
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass
        raise EOFError
    if "lines" in step:
        stream(wire, step["lines"], end="stall" not in step and "broken" not in step, whole="broken" not in step)
        if "stall" in step:
            time.sleep(3600)
        if "broken" in step:
            raise EOFError
        return
    if "endless" in step:
        wire.send(head(200, [("Content-Type", "text/plain")]))
        while True:
            connection.sendall(step["endless"].encode() * 1000)
    if step.get("drop"):
        raise EOFError
    body = step.get("body", "")
    body = body if isinstance(body, str) else json.dumps(body)
    reply(wire, step.get("status", 200), step.get("type", "application/json"), body.replace(
        "@AUTHORIZATION@", request.headers.get("authorization", "")), step.get("headers", {}).items())


def serve(connection):
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = [None]
        peer = None
        if context:
            connection = context.wrap_socket(connection, server_side=True)
            name[0] = getattr(connection, "asked_name", None)
            peer = connection.getpeercert()
        reader = connection.makefile("rb")
        number = time.monotonic_ns()
        while True:
            request = Request(reader)
            write("requests", {
                "method": request.method, "name": request.name, "path": request.path, "headers": request.headers,
                "pairs": request.pairs, "body": request.body.decode("utf-8", "replace"), "connection": number,
                "sni": name[0],
                "client": dict(pair[0] for pair in peer["subject"])["commonName"] if peer else None})
            wire = Wire(connection, request.options)
            script = os.path.join(folder, "script-%s.json" % request.name)
            if os.path.exists(script):
                with open(script) as file:
                    steps = json.load(file)
                play(request, wire, reader, connection, steps)
            else:
                replay(request, wire, reader)
    except (EOFError, OSError, ValueError) as error:
        if isinstance(error, ssl.SSLError):
            note("TLS: %s" % error.reason)
    finally:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()


def proxy(client):
    try:
        reader = client.makefile("rb", buffering=0)
        line = b""
        while not line.endswith(b"\r\n\r\n"):
            byte = reader.read(1)
            if not byte:
                return
            line += byte
        words = line.decode("latin-1").split(" ")
        write("proxied", {"method": words[0], "target": words[1], "head": line.decode("latin-1")})
        if words[0] != "CONNECT":
            return
        server = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        def copy(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        other = threading.Thread(target=copy, args=(server, client), daemon=True)
        other.start()
        copy(client, server)
        other.join()
    finally:
        client.close()


def listen(handler):
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=handler, args=(connection,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    if len(sys.argv) > 5:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(sys.argv[5])

    def remember(connection, name, _):
        connection.asked_name = name
    context.sni_callback = remember
port = listen(serve)
for name, value in (("proxy-port", listen(proxy)), ("port", port)):
    with open(os.path.join(folder, name + ".new"), "w") as file:
        file.write(str(value))
    os.rename(os.path.join(folder, name + ".new"), os.path.join(folder, name))
# A test that crashes cannot stop us.
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.2)
