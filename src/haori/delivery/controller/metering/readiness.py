"""Whether an engine is ready, and what it waits for where it is not. One that stands by for the Lease is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that has to be so."""

    name: str
    is_well: bool
    note: str = ""
    """How it stands, for people."""


def check_readiness(
    *, has_cluster: bool, is_synced: bool, term: int | None, holder: str, is_observing: bool = False
) -> list[Check]:
    """The checks of an engine; `term` is that of the Lease it holds, `holder` who else holds it."""
    lease = f"leading, term {term}" if term is not None else f"standing by for {holder}" if holder else "not asked yet"
    return [
        Check(name="cluster", is_well=has_cluster, note="" if has_cluster else "the API server has not answered yet"),
        Check(name="caches", is_well=is_synced, note="" if is_synced else "not every type was listed yet"),
        Check(name="lease", is_well=True, note="observing, none is wanted")
        if is_observing
        else Check(name="lease", is_well=term is not None or bool(holder), note=lease),
    ]


def format_checks(endpoint: str, checks: Sequence[Check]) -> str:
    """One line a check, as Kubernetes writes them."""
    lines = [
        f"[{'+' if each.is_well else '-'}]{each.name} {'ok' if each.is_well else 'failed'}"
        + (f": {each.note}" if each.note else "")
        for each in checks
    ]
    passed = all(each.is_well for each in checks)
    return "\n".join([*lines, f"{endpoint} check {'passed' if passed else 'failed'}", ""])
