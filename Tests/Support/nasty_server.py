#!/usr/bin/env python3
"""An HTTP server that answers as its path says, unpleasantly for the most part.

    nasty_server.py FOLDER [CERTIFICATE KEY]

Writes FOLDER/port once it listens, and one JSON object a request to FOLDER/requests.
"""
import http.server
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

folder = sys.argv[1]
lock = threading.Lock()
seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        record = {
            "method": self.command, "path": self.path, "body": body.decode("utf-8", "replace"),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        with lock:
            with open(os.path.join(folder, "requests"), "a") as log:
                log.write(json.dumps(record) + "\n")
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        words = url.path.strip("/").split("/")
        # A path may begin with a secret, so that tests can look for it.
        if words[0].startswith("secret"):
            words = words[1:] or ["ok"]
        self.close_connection = True
        getattr(self, "do_the_" + words[0].replace("-", "_"), self.do_the_ok)(words[1:], query, record)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_the_ok(self, words, query, record):
        self.reply(200, b"ok")

    def do_the_echo(self, words, query, record):
        self.reply(200, json.dumps(record).encode())

    def do_the_status(self, words, query, record):
        headers = [("Retry-After", query["retry-after"])] if "retry-after" in query else []
        self.reply(int(words[0]), b"as you wished", headers)

    def do_the_flaky(self, words, query, record):
        with lock:
            count = seen[self.path] = seen.get(self.path, 0) + 1
        if count <= int(words[0]):
            self.reply(503)
        else:
            self.reply(200, b"at last")

    def do_the_redirect(self, words, query, record):
        self.reply(302, b"", [("Location", "/ok")])

    def do_the_hang(self, words, query, record):
        time.sleep(3600)

    def do_the_stall(self, words, query, record):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"begun")
        self.wfile.flush()
        time.sleep(3600)

    def do_the_cut(self, words, query, record):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"begun")

    def do_the_huge(self, words, query, record):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def do_the_garbage(self, words, query, record):
        self.wfile.write(b"\x00\x01\x02 this is not HTTP\r\n\r\n")

    def do_the_nothing(self, words, query, record):
        pass

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(os.path.join(folder, "port.new"), "w") as port:
    port.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
threading.Thread(target=server.serve_forever, daemon=True).start()
# A test that crashes cannot stop us.
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.2)
