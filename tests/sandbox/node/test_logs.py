"""Log files: bounded, timed, read back as PodLogOptions ask."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from haori.sandbox.node.logs import LONGEST_LINE_BYTES, LogFile, LogOptions, read_log, read_options, tail


@pytest.fixture
def written(tmp_path):
    """Makes a log that holds what it is given."""
    made = []

    def make(*chunks, limit=1 << 20):
        log = LogFile(tmp_path / "c" / "0.log", limit_bytes=limit)
        made.append(log)
        for chunk in chunks:
            log.write("stdout", chunk)
        return log

    yield make
    for log in made:
        log.close()


def test_lines_are_whole_however_they_came(written):
    log = written(b"one\ntw", b"o\nthr")
    assert tail(log.path, LogOptions()) == [b"one\n", b"two\n"]

    log.close()
    assert tail(log.path, LogOptions()) == [b"one\n", b"two\n", b"thr\n"]


def test_a_line_without_end_is_cut_into_pieces(written):
    log = written(b"x" * (LONGEST_LINE_BYTES + 10) + b"\n")
    log.close()

    assert b"".join(tail(log.path, LogOptions())) == b"x" * (LONGEST_LINE_BYTES + 10) + b"\n"


def test_a_full_file_gives_way_and_two_are_the_most(written):
    log = written(*(b"%04d\n" % number for number in range(500)), limit=2000)
    log.close()

    sizes = [each.stat().st_size for each in log.path.parent.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 2000
    assert tail(log.path, LogOptions())[-1] == b"0499\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (LogOptions(tail_lines=1), [b"b\n"]),
        (LogOptions(tail_lines=0), []),
        (LogOptions(tail_lines=9), [b"a\n", b"b\n"]),
        (LogOptions(since=datetime.now(UTC) + timedelta(hours=1)), []),
        (LogOptions(since=datetime.now(UTC) - timedelta(hours=1)), [b"a\n", b"b\n"]),
    ],
)
def test_what_is_wanted_of_a_log(written, options, expected):
    assert tail(written(b"a\nb\n").path, options) == expected


def test_times_are_shown_when_asked_for(written):
    (line,) = tail(written(b"a\n").path, LogOptions(timestamps=True))

    moment, _, text = line.partition(b" ")
    assert datetime.fromisoformat(moment.decode()).tzinfo is not None
    assert text == b"a\n"


async def test_a_followed_log_ends_with_its_container(written):
    log = written(b"a\n", limit=4000)
    lines = []

    async def read():
        async for line in read_log(log.path, LogOptions(follow=True), log):
            lines.append(line)

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        for chunk in (b"b\n", b"c\nd\n"):
            await asyncio.sleep(0)
            log.write("stderr", chunk)
        log.close()

    assert lines == [b"a\n", b"b\n", b"c\n", b"d\n"]


async def test_bytes_can_be_limited_and_an_absent_log_is_empty(written, tmp_path):
    log = written(b"abc\ndef\n")

    assert [each async for each in read_log(log.path, LogOptions(limit_bytes=5), None)] == [b"abc\n", b"d"]
    assert [each async for each in read_log(tmp_path / "none", LogOptions(), None)] == []


def test_options_are_read_from_a_query():
    now = datetime(2026, 11, 24, tzinfo=UTC)

    assert read_options({"follow": "true", "tailLines": "5", "sinceSeconds": "60"}, now=now) == LogOptions(
        follow=True, tail_lines=5, since=now - timedelta(seconds=60)
    )
    with pytest.raises(ValueError, match="invalid literal"):
        read_options({"tailLines": "many"}, now=now)
