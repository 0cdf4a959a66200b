"""Requests and limits of containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects.quantities import parse_quantity
from haori.schema.checks import words
from haori.schema.checks.common import Problems, part, said
from haori.schema.problems import invalid, required

_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage"})


def check_resources(resources: Mapping[str, Any], path: str) -> Problems:
    """Every amount by itself, and no request above its limit."""
    limits, requests = part(resources, "limits"), part(resources, "requests")
    for name, amount in limits.items():
        yield from _amount(name, amount, f"{path}.limits[{name}]")
    for name, amount in requests.items():
        yield from _amount(name, amount, f"{path}.requests[{name}]")
        limit = limits.get(name)
        if limit is not None:
            if _is_extended(name) and parse_quantity(amount) != parse_quantity(limit):
                yield invalid(f"{path}.requests", str(amount), f"must be equal to {name} limit of {limit}")
            elif parse_quantity(amount) > parse_quantity(limit):
                detail = f"must be less than or equal to {name} limit of {limit}"
                yield invalid(f"{path}.requests", str(amount), detail)
        elif _is_extended(name):
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")


def _is_extended(name: str) -> bool:
    """A device or the like, which cannot be promised twice."""
    return name.startswith("hugepages-") or ("/" in name and not name.startswith("requests."))


def _amount(name: str, amount: Any, path: str) -> Problems:
    complaints = words.qualified_name(name)
    yield from said(path, name, complaints)
    if "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
        if not complaints:
            yield invalid(path, name, "must be a standard resource type or fully qualified")
        yield invalid(path, name, "must be a standard resource for containers")
    value = parse_quantity(amount)
    if value < 0:
        yield invalid(path, str(amount), "must be greater than or equal to 0")
    if "/" in name and value % 1:
        yield invalid(path, str(amount), "must be an integer")
