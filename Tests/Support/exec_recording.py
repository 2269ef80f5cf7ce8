"""Replays a recorded exec over TLS, byte for byte, and prints what comes back: exec_recording.py KUBECONFIG RECORDING.

Only Python's standard library: a client that shares nothing with the server's WebSocket.
"""
import base64, json, os, re, socket, ssl, struct, sys, tempfile


def credentials(kubeconfig):
    text = open(kubeconfig).read()
    value = lambda name: re.search(name + r": (\S+)", text).group(1)
    files = []
    for name in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
        file = tempfile.NamedTemporaryFile(delete=False)
        file.write(base64.b64decode(value(name)))
        file.close()
        files.append(file.name)
    host, port = value("server").removeprefix("https://").split(":")
    return host, int(port), files


def connect(kubeconfig):
    host, port, (authority, certificate, key) = credentials(kubeconfig)
    try:
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(certificate, key)
        return context.wrap_socket(socket.create_connection((host, port), timeout=60), server_hostname=host)
    finally:
        for path in (authority, certificate, key):
            os.unlink(path)


def send_frame(connection, payload, opcode=2):
    mask = os.urandom(4)
    length = len(payload)
    head = bytes([0x80 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", length)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", length)
    connection.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


def read_exactly(stream, count):
    data = stream.read(count)
    if data is None or len(data) < count:
        raise EOFError
    return data


def read_frames(stream):
    frames = []
    while True:
        first, second = read_exactly(stream, 2)
        length = second & 127
        if length == 126:
            length = struct.unpack(">H", read_exactly(stream, 2))[0]
        elif length == 127:
            length = struct.unpack(">Q", read_exactly(stream, 8))[0]
        payload = read_exactly(stream, length) if length else b""
        opcode = first & 15
        if opcode == 2:
            frames.append(dict(opcode=2, fin=bool(first & 128), channel=payload[0], payload=payload[1:].decode()))
        else:
            frames.append(dict(opcode=opcode, fin=bool(first & 128), channel=None, payload=payload.decode("latin-1")))
        if opcode == 8:
            return frames


def main():
    recording = json.load(open(sys.argv[2]))
    connection = connect(sys.argv[1])
    connection.sendall(recording["request"]["head"].encode())
    stream = connection.makefile("rb")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(stream, 1)
    if b" 101 " not in head:
        sys.exit(f"no WebSocket: {head.decode()}")
    if recording["request"]["stdin"]:
        send_frame(connection, b"\0" + recording["request"]["stdin"].encode())
    print(json.dumps(dict(head=head.decode().removesuffix("\r\n\r\n"), frames=read_frames(stream))))


if __name__ == "__main__":
    main()
