"""The schedule of a CronJob, read as the controller's parser does, with its complaints.

see: robfig/cron v3 `parser.go`, ParseStandard.
"""

from __future__ import annotations

import re

from haori.objects import QuantityError
from haori.objects.quantities import parse_duration

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (0, 6, _DAYS),
)  # fmt: skip
_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY = "@every "


class _BadFieldError(Exception):
    """Says what is wrong with a field; caught in this module."""


def schedule_complaints(schedule: str) -> list[str]:
    """What is wrong with the schedule: nothing, or one thing."""
    if "TZ" in schedule:
        return ["cannot use TZ or CRON_TZ in schedule, use timeZone field instead"]
    if schedule.startswith("@"):
        return _macro(schedule)
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return [f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"]
    try:
        for text, (lowest, highest, names) in zip(fields, _FIELDS, strict=True):
            for expression in text.split(","):
                if expression:
                    _check_range(expression, lowest, highest, names)
    except _BadFieldError as error:
        return [str(error)]
    return []


def time_zone_complaint(zone: str) -> str:
    """What is wrong with the name of a time zone; empty where nothing is."""
    if not zone:
        return "timeZone must be nil or non-empty string"
    if zone.lower() == "local":
        return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # Slow to load, and few objects name a time zone.

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {zone}"
    return ""


def _macro(schedule: str) -> list[str]:
    if schedule in _MACROS:
        return []
    if schedule.startswith(_EVERY):
        text = schedule.removeprefix(_EVERY)
        try:
            parse_duration(text)
        except QuantityError:
            return [f'failed to parse duration {schedule}: time: invalid duration "{text}"']
        return []
    return [f"unrecognized descriptor: {schedule}"]


def _check_range(expression: str, lowest: int, highest: int, names: dict[str, int]) -> None:
    span, *steps = expression.split("/")
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        start, end = lowest, highest
    else:
        start = _number(ends[0], names)
        end = _number(ends[1], names) if len(ends) == 2 else start
        if len(ends) > 2:
            raise _BadFieldError(f"too many hyphens: {expression}")
    if len(steps) > 1:
        raise _BadFieldError(f"too many slashes: {expression}")
    step = _number(steps[0], {}) if steps else 1
    if steps and len(ends) == 1:
        end = highest
    if start < lowest:
        raise _BadFieldError(f"beginning of range ({start}) below minimum ({lowest}): {expression}")
    if end > highest:
        raise _BadFieldError(f"end of range ({end}) above maximum ({highest}): {expression}")
    if start > end:
        raise _BadFieldError(f"beginning of range ({start}) beyond end of range ({end}): {expression}")
    if step == 0:
        raise _BadFieldError(f"step of range should be a positive number: {expression}")


def _number(text: str, names: dict[str, int]) -> int:
    known = names.get(text.lower())
    if known is not None:
        return known
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise _BadFieldError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise _BadFieldError(f"negative number ({number}) not allowed: {text}")
    return number
