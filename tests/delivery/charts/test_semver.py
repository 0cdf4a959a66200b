"""Rows say what Masterminds/semver answers (its own documentation and rules)."""

from __future__ import annotations

import pytest

from haori.delivery.charts.semver import parse_range, parse_version

HAVE = ("0.0.3", "0.2.3", "0.2.9", "0.3.0", "1.0.0-rc.1", "1.0.0", "1.2.3", "1.2.9", "1.10.0", "2.0.0-beta.2",
        "2.0.0-beta.10", "2.0.0", "v3.1.0", "4.0.0-alpha", "no-version")  # fmt: skip


@pytest.mark.parametrize(
    ("range_", "newest"),
    [
        ("*", "v3.1.0"),
        ("", "v3.1.0"),
        ("x", "v3.1.0"),
        (">0.0.0-0", "4.0.0-alpha"),
        ("1.x", "1.10.0"),
        ("1.*", "1.10.0"),
        ("1", "1.10.0"),
        ("1.2", "1.2.9"),
        ("1.2.x", "1.2.9"),
        ("=1.2.3", "1.2.3"),
        ("~1.2.3", "1.2.9"),
        ("~1.2", "1.2.9"),
        ("~1", "1.10.0"),
        ("~>1.2.0", "1.2.9"),
        ("^1.2.3", "1.10.0"),
        ("^1", "1.10.0"),
        ("^0.2.3", "0.2.9"),
        ("^0.2", "0.2.9"),
        ("^0.0.3", "0.0.3"),
        ("^0", "0.3.0"),
        (">1", "v3.1.0"),
        (">1.2 <2", "1.10.0"),
        (">=1.0.0, <1.2.9", "1.2.3"),
        (">= 1.2.3 < 2.0.0", "1.10.0"),
        ("<=1.2", "1.2.9"),
        ("<=1", "1.10.0"),
        ("<1", "0.3.0"),
        ("1.0.0 - 1.2.5", "1.2.3"),
        ("0.x || 2.x", "2.0.0"),
        ("!=2.0.0 <3.0.0", "1.10.0"),
        (">=2.0.0-beta.1 <2.0.0", "2.0.0-beta.10"),
        ("~2.0.0-beta.1", "2.0.0"),
        (">1.0.0-0 <1.0.0", "1.0.0-rc.1"),
        ("3.1.0", "v3.1.0"),
        (">=5", None),
    ],
)
def test_the_newest_version_within_a_range(range_: str, newest: str | None):
    found = parse_range(range_)

    assert found is not None
    assert found.newest(HAVE) == newest


@pytest.mark.parametrize("text", ["main", "1.2.3.4", "> > 1", "1.2.3 -", ">=1,", "^^1", "=~1", "1" * 300, "a||b"])
def test_what_is_no_range(text: str):
    assert parse_range(text) is None


@pytest.mark.parametrize(
    ("text", "is_version"),
    [("1.2.3", True), ("v1.2.3", True), ("1.0", True), ("1", True), ("1.2.3-rc.1+b.7", True), ("1.x", False),
     ("^1.0.0", False), ("latest", False), ("1.2.3-01", False), ("", False)],
)  # fmt: skip
def test_versions_are_told_from_ranges(text: str, is_version: bool):
    assert (parse_version(text) is not None) is is_version


def test_the_order_of_versions():
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]
    versions = [version for text in texts if (version := parse_version(text)) is not None]

    assert [version.text for version in sorted(sorted(versions, key=str))] == texts
    assert parse_version("1.0.0+a") == parse_version("1.0.0+b")
