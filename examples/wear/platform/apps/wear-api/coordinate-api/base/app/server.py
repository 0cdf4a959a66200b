"""The coordinate API: answers with the outfits of a season, and says what it is made of.

Only the standard library, so that it runs wherever Python does. It listens on the Pod's own address where it has one.
"""

import hashlib
import json
import os
import pathlib
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SETTINGS = pathlib.Path(os.environ.get("SANDBOX_ROOT", "") + "/etc/coordinate/season.json")


def coordinates():
    """The outfits of the season in the mounted settings, read anew for each request: a change needs no restart."""
    season = json.loads(SETTINGS.read_text())
    return {"season": season["name"], "coordinates": season["coordinates"], "servedBy": os.environ.get("POD_NAME", "-")}


def health():
    """Healthy once the settings can be read and the session key is there; the key itself is never shown."""
    key = os.environ["SESSION_KEY"].encode()
    return {"status": "ok", "season": coordinates()["season"], "sessionKey": hashlib.sha256(key).hexdigest()[:8]}


ROUTES = {"/healthz": health, "/coordinates": coordinates, "/": coordinates}


class Handler(BaseHTTPRequestHandler):
    """One JSON answer a route."""

    def do_GET(self):
        route = ROUTES.get(self.path.partition("?")[0])
        try:
            status, body = (200, route()) if route else (404, {"error": "not found", "path": self.path})
        except (OSError, ValueError, KeyError) as error:
            status, body = 503, {"error": f"not ready: {error!r}"}
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        if self.path != "/healthz":
            print(f"{self.address_string()} {format % args}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    address = (os.environ.get("POD_IP") or "127.0.0.1", int(os.environ.get("SANDBOX_PORT_8080", "8080")))
    print(f"listening on {address[0]}:{address[1]}, log level {os.environ.get('LOG_LEVEL', 'info')}", flush=True)
    ThreadingHTTPServer(address, Handler).serve_forever()
