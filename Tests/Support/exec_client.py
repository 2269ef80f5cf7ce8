"""An exec by PyPI's websocket-client: exec_client.py KUBECONFIG SUBPROTOCOL NAMESPACE POD CONTAINER INPUT_BYTES COMMAND...

Sends so many bytes of input (-1 for none), closes the input where the subprotocol can, and prints as JSON: the size and the
SHA-256 of the output, the errors, the status, and how the connection ended.
"""
import base64, hashlib, json, os, re, ssl, sys, tempfile, threading, urllib.parse

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

    def feed():
        left, digest = int(size), hashlib.sha256()
        block = bytes(range(256)) * 64
        while left > 0:
            part = block[: min(left, len(block))]
            connection.send_binary(b"\0" + part)
            left -= len(part)
        if int(size) >= 0 and subprotocol.startswith("v5"):
            connection.send_binary(b"\xff\0")

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    digest, count, errors, status, end = hashlib.sha256(), 0, b"", None, "closed"
    while True:
        try:
            opcode, data = connection.recv_data()
        except Exception as error:
            end = "broken"
            break
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            end = "closed"
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
    print(json.dumps(dict(bytes=count, sha256=digest.hexdigest(), errors=errors.decode(), status=status, end=end)))


main()
