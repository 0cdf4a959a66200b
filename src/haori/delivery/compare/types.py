"""What a comparison is told and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from haori.delivery.model import IgnoreRule
from haori.objects import ResourceKey
from haori.objects.masking import SecretHasher
from haori.resources import haori
from haori.resources.argo import SyncStatus
from haori.schema.types import TypeSchema

Path = tuple[str, ...]
TypeOf = Callable[[str, str], TypeSchema | None]
"""The type of an apiVersion and kind, None where it is not known."""


def no_type(api_version: str, kind: str) -> None:
    """Nothing is known of any type: values and lists are judged by the names of fields."""


class Strategy(StrEnum):
    """How two manifests are compared."""

    OWNERSHIP = "ownership"
    WANTED_FIELDS = "wanted-fields"
    THREE_WAY = "three-way"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """What holds for all objects of an application."""

    manager: str = haori.FIELD_MANAGER
    strategy: Strategy | None = None
    """None: ownership where we own fields, else three-way where last-applied is known, else wanted fields."""
    ignore_rules: tuple[IgnoreRule, ...] = ()
    ignore_status: bool = True
    hasher: SecretHasher | None = None
    """Needed where live Secrets are trimmed."""
    type_of: TypeOf = no_type
    """How the API reads an object: other spellings of a value, defaults, which lists and maps are one value as a whole."""
    validates: bool = True
    """False where the application says `Validate=false`: then fields that no type knows do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field: `None` stands for absent; masked values are runs of plus signs."""

    path: str
    desired: Any
    live: Any
    manager: str = ""
    """Who owns the live field, where known and not us."""
    time: str = ""
    """When that manager last wrote the object, as the API tells it; empty where it does not."""
    is_masked: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `app diff -o json` prints it."""
        return {
            "path": self.path,
            "desired": self.desired,
            "live": self.live,
            "manager": self.manager,
            "time": self.time,
            "masked": self.is_masked,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One object. Missing: no live; extraneous: no desired."""

    key: ResourceKey
    strategy: Strategy
    differences: tuple[Difference, ...] = ()
    is_missing: bool = False
    is_extra: bool = False
    needs_dry_run: bool = False
    """Whether the difference may be one of defaulting or of versions only, which one dry run would settle."""
    counts: bool = field(default=True)
    """Whether it weighs on the application's status (hooks, Skip, IgnoreExtraneous do not)."""

    @property
    def is_synced(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.differences or self.is_missing or self.is_extra)

    @property
    def status(self) -> SyncStatus:
        """Synced or OutOfSync."""
        return SyncStatus.SYNCED if self.is_synced else SyncStatus.OUT_OF_SYNC


def sync_status(comparisons: Iterable[Comparison] | None, *, namespace_differs: bool = False) -> SyncStatus:
    """The application's: Unknown where nothing could be compared (None), OutOfSync if anything counted is."""
    if comparisons is None:
        return SyncStatus.UNKNOWN
    differs = namespace_differs or any(item.counts and not item.is_synced for item in comparisons)
    return SyncStatus.OUT_OF_SYNC if differs else SyncStatus.SYNCED
