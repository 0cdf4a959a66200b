"""Who changed what, as an event of the store (`trail` brings it there).

Details are what was asked for, and so may hold whatever somebody typed: before they are kept, values under names that
speak of secrets, the data of Secrets, and passwords inside URLs are masked, and what is long or deep is cut.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from haori.access.identity import Identity
from haori.objects.masking import is_secret, mask_manifest
from haori.store import Event, Stream

MASK = "++++++++"
LONGEST = 500
"""Characters kept of one text."""
MOST = 50
"""Entries kept of one mapping or list."""
DEEPEST = 6

_SECRET_NAME = re.compile(
    r"pass|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key|access[-_]?key|ssh|tlsclientcert|bearer",
    re.IGNORECASE,
)
_URL_USER = re.compile(r"([a-z][a-z0-9+.-]*://)[^/?#\s]*@", re.IGNORECASE)
_URL_SECRET = re.compile(r"([?&][^=&\s]*(?:pass|secret|token|key|sig)[^=&\s]*=)[^&#\s]*", re.IGNORECASE)


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    """Not allowed; nothing was changed."""
    FAILED = "failed"


def describe_change(
    at: datetime,
    identity: Identity,
    action: str,
    object: str,
    outcome: Outcome,
    details: Mapping[str, Any] | None = None,
    *,
    project: str = "",
    rule: str = "",
    request_id: str = "",
) -> Event:
    """The event: `identity` did `action` (`applications/sync`) to `object` (`Kind namespace/name`), allowed or not by `rule`."""
    return Event(
        stream=Stream.AUDIT,
        at=at,
        code=f"audit-{outcome}",
        who=_cut(identity.subject),
        project=_cut(project),
        object=_cut(object),
        outcome=outcome,
        parameters={
            "who": _cut(identity.subject),
            "issuer": _cut(identity.issuer),
            "token": _cut(identity.token_id),
            "action": _cut(action),
            "object": _cut(object),
            "rule": _cut(rule),
            "request": request_id,
            "details": mask_details(details or {}),
        },
    )


def mask_details(value: Any, depth: int = 0) -> Any:
    """A copy that may be kept and shown."""
    match value:
        case Mapping():
            if depth >= DEEPEST:
                return "…"
            shown = mask_manifest(dict(value)) if is_secret(value) else value
            return {
                _cut(str(name)): MASK if _hides(str(name), inner) else mask_details(inner, depth + 1)
                for name, inner in list(shown.items())[:MOST]
            }
        case str():
            return _cut(_URL_SECRET.sub(rf"\1{MASK}", _URL_USER.sub(rf"\1{MASK}@", value)))
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float():
            return value
        case Sequence() if not isinstance(value, (bytes, bytearray)):
            return "…" if depth >= DEEPEST else [mask_details(inner, depth + 1) for inner in value[:MOST]]
        case _:
            return f"({type(value).__name__})"


def _hides(name: str, value: Any) -> bool:
    """Whether the value under this name is a secret; a switch or a number is none."""
    return not isinstance(value, (bool, int, float, type(None))) and _SECRET_NAME.search(name) is not None


def _cut(text: str) -> str:
    # PostgreSQL keeps neither NUL nor half a pair of surrogates.
    text = text.replace("\x00", "\ufffd").encode(errors="replace").decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
