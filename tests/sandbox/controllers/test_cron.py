"""Cron schedules: which texts are taken, and which moments they name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from haori.sandbox.controllers.cron import last_between, parse_schedule

START = datetime(2026, 11, 24, 10, 30, 20, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("* * * * *", "2026-11-24T10:31"),
        ("*/15 * * * *", "2026-11-24T10:45"),
        ("5-10/5,40 * * * *", "2026-11-24T10:40"),
        ("0 3 * * *", "2026-11-25T03:00"),
        ("0 0 1 * *", "2026-12-01T00:00"),
        ("0 0 29 FEB *", "2028-02-29T00:00"),
        ("0 9 * * mon-fri", "2026-11-25T09:00"),
        ("0 9 * * 0", "2026-11-29T09:00"),
        ("0 9 13 * FRI", "2026-11-27T09:00"),  # Either day counts where both are given.
        ("0 9 ? * 1", "2026-11-30T09:00"),
        ("30/10 * * * *", "2026-11-24T10:40"),
        ("@hourly", "2026-11-24T11:00"),
        ("@weekly", "2026-11-29T00:00"),
        ("@yearly", "2027-01-01T00:00"),
    ],
)
def test_the_next_time(schedule, following):
    assert parse_schedule(schedule).next_after(START) == at(following)


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "5-1 * * * *",
                 "*/0 * * * *", "@never", "* * * * 8", "@every x"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(ValueError, match=r"."):
        parse_schedule(schedule)


def test_a_time_zone_moves_the_hours():
    found = parse_schedule("0 9 * * *").next_after(START, ZoneInfo("Asia/Tokyo"))
    assert found == at("2026-11-25T00:00")


def test_an_hour_that_clocks_skip_does_not_come():
    zone = ZoneInfo("Europe/Berlin")
    found = parse_schedule("30 2 * * *").next_after(at("2026-03-28T12:00"), zone)
    assert found == at("2026-03-30T00:30")


def test_a_date_that_never_comes_has_no_next_time():
    assert parse_schedule("0 0 31 2 *").next_after(START) is None


@pytest.mark.parametrize(
    ("schedule", "earliest", "found"),
    [
        ("* * * * *", "2026-11-24T10:29", "2026-11-24T10:30"),
        ("0 * * * *", "2020-01-01T00:00", "2026-11-24T10:00"),
        ("0 * * * *", "2026-11-24T10:00", None),
        ("0 0 1 1 *", "2026-02-01T00:00", None),
    ],
)
def test_the_last_time_that_was_missed(schedule, earliest, found):
    assert last_between(parse_schedule(schedule), at(earliest), START) == (at(found) if found else None)
