#!/usr/bin/env python3
"""A receiver of webhooks and pings.

    receiver.py LOG STATUS     serves on 127.0.0.1, writes its port to LOG.port and each request to LOG as a line of
                               JSON, says that it is ready, and answers with the number in the file STATUS (no file: 200; 0: closes without an answer)
"""
import http.server
import json
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with open(sys.argv[1], "a") as log:
            log.write(json.dumps({"path": self.path, "headers": dict(self.headers), "body": body}) + "\n")
        try:
            with open(sys.argv[2]) as file:
                status = int(file.read())
        except FileNotFoundError:
            status = 200
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(sys.argv[1] + ".port", "w") as file:
        file.write(str(server.server_address[1]))
    print("ready", flush=True)
    server.serve_forever()
