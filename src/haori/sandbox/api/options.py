"""What callers may ask along with a request, and what they get back: values shared by the layer and the HTTP app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from haori.cluster import EventType, Propagation
from haori.sandbox.api.store import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks. Members of `system:masters` may do everything."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_master(self) -> bool:
        """Whether nothing is asked of RBAC."""
        return MASTERS in self.groups


MASTERS = "system:masters"
SYSTEM = User(name="system:apiserver", groups=(MASTERS, "system:authenticated"))
"""The API itself, and its controllers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What is asked to be done; empty parts are not part of it."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    """Of a list or watch."""

    @property
    def full_resource(self) -> str:
        """`pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class FieldValidation(StrEnum):
    """What happens to fields that the type does not know."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


class VersionMatch(StrEnum):
    """How a list takes its resourceVersion."""

    ANY = ""
    EXACT = "Exact"
    NOT_OLDER = "NotOlderThan"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How an object is written."""

    field_manager: str = ""
    """Who owns what is written; empty is the user agent's or `unknown`."""
    dry_run: bool = False
    field_validation: FieldValidation = FieldValidation.WARN
    force: bool = False
    """Server-side apply only: takes fields over from other managers."""
    duplicates: tuple[str, ...] = ()
    """Paths of what the body has twice."""
    user: User = SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """How an object is deleted."""

    propagation: Propagation | None = None
    grace_seconds: int | None = None
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Which objects are listed; selectors as texts."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    version_match: VersionMatch = VersionMatch.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """Which changes are watched, and from where."""

    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    bookmarks: bool = False
    initial_events: bool | None = None
    """`sendInitialEvents`; None where it was not given."""
    timeout_seconds: float | None = None
    """After this long the watch ends; None is the server's own bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Objects of one type as they were at `resource_version`."""

    items: list[Stored]
    resource_version: str
    continue_: str = ""
    remaining: int | None = None
    """How many more there are, where that is known (no selector)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The object after a write."""

    stored: Stored
    is_created: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """The object that was deleted, or still is there, terminating (`is_gone` false)."""

    stored: Stored
    is_gone: bool


@dataclass(frozen=True, slots=True)
class WatchItem:
    """One event: `body` is the object's JSON, shared by all who watch."""

    type: EventType
    body: bytes
