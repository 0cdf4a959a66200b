"""A queue over HTTP: POST /put, POST /take?wait=SECONDS, POST /done?id=ID, GET /healthz.

A taken message that is not done within the visibility time-out is given out again, as SQS does. What was put survives a
restart: each message is a file.
"""

import json
import os
import pathlib
import signal
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FOLDER = pathlib.Path(os.environ.get("SANDBOX_ROOT", "") + "/data/messages")
VISIBILITY_SECONDS = float(os.environ.get("VISIBILITY_SECONDS", "60"))
LARGEST_MESSAGE = 256 * 1024
changed = threading.Condition()
taken = {}


def put(body):
    identifier = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    temporary = FOLDER / f".{identifier}"
    temporary.write_text(json.dumps(json.loads(body)))
    temporary.rename(FOLDER / identifier)
    with changed:
        changed.notify()
    return identifier


def take(wait_seconds):
    deadline = time.monotonic() + wait_seconds
    with changed:
        while True:
            now = time.monotonic()
            for path in sorted(FOLDER.glob("[0-9]*")):
                if taken.get(path.name, 0) <= now:
                    taken[path.name] = now + VISIBILITY_SECONDS
                    return {"id": path.name, **json.loads(path.read_text())}
            if now >= deadline:
                return None
            changed.wait(min(deadline - now, 5))


def done(identifier):
    path = FOLDER / pathlib.Path(identifier).name
    path.unlink(missing_ok=True)
    taken.pop(path.name, None)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"messages": len(list(FOLDER.glob("[0-9]*")))})

    def do_POST(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        size = int(self.headers.get("Content-Length") or 0)
        if size > LARGEST_MESSAGE:
            return self.answer(413, {"error": f"a message has at most {LARGEST_MESSAGE} bytes"})
        body = self.rfile.read(size)
        try:
            if url.path == "/put":
                return self.answer(201, {"id": put(body)})
            if url.path == "/take":
                message = take(min(float(query.get("wait", "0")), 60))
                return self.answer(200, message) if message else self.answer(204, None)
            if url.path == "/done":
                done(query["id"])
                return self.answer(200, {})
        except (ValueError, KeyError, TypeError) as error:
            return self.answer(400, {"error": repr(error)})
        return self.answer(404, {"error": "not found"})

    def answer(self, status, value):
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = os.environ["PORT"]
    address = (os.environ.get("POD_IP") or "127.0.0.1", int(os.environ.get(f"SANDBOX_PORT_{port}", port)))
    print(f"listening on {address[0]}:{address[1]}", flush=True)
    ThreadingHTTPServer(address, Handler).serve_forever()
