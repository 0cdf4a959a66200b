"""Takes messages from the queue and says whom it would tell.

One request waits on the server, so an empty queue is quiet.
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request


def queue_url():
    """The queue Service as Kubernetes announces it to every container of its namespace."""
    return f"http://{os.environ['QUEUE_SERVICE_HOST']}:{os.environ['QUEUE_SERVICE_PORT']}/take"


def take(wait_seconds):
    """The next message, or None when none came within `wait_seconds`."""
    request = urllib.request.Request(f"{queue_url()}?wait={wait_seconds}", method="POST")
    with urllib.request.urlopen(request, timeout=wait_seconds + 10) as answer:
        return json.load(answer) if answer.status == 200 else None


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    wait = int(os.environ.get("WAIT_SECONDS", "20"))
    print("waiting for messages", flush=True)
    while True:
        try:
            message = take(wait)
        except (OSError, ValueError, urllib.error.URLError) as error:
            print(f"the queue does not answer: {error!r}; trying again in 5 s", flush=True)
            time.sleep(5)
            continue
        if message is not None:
            print(f"telling {message.get('device', 'nobody')}: {message.get('title', '')}", flush=True)
