"""Outlives the node for a moment: when the node is gone, ends every process it had started. Run as a script.

`python -I -S guard.py MARK GROUP...`: standard input is a pipe that the node holds open. Its end means that the node has ended,
however that was; processes whose environment carries MARK are killed then. Containers' own processes end with the node
already (the parent-death signal); this reaches what those had started, and takes away the folders of control groups.
"""

from __future__ import annotations

import os
import signal
import sys
import time

ROUNDS = 10


def find(mark: bytes) -> list[int]:
    """The processes that carry the mark (one whole `NAME=value`) in their environment; zombies have none."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            continue
    return found


def kill_all(mark: bytes) -> bool:
    """Ends all that carry the mark; whether none is left."""
    found = find(mark)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return not found


def remove_groups(folder: str) -> None:
    """Removes the empty control groups in a folder, and it; what is in use stays to the next node's start."""
    try:
        inner = [entry.path for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return
    for path in (*inner, folder):
        try:
            os.rmdir(path)
        except OSError:
            continue


def main() -> None:
    """Waits for the end of the node."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    for _ in range(ROUNDS):
        if kill_all(sys.argv[1].encode()):
            break
        time.sleep(0.1)
    for folder in sys.argv[2:]:
        remove_groups(folder)


if __name__ == "__main__":
    main()
