"""Pins: which revisions count, setting one, ending one.

A pin is the annotation `haori.dev/pin` of an Application, set and removed by a patch of that annotation alone, so that a
parent application, which owns the fields it applies and no others, never heals it away. Pure: gives patches, sends none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.delivery.model import Application, HistoryEntry, Pin, format_pin
from haori.delivery.model.pin import PinState
from haori.errors import UserError
from haori.objects.times import format_time
from haori.resources import haori
from haori.resources.argo import HookType
from haori.words import Sentence


class PinError(UserError):
    """`history-entry-missing` (application, id, known): nothing to go back to."""


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
    revision = ",".join(pin.revisions)
    if state is PinState.OVERDUE and pin.until is not None:
        parameters = {"revision": revision, "owner": pin.owner, "until": format_time(pin.until)}
        return Wanted(revisions=pin.revisions, pin=pin, sentence=Sentence(code="pin-overdue", parameters=parameters))
    parameters = {"revision": revision, "owner": pin.owner, "reason": pin.reason}
    return Wanted(revisions=pin.revisions, pin=pin, sentence=Sentence(code="pin-holds", parameters=parameters))


def choose_entry(application: Application, entry_id: int | None) -> HistoryEntry:
    """The history entry to pin: the one asked for, else the last one whose revisions are not those deployed last.

    Raises PinError where there is none.
    """
    history = application.history
    if entry_id is not None:
        found = [entry for entry in history if entry.id == entry_id]
    else:
        found = [entry for entry in history if entry.revisions != history[-1].revisions][-1:]
    if not found:
        known = [entry.id for entry in history]
        raise PinError("history-entry-missing", application=application.name, id=entry_id or 0, known=known)
    return found[0]


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
