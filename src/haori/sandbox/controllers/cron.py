"""Cron schedules as Kubernetes takes them: five fields, names, ranges, steps, lists, and `@daily` and its kin.

Pure. see: robfig/cron v3 `ParseStandard`, which CronJobs are parsed with. `@every` is taken too. A time that the clocks skip
does not come; one that comes twice counts once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from haori.objects.errors import QuantityError
from haori.objects.quantities import parse_duration

_MACROS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: number for number, name in enumerate(_DAY_NAMES)}
_BOUNDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_PART = re.compile(r"([^/]+)(?:/([0-9]{1,4}))?\Z")
FARTHEST_DAYS = 366 * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When to run. `any_day` and `any_weekday`: the field began with a star, and so leaves the choice to the other."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    every_seconds: float = 0.0

    def next_after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first time after `moment`, in UTC; None where there is none within eight years."""
        if self.every_seconds:
            return (moment + timedelta(seconds=self.every_seconds)).replace(microsecond=0)
        start = moment.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
        day, first = start.date(), True
        for _ in range(FARTHEST_DAYS):
            if self._on(day):
                for hour in sorted(self.hours):
                    if first and hour < start.hour:
                        continue
                    for minute in sorted(self.minutes):
                        found = _moment(day, hour, minute, zone)
                        if found is not None and found > moment:
                            return found
            day, first = day + timedelta(days=1), False
        return None

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_day and by_weekday if self.any_day or self.any_weekday else by_day or by_weekday


def last_between(schedule: Schedule, earliest: datetime, now: datetime, zone: tzinfo = UTC) -> datetime | None:
    """The last scheduled time after `earliest` and not after `now`; None where there is none."""
    window = timedelta(minutes=1)
    while True:
        start = max(earliest, now - window)
        found = schedule.next_after(start, zone)
        if found is not None and found <= now:
            break
        if start == earliest:
            return None
        window *= 4
    while (following := schedule.next_after(found, zone)) is not None and following <= now:
        found = following
    return found


def parse_schedule(text: str) -> Schedule:
    """The schedule of a CronJob's `spec.schedule`. Raises ValueError saying what is wrong."""
    text = text.strip()
    if text.startswith("@every "):
        try:
            seconds = parse_duration(text[7:].strip())
        except QuantityError:
            raise ValueError(f"failed to parse duration {text}") from None
        if seconds < 1:
            raise ValueError(f"duration is too short: {text}")
        return _schedule(["*", "*", "*", "*", "*"], every_seconds=seconds)
    if text.startswith("@"):
        if text not in _MACROS:
            raise ValueError(f"unrecognized descriptor: {text}")
        text = _MACROS[text]
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"expected exactly 5 fields, found {len(fields)}: {fields}")
    return _schedule(fields)


def _schedule(fields: list[str], every_seconds: float = 0.0) -> Schedule:
    minutes, hours, days, months, weekdays = (
        _field(field, *bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)
    )
    return Schedule(
        minutes=minutes, hours=hours, days=days, months=months, weekdays=weekdays,
        any_day=_is_any(fields[2]), any_weekday=_is_any(fields[4]), every_seconds=every_seconds,
    )  # fmt: skip


def _is_any(field: str) -> bool:
    return any(part.startswith(("*", "?")) and part in ("*", "?") for part in field.split(","))


def _field(field: str, least: int, most: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part)
        if match is None:
            raise ValueError(f"failed to parse {field!r}")
        span, step_text = match.groups()
        step = int(step_text) if step_text else 1
        if step == 0:
            raise ValueError(f"step of range should be a positive number: {part}")
        if span in ("*", "?"):
            first, last = least, most
        else:
            low, dash, high = span.partition("-")
            first = _number(low, names)
            last = _number(high, names) if dash else (most if step_text else first)
        if first < least or last > most or first > last:
            raise ValueError(f"{part} is not within {least}-{most}")
        found |= set(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.isdigit() or len(text) > 4:
        raise ValueError(f"failed to parse {text!r}")
    return int(text)


def _moment(day: date, hour: int, minute: int, zone: tzinfo) -> datetime | None:
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    moment = local.astimezone(UTC)
    back = moment.astimezone(zone)
    return moment if (back.hour, back.minute) == (hour, minute) else None
