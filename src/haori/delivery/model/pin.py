"""A pin: a rollback without a commit, held by the annotation `haori.dev/pin` of an Application.

A JSON mapping: `id` (of the history entry), `revision` (or `revisions`), `owner`, `reason`, `since`, `until` (RFC 3339,
absent: no end). At `until` a pin ends only if what Git wants has changed since it was set (`wanted` holds what Git
wanted then); otherwise the fault it protects from would come back, so it stays and warns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from haori.delivery.model.problems import Problem
from haori.objects.times import format_time, parse_time
from haori.resources import haori
from haori.words import Sentence


class PinState(StrEnum):
    """What a pin does at one moment."""

    ACTIVE = "active"
    OVERDUE = "overdue"
    """Past `until`, but Git still wants what was fled from: it holds, and warns."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Stay at `revisions`, whatever Git's branch says."""

    id: int
    revisions: tuple[str, ...]
    owner: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    wanted: tuple[str, ...] = ()
    """The revisions Git wanted when the pin was set; empty where unknown."""

    def state(self, now: datetime, wanted: Sequence[str]) -> PinState:
        """What it does at `now`, where Git wants the revisions `wanted`."""
        if self.until is None or now < self.until:
            return PinState.ACTIVE
        has_changed = bool(self.wanted) and tuple(wanted) != self.wanted
        return PinState.ENDED if has_changed else PinState.OVERDUE

    def is_holding(self, now: datetime, wanted: Sequence[str]) -> bool:
        """Whether the application stays at the pinned revisions."""
        return self.state(now, wanted) is not PinState.ENDED


def parse_pin(text: str) -> tuple[Pin | None, Problem | None]:
    """The pin of an annotation's text, or what is wrong with it (then nothing is synced until it is mended)."""
    try:
        raw = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return None, _problem("not JSON")
    if not isinstance(raw, dict):
        return None, _problem("not a JSON object")
    many = raw.get("revisions")
    revisions = tuple(many) if isinstance(many, list) else (raw.get("revision"),)
    if not revisions or not all(isinstance(revision, str) and revision for revision in revisions):
        return None, _problem("no revision")
    for field in ("since", "until"):
        if raw.get(field) and parse_time(raw[field]) is None:
            return None, _problem(f"{field} is not a time")
    wanted = raw.get("wanted")
    return Pin(
        id=raw["id"] if isinstance(raw.get("id"), int) else 0,
        revisions=revisions,
        owner=str(raw.get("owner") or ""),
        reason=str(raw.get("reason") or ""),
        since=parse_time(raw.get("since")),
        until=parse_time(raw.get("until")),
        wanted=tuple(str(item) for item in wanted) if isinstance(wanted, list) else (),
    ), None


def format_pin(pin: Pin) -> str:
    """The annotation's text."""
    fields = {
        "id": pin.id,
        "revision": pin.revisions[0] if len(pin.revisions) == 1 else None,
        "revisions": list(pin.revisions) if len(pin.revisions) > 1 else None,
        "owner": pin.owner,
        "reason": pin.reason,
        "since": format_time(pin.since) if pin.since else None,
        "until": format_time(pin.until) if pin.until else None,
        "wanted": list(pin.wanted),
    }
    return orjson.dumps({key: value for key, value in fields.items() if value not in (None, "", [])}).decode()


def _problem(problem: str) -> Problem:
    path = f"metadata.annotations[{haori.PIN}]"
    return Problem(path=path, sentence=Sentence(code="pin-invalid", parameters={"path": path, "problem": problem}))
