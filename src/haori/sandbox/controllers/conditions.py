"""Conditions as the controllers of Kubernetes keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from haori.objects.times import format_time

Condition = dict[str, Any]


def condition(type_: str, status: str, reason: str, message: str, now: datetime, *, updated: bool = False) -> Condition:
    """A condition that began now; `updated` gives it a `lastUpdateTime` too, as Deployments' have."""
    made = {"type": type_, "status": status, "lastTransitionTime": format_time(now)}
    if updated:
        made["lastUpdateTime"] = format_time(now)
    return made | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def find_condition(conditions: Sequence[Mapping[str, Any]], type_: str) -> Mapping[str, Any] | None:
    """The condition of a type."""
    return next((each for each in conditions if each["type"] == type_), None)


def without_condition(conditions: Sequence[Mapping[str, Any]], type_: str) -> list[Condition]:
    """The other conditions."""
    return [dict(each) for each in conditions if each["type"] != type_]


def with_condition(
    conditions: Sequence[Mapping[str, Any]], wanted: Condition, *, refresh: bool = True
) -> list[Condition]:
    """The conditions with `wanted` at the end, or as they are where it says nothing new.

    A condition of the same status and reason is kept as it is (unless `refresh` and its message differs); one of the same
    status keeps its transition time.
    """
    current = find_condition(conditions, wanted["type"])
    if current is not None and current["status"] == wanted["status"]:
        if current.get("reason") == wanted.get("reason") and (
            not refresh or current.get("message") == wanted.get("message")
        ):
            return [dict(each) for each in conditions]
        wanted = {**wanted, "lastTransitionTime": current.get("lastTransitionTime", wanted["lastTransitionTime"])}
    return [*without_condition(conditions, wanted["type"]), wanted]


def set_condition(conditions: Sequence[Mapping[str, Any]], wanted: Condition) -> list[Condition]:
    """As `with_condition` with refresh, but in the place where a condition of that type stands already."""
    current = find_condition(conditions, wanted["type"])
    if current is None:
        return [*map(dict, conditions), wanted]
    if current["status"] == wanted["status"]:
        wanted = {**wanted, "lastTransitionTime": current.get("lastTransitionTime", wanted["lastTransitionTime"])}
    return [wanted if each["type"] == wanted["type"] else dict(each) for each in conditions]
