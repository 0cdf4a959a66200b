"""How long a step may take to become healthy, where somebody said so: our own addition to Argo CD's waves.

The annotation `sync.haori.dev/timeout` on an object or a hook holds for it; on the Application it is the default of all
its objects. A duration such as `90s` or `10m`; `0` means none. The time runs from the beginning of the step's wave,
which the operation's state carries, so that an engine that starts again counts on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from haori.delivery.plan.types import Action, Step
from haori.errors import HaoriError
from haori.objects import Manifest, ResourceKey, annotations_of
from haori.objects.quantities import format_duration, parse_duration
from haori.resources import haori
from haori.resources.argo import SyncPhase
from haori.words import Language, Sentence

WaveKey = tuple[SyncPhase, int]
Began = Mapping[WaveKey, datetime]
"""When each wave with a time-out began."""

_NOT_SAID = -1.0


def timeout_of(manifest: Manifest, default: float | None = None) -> float | None:
    """Seconds that a step on this object may take, None without a limit; what cannot be read counts as not said."""
    seconds = _read(manifest)
    if seconds is None or seconds == _NOT_SAID:
        return default
    return seconds or None


def unreadable_timeouts(
    itself: ResourceKey, application: Manifest, targets: Iterable[tuple[ResourceKey, Manifest]]
) -> list[Sentence]:
    """One sentence for each annotation that is no time-out, the application's own first."""
    found = []
    for key, manifest in ((itself, application), *targets):
        if _read(manifest) is None:
            value = str(annotations_of(manifest).get(haori.STEP_TIMEOUT))[:64]
            found.append(Sentence(code="step-timeout-unreadable", parameters={"object": str(key), "value": value}))
    return found


def deadline_of(step: Step, began: Began) -> datetime | None:
    """When a step has taken too long, None where it may take as long as it wants."""
    start = began.get((step.phase, step.wave))
    if step.timeout_seconds is None or start is None:
        return None
    return start + timedelta(seconds=step.timeout_seconds)


def timed_out(step: Step, reason: str) -> str:
    """What the row of a step says that took too long: which object, how long, what it was waiting for."""
    code = (
        "hook-timed-out" if step.hook_type else "prune-timed-out" if step.action is Action.PRUNE else "step-timed-out"
    )
    seconds = step.timeout_seconds or 0.0
    parameters = {"object": str(step.key), "timeout": format_duration(seconds), "reason": reason}
    return Sentence(code=code, parameters=parameters).text(Language.ENGLISH)


def _read(manifest: Manifest) -> float | None:
    """Seconds; `_NOT_SAID` without the annotation, None for what is no duration, or a negative one."""
    text = annotations_of(manifest).get(haori.STEP_TIMEOUT)
    if text is None:
        return _NOT_SAID
    try:
        seconds = parse_duration(str(text).strip())
    except HaoriError:
        return None
    return seconds if seconds >= 0 else None
