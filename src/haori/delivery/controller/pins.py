"""Pins: which revisions count, setting one, ending one.

A pin is the annotation `haori.dev/pin` of an Application, set and removed by a patch of that annotation alone, so that a
parent application, which owns the fields it applies and no others, never heals it away. Pure: gives patches, sends none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from haori.delivery.model import Application, HistoryEntry, Pin, format_pin
from haori.delivery.model.pin import PinState
from haori.errors import UserError
from haori.objects.quantities import parse_duration
from haori.objects.times import format_time
from haori.resources import haori
from haori.resources.argo import HookType, OperationPhase
from haori.words import Sentence


class PinError(UserError):
    """`history-entry-missing` (application, id, known): nothing to go back to; `pin-over-at-once` (duration)."""


SHORT = 7
"""Characters of a commit that people read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which revisions an application is held at, and what a person should know of its pin."""

    revisions: tuple[str, ...]
    pin: Pin | None = None
    sentence: Sentence | None = None
    ends_pin: bool = False


def decide_revisions(pin: Pin | None, git: Sequence[str], now: datetime) -> Wanted:
    """The pinned revisions while the pin holds, else those Git wants; `ends_pin` asks to remove the annotation."""
    if pin is None:
        return Wanted(revisions=tuple(git))
    state = pin.state(now, git)
    if state is PinState.ENDED:
        return Wanted(revisions=tuple(git), ends_pin=True)
    revision = ",".join(item[:SHORT] for item in pin.revisions)
    parameters = {"revision": revision, "owner": pin.owner}
    if state is PinState.OVERDUE and pin.until is not None:
        sentence = Sentence(code="pin-overdue", parameters={**parameters, "until": format_time(pin.until)})
    elif pin.reason:
        sentence = Sentence(code="pin-holds", parameters={**parameters, "reason": pin.reason})
    else:
        sentence = Sentence(code="pin-holds-plain", parameters=parameters)
    return Wanted(revisions=pin.revisions, pin=pin, sentence=sentence)


def choose_entry(application: Application, entry_id: int | None) -> HistoryEntry:
    """The history entry to pin: the one asked for, else the last release before what is being left.

    What is left is the release deployed last, or, where the last sync has not succeeded (it is stuck in a hook, or
    failed), that try: then the release deployed last is the one to go back to. Raises PinError where there is none.
    """
    history = application.history
    if entry_id is not None:
        found = [entry for entry in history if entry.id == entry_id]
    else:
        left = _left_revisions(application)
        found = [entry for entry in history if entry.revisions not in left][-1:]
    if not found:
        known = [entry.id for entry in history]
        raise PinError("history-entry-missing", application=application.name, id=entry_id or 0, known=known)
    return found[0]


def _left_revisions(application: Application) -> set[tuple[str, ...]]:
    """The revisions that going back leads away from."""
    state, history = application.operation_state, application.history
    left = set()
    if application.pin is not None and application.pin.wanted:
        left.add(application.pin.wanted)  # Going back further must not go forward to what was fled from.
    if state is not None and state.phase is not OperationPhase.SUCCEEDED and state.revisions:
        return {*left, state.revisions}
    return {*left, history[-1].revisions} if history else left


def parse_lasting(text: str) -> timedelta:
    """How long a pin is to last, as `30m` or `2h`. Raises QuantityError, and PinError for what would be over at once."""
    seconds = parse_duration(text)
    if seconds <= 0:
        raise PinError("pin-over-at-once", duration=text)
    return timedelta(seconds=seconds)


def build_pin_patch(
    application: Application,
    entry: HistoryEntry,
    *,
    owner: str,
    reason: str,
    now: datetime,
    until: datetime | None = None,
) -> dict[str, Any]:
    """The merge patch that pins to `entry`; it carries the resourceVersion, so a change in between is a conflict.

    What Git wants now is kept in the pin: at `until` the pin ends only once that is no longer so.
    """
    pin = Pin(
        id=entry.id,
        revisions=entry.revisions,
        owner=owner,
        reason=reason,
        since=now,
        until=until,
        wanted=application.pin.wanted if application.pin is not None else application.revisions,
    )
    return _patch(application, format_pin(pin))


def build_resume_patch(application: Application) -> dict[str, Any]:
    """The merge patch that ends a pin."""
    return _patch(application, None)


def hooks_of_last_release(application: Application) -> tuple[str, ...]:
    """The hooks (migrations, mostly) that the release being left has run and that a pin does not undo: `Kind ns/name`."""
    state = application.operation_state
    if state is None:
        return ()
    ran = [row for row in state.resources if row.hook_type not in (None, HookType.SKIP) and row.hook_phase is not None]
    return tuple(dict.fromkeys(str(row.key) for row in ran))


def _patch(application: Application, text: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"annotations": {haori.PIN: text}}
    if version := (application.manifest.get("metadata") or {}).get("resourceVersion"):
        metadata["resourceVersion"] = version
    return {"metadata": metadata}
