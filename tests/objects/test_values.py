"""Quantities, durations, selectors, masked Secrets, and the accessors."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from haori.objects import QuantityError, SelectorError, copy_manifest, nested, nested_list
from haori.objects.masking import SecretHasher, fold_string_data, mask_manifest, mask_manifests
from haori.objects.quantities import format_duration, parse_duration, parse_quantity, quantities_equal
from haori.objects.selectors import label_selector_of, parse_field_selector, parse_label_selector
from haori.objects.times import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1000m", 1),
        ("1", 1),
        ("0.5", Fraction(1, 2)),
        ("1Ki", 1024),
        ("1k", 1000),
        ("1E", 10**18),
        ("1E3", 1000),
        ("1e-3", Fraction(1, 1000)),
        ("-2Mi", -2 * 1024**2),
        (".5", Fraction(1, 2)),
        ("1n", Fraction(1, 10**9)),
        ("0.1n", Fraction(1, 10**9)),
    ],
)
def test_quantity(text: str, number: Fraction) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "1Mb", "abc", "1 Gi", "0x10", "1e99999"])
def test_bad_quantity(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_quantity(text)


def test_quantities_equal_by_value_and_nonsense_only_by_itself() -> None:
    assert quantities_equal("1000m", 1)
    assert not quantities_equal("1", "2")
    assert quantities_equal("x", "x")
    assert not quantities_equal("x", None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("1.5s", 1.5), ("-2m", -120), ("0", 0), ("250ms", 0.25)]
)
def test_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(5400, "1h30m0s"), (120, "2m0s"), (1.5, "1.5s"), (0.25, "250ms"), (0, "0s")]
)
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["", "5", "1d", "h", "1h-3m", "99999999h", "9" * 5000 + "s"])
def test_bad_duration(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ("app=web", {"app": "web"}, True),
        ("app==web", {"app": "api"}, False),
        ("app!=web", {}, True),
        ("app in (a, b),!canary", {"app": "b"}, True),
        ("app notin (a,b)", {"app": "a"}, False),
        ("app", {"app": ""}, True),
        ("!app", {"app": ""}, False),
        ("n>3", {"n": "4"}, True),
        ("n<3", {"n": "x"}, False),
        ("", {"any": "thing"}, True),
        ("example.com/a=b", {"example.com/a": "b"}, True),
    ],
)
def test_label_selector(selector: str, labels: dict[str, str], matches: bool) -> None:
    parsed = parse_label_selector(selector)
    assert parsed.matches(labels) is matches
    assert parse_label_selector(parsed.to_text()) == parsed


@pytest.mark.parametrize("selector", ["=a", "a in ()x", "a>b", "-x=1", "a=b c", "a,,b"])
def test_bad_label_selector(selector: str) -> None:
    with pytest.raises(SelectorError):
        parse_label_selector(selector)


def test_null_selector_selects_nothing_and_empty_everything() -> None:
    assert not label_selector_of(None).matches({})
    assert label_selector_of({}).matches({"a": "b"})
    expressions = {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}
    assert label_selector_of(expressions).matches({})


def test_field_selector_unescapes_and_knows_what_is_required() -> None:
    selector = parse_field_selector(r"metadata.name=a\,b,status.phase!=Running")
    assert selector.required("metadata.name") == "a,b"
    assert selector.matches({"metadata.name": "a,b", "status.phase": ""}.get)  # type: ignore[arg-type]
    assert parse_field_selector(selector.to_text()) == selector


def test_masking_shows_change_and_not_value() -> None:
    one: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ==", "b": "Yg=="}}
    two = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA==", "b": "Yg=="}, "stringData": {"b": "b"}}
    first, second = mask_manifests(one, two)
    assert first["data"] == {"a": "+" * 8, "b": "+" * 8}
    assert second["data"] == {"a": "+" * 12, "b": "+" * 8}
    assert second["stringData"] == {"b": "+" * 8}
    assert one["data"]["a"] == "YQ=="


def test_masking_reaches_last_applied() -> None:
    key = "kubectl.kubernetes.io/last-applied-configuration"
    text = '{"kind":"Secret","apiVersion":"v1","stringData":{"a":"hunter2"}}'
    masked = mask_manifest({"apiVersion": "v1", "kind": "Secret", "metadata": {"annotations": {key: text}}})
    assert "hunter2" not in str(masked)


def test_hashes_compare_and_do_not_link_places() -> None:
    hasher = SecretHasher(b"k" * 32)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"x": "v", "y": "v"}}
    hashed = hasher.hash_manifest(secret)
    assert hashed["data"]["x"] != hashed["data"]["y"]
    assert hasher.hash_manifest(hashed) == hashed
    assert hasher.hash_manifest(fold_string_data(secret)) == hashed
    assert SecretHasher(b"z" * 32).hash_manifest(secret) != hashed


def test_accessors_survive_nonsense_and_copies_are_deep() -> None:
    manifest = {"spec": {"list": [{"a": 1}], "text": "x"}}
    assert nested(manifest, "spec", "text", "deeper") is None
    assert list(nested_list(manifest, "spec", "text")) == []
    copied = copy_manifest(manifest)
    copied["spec"]["list"][0]["a"] = 2
    assert manifest["spec"]["list"] == [{"a": 1}]


def test_times() -> None:
    moment = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    assert parse_time("2026-11-24T14:00:00+09:00") == moment
    assert format_time(moment) == "2026-11-24T05:00:00Z"
    assert parse_time("yesterday") is None
    assert parse_time("2026-11-24T05:00:00") is None
