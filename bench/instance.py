"""`haori up` on an idle machine: time to all Synced and Healthy, memory and processor at rest, push to Healthy.

Memory is the proportional set size (PSS) of the supervisor and its processes with their children, the processes of
Pods left out. IDLE_SECONDS (120 unless the environment variable HAORI_BENCH_IDLE says otherwise) pass before memory is
read, and the processor time of those seconds is the use at rest.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure

IDLE_SECONDS = float(os.environ.get("HAORI_BENCH_IDLE", "120"))
WAIT_SECONDS = 120.0
TICKS = os.sysconf("SC_CLK_TCK")
OVERLAY = "apps/wear-api/coordinate-api/overlays/production/kustomization.yaml"
APPLICATION = "coordinate-api"


def run() -> list[Figure]:
    """Starts, measures and forgets an instance in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="haori-bench-") as folder,
        instance(Path(folder) / "data") as (status, first),
    ):
        figures = [Figure(name="up to all Synced and Healthy", value=first, unit="s"), *_at_rest(status)]
        return [*figures, *_pushes(status, Path(folder))]


@contextmanager
def instance(data_dir: Path) -> Iterator[tuple[dict[str, Any], float]]:
    """What `up -o json` printed of a new instance, and how many seconds it took; stopped at the end."""
    started = time.perf_counter()
    try:
        printed = haori("up", "--detach", "--no-open", "--data-dir", str(data_dir), "-o", "json")
        yield json.loads(printed), time.perf_counter() - started
    finally:
        haori("down", "--data-dir", str(data_dir))


def haori(*arguments: str) -> str:
    """The standard output of a command that must succeed."""
    command = [sys.executable, "-m", "haori", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"haori {arguments[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _at_rest(status: dict[str, Any]) -> list[Figure]:
    named = {process["name"]: int(process["pid"]) for process in status["processes"]}
    named["supervisor"] = int(status["supervisor"])
    before = {name: _seconds_used(pids) for name, pids in _groups(named).items()}
    time.sleep(IDLE_SECONDS)
    groups = _groups(named)
    used = {name: 100 * (_seconds_used(pids) - before.get(name, 0.0)) / IDLE_SECONDS for name, pids in groups.items()}
    memory = {name: sum(map(_pss_mib, pids)) for name, pids in groups.items()}
    figures = [Figure(name=f"PSS {name}", value=value, unit="MiB") for name, value in memory.items()]
    figures += [Figure(name=f"processor {name}", value=value, unit="% of a core") for name, value in used.items()]
    figures.append(Figure(name="PSS at rest", value=sum(memory.values()), unit="MiB"))
    figures.append(Figure(name="processor at rest", value=sum(used.values()), unit="% of a core"))
    return figures


def _groups(named: dict[str, int]) -> dict[str, list[int]]:
    """The pids of each process with its children; those of the node are Pods' and left out."""
    alive = {name: pid for name, pid in named.items() if Path(f"/proc/{pid}").exists()}
    groups = {name: [pid] for name, pid in alive.items()}
    for name in alive.keys() - {"supervisor", "sandbox-node"}:
        groups[name] += _children(alive[name])
    return groups


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *_children(child)]
    return found


def _seconds_used(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def _pss_mib(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _pushes(status: dict[str, Any], folder: Path) -> list[Figure]:
    clone = folder / "clone"
    _git(folder, "clone", "-q", status["repository"], str(clone))
    bad = _push_tag(status, clone, "9.9.9", until=lambda row: bool(row["why"]) and "9.9.9" in json.dumps(row["why"]))
    _git(clone, "revert", "--no-edit", "HEAD")
    back = _push(status, clone, until=_as_wanted)
    good = _push_tag(status, clone, "1.9.1", until=_as_wanted)
    return [
        Figure(name="push of an unknown image to the sentence", value=bad, unit="s"),
        Figure(name="push of its revert to Synced and Healthy", value=back, unit="s"),
        Figure(name="push of a new image to Synced and Healthy", value=good, unit="s"),
    ]


def _as_wanted(row: dict[str, Any]) -> bool:
    return bool(row["sync"] == "Synced" and row["health"] == "Healthy")


def _push_tag(status: dict[str, Any], clone: Path, tag: str, *, until: Any) -> float:
    path = clone / OVERLAY
    path.write_text(re.sub(r"(newTag: ).*", rf'\g<1>"{tag}"', path.read_text()))
    _git(clone, "commit", "-qam", f"coordinate-api: Run {tag}")
    return _push(status, clone, until=until)


def _push(status: dict[str, Any], clone: Path, *, until: Any) -> float:
    """Seconds from the push to the moment the application is at its commit and `until` holds."""
    _git(clone, "push", "-q")
    revision = _git(clone, "rev-parse", "HEAD").strip()
    started = time.perf_counter()
    row: dict[str, Any] = {}
    while time.perf_counter() - started < WAIT_SECONDS:
        row = _row(status["dataDir"])
        if row.get("revision") == revision and until(row):
            return time.perf_counter() - started
        time.sleep(0.05)
    raise SystemExit(f"{APPLICATION} is not as awaited {WAIT_SECONDS} s after the push: {row}")


def _row(data_dir: str) -> dict[str, Any]:
    """The application's row in `status -o json`, which ends with 1 while not all is as wanted."""
    command = [sys.executable, "-m", "haori", "status", "--data-dir", data_dir, "-o", "json"]
    printed = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return next(row for row in json.loads(printed)["applications"] or () if row["name"] == APPLICATION)


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Bench", "-c", "user.email=bench@wear.example"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout
