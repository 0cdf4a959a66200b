"""An engine as a process of its own, and what it and its children used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
START_SECONDS = 120.0
SAMPLE_SECONDS = 0.05
READ_VERBS = frozenset({"list", "watch", "discover", "replace"})
"""Of these the engine needs some however many applications there are (a replace renews its Lease): not counted for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Counters of an engine so far."""

    cpu_seconds: float
    requests: dict[str, int]
    renders: int
    looks: int

    def since(self, before: Used) -> Used:
        """What came after `before`."""
        verbs = {verb: count - before.requests.get(verb, 0) for verb, count in self.requests.items()}
        return Used(
            cpu_seconds=self.cpu_seconds - before.cpu_seconds,
            requests={verb: count for verb, count in sorted(verbs.items()) if count},
            renders=self.renders - before.renders,
            looks=self.looks - before.looks,
        )

    @property
    def per_object_requests(self) -> int:
        """Requests but lists, watches and discovery."""
        return sum(count for verb, count in self.requests.items() if verb not in READ_VERBS)


class Engine:
    """A running engine; `peak_mib` is the most that it and its children held together (RSS)."""

    def __init__(self, process: subprocess.Popen[bytes], data_dir: Path) -> None:
        self._process, self._data_dir = process, data_dir
        self.peak_mib = 0.0
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def used(self) -> Used:
        """The counters now."""
        statistics = self._statistics()
        verbs = statistics["cluster"]["verbs"]
        return Used(
            cpu_seconds=_cpu(self._process.pid),
            requests={verb: int(count["count"]) for verb, count in verbs.items()},
            renders=int(statistics["render"]["renders"]),
            looks=int(statistics["looks"]["looks"]),
        )

    def _statistics(self) -> dict[str, Any]:
        told = json.loads((self._data_dir / "engine" / "listener.json").read_text())
        request = urllib.request.Request(f"{told['url']}/internal/v1/statistics")
        request.add_header("Authorization", f"Bearer {told['token']}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self.peak_mib = max(self.peak_mib, _family_mib(self._process.pid))

    def end(self) -> None:
        """Asks it to stop and waits."""
        self._stop.set()
        self._sampler.join()
        self._process.terminate()
        self._process.wait(timeout=60)


@contextmanager
def running(kubeconfig: Path, data_dir: Path, arguments: list[str]) -> Iterator[Engine]:
    """An engine that leads, stopped at the end; its log is `engine.log` beside `data_dir`."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    log_file = data_dir.parent / "engine.log"
    command = [
        sys.executable, "-m", "haori", "engine", "--kubeconfig", str(kubeconfig), "--data-dir", str(data_dir),
        "--allow-file-repositories", "--poll-seconds", "0", *arguments,
    ]  # fmt: skip
    environment = {**os.environ, "HAORI_LANG": "en"}
    # Straight into the file, as a supervisor has it: a reader between would take the machine's time and hold the engine up.
    with log_file.open("w") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)
    engine = Engine(process, data_dir)
    try:
        _wait_ready(process, log_file)
        yield engine
    finally:
        engine.end()


def _wait_ready(process: subprocess.Popen[bytes], log_file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "\nThe engine works" not in f"\n{log_file.read_text()}":
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the engine is not ready within {START_SECONDS:g} s:\n{log_file.read_text()[-2000:]}")
        time.sleep(SAMPLE_SECONDS)


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        try:
            for path in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, path.read_text().split())
        except OSError:
            continue  # It ended meanwhile.
    return found


def _cpu(pid: int) -> float:
    """Processor seconds of a process with all its children, those that ended among them."""
    ticks = 0
    for each in _family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def _family_mib(pid: int) -> float:
    """Resident memory of a process and all its children, but those that were forked and are not yet what they become: for
    that moment they are the same pages."""
    own = _command(pid)
    return sum(_rss_mib(each) for each in _family(pid) if each == pid or _command(each) != own)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _rss_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except (OSError, IndexError):
        return 0.0
