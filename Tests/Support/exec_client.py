"""An exec by PyPI's websocket-client: exec_client.py KUBECONFIG SUBPROTOCOL NAMESPACE POD CONTAINER INPUT_BYTES COMMAND...

Sends so many bytes of input (-1 for none), closes the input where the subprotocol can, and prints as JSON: the size and the
SHA-256 of the output, the errors, the status, and how the connection ended.
"""
import base64, hashlib, json, os, re, select, ssl, sys, tempfile, urllib.parse

import websocket


def main():
    kubeconfig, subprotocol, namespace, pod, container, size = sys.argv[1:7]
    text = open(kubeconfig).read()
    value = lambda name: re.search(name + r": (\S+)", text).group(1)
    paths = []
    for name in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(base64.b64decode(value(name)))
            paths.append(file.name)
    query = [("container", container), ("stdout", "true"), ("stderr", "true")]
    if int(size) >= 0:
        query.append(("stdin", "true"))
    query += [("command", word) for word in sys.argv[7:]]
    url = value("server").replace("https", "wss") + f"/api/v1/namespaces/{namespace}/pods/{pod}/exec?"
    try:
        connection = websocket.create_connection(
            url + urllib.parse.urlencode(query), subprotocols=[subprotocol], timeout=60,
            sslopt=dict(ca_certs=paths[0], certfile=paths[1], keyfile=paths[2], cert_reqs=ssl.CERT_REQUIRED))
    finally:
        for path in paths:
            os.unlink(path)

    # One thread does both: Python's TLS connections must not be read and written at once (before 3.13 they break).
    parts = input_frames(int(size), subprotocol)
    part = next(parts, None)
    digest, count, errors, status, end, why = hashlib.sha256(), 0, b"", None, "closed", None
    while True:
        socket = connection.sock
        readable, writable, _ = select.select([socket], [socket] if part else [], [], 0 if socket.pending() else 60)
        if part and writable:
            connection.send_binary(part)
            part = next(parts, None)
        if not readable and not socket.pending():
            if not writable:
                end, why = "broken", "silence"
                break
            continue
        try:
            opcode, data = connection.recv_data()
        except Exception as error:
            end, why = "broken", repr(error)
            break
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        if not data:
            end = "broken"
            break
        if data[0] == 1:
            digest.update(data[1:])
            count += len(data) - 1
        elif data[0] == 2:
            errors += data[1:]
        elif data[0] == 3:
            status = json.loads(data[1:])
    print(json.dumps(dict(
        bytes=count, sha256=digest.hexdigest(), errors=errors.decode(), status=status, end=end, why=why)))


def input_frames(size, subprotocol):
    """The input in frames that a writable socket has room for, and at last the one that closes it."""
    block = bytes(range(256)) * 64
    for left in range(size, 0, -len(block)):
        yield b"\0" + block[: min(left, len(block))]
    if size >= 0 and subprotocol.startswith("v5"):
        yield b"\xff\0"


main()
