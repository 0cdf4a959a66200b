"""What a Pod's annotations ask of its simulated containers.

All stand on the Pod (so on the Pod template) under `sandbox.haori.dev/`; `.<container>` after a name means that
container alone, without it all of the Pod's main containers:

    simulate: crash-loop            starts, ends with exit code 1 after a second, again and again
    simulate: never-ready           runs, and its readiness probe fails for ever
    simulate: never-starts          stays in ContainerCreating
    simulate: oom                   as crash-loop, killed for its memory (OOMKilled, exit code 137)
    simulate: exit                  ends by itself after `exit-after` with `exit-code`
    slow-start: 10s                 becomes ready that long after its start
    exit-code: "3"                  what it ends with; implies `simulate: exit`
    exit-after: 5s                  how long it runs before; implies `simulate: exit`
    log: text                       what its log says, instead of the sentence that it is simulated

And, for real processes (the node has to allow them):

    command.<container>: '["python3", "/app/server.py"]'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haori.errors import HaoriError
from haori.objects import annotations_of
from haori.objects.quantities import parse_duration

PREFIX = "sandbox.haori.dev/"
CRASH_SECONDS = 1.0
MODES = frozenset({"crash-loop", "never-ready", "never-starts", "oom", "exit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one simulated container behaves."""

    starts: bool = True
    becomes_ready: bool = True
    ready_after_seconds: float = 0.0
    exit_after_seconds: float | None = None
    """None: runs until it is stopped."""
    exit_code: int = 0
    out_of_memory: bool = False
    log: str = ""


def behaviour_of(
    pod: Mapping[str, Any], container: str, *, ends: bool, job_seconds: float, main: bool = True
) -> Behaviour:
    """What `container` shall do; `ends` says that by its place (init container, Pod of a Job) it ends by itself;
    what is no `main` container minds only annotations that name it.
    """

    def asked(name: str) -> str:
        annotations = annotations_of(pod)
        specific = annotations.get(f"{PREFIX}{name}.{container}")
        general = annotations.get(PREFIX + name, "") if main else ""
        return str(general if specific is None else specific)

    mode = asked("simulate")
    exit_after = _seconds(asked("exit-after"))
    code = asked("exit-code")
    exit_code = int(code) if code.isdigit() else 0
    if mode in ("crash-loop", "oom"):
        exit_after = CRASH_SECONDS if exit_after is None else exit_after
        exit_code = 137 if mode == "oom" else exit_code or 1
    elif exit_after is None and (ends or mode == "exit" or code):
        exit_after = job_seconds
    return Behaviour(
        starts=mode != "never-starts",
        becomes_ready=mode != "never-ready",
        ready_after_seconds=_seconds(asked("slow-start")) or 0.0,
        exit_after_seconds=exit_after,
        exit_code=exit_code,
        out_of_memory=mode == "oom",
        log=asked("log"),
    )


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        return max(0.0, float(text) if text.replace(".", "", 1).isdigit() else parse_duration(text))
    except HaoriError:
        return None


def command_of(pod: Mapping[str, Any], container: str) -> list[str] | None:
    """The real command of a container, None where none is given; ValueError where it is no JSON list of texts."""
    text = annotations_of(pod).get(f"{PREFIX}command.{container}")
    if text is None:
        return None
    command = json.loads(text)
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise ValueError("not a JSON list of texts")
    return command
