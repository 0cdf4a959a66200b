"""Which spellings are one value."""

from __future__ import annotations

from typing import Any

import pytest

from haori.schema import Kind, ListType, Schemas, TypeSchema, values_equal

_PATTERN = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE])?$"
TYPES = {
    "text": TypeSchema(kind=Kind.STRING),
    "number": TypeSchema(kind=Kind.NUMBER),
    "quantity": TypeSchema(kind=Kind.QUANTITY),
    "port": TypeSchema(kind=Kind.INT_OR_STRING),
    "custom quantity": TypeSchema(kind=Kind.INT_OR_STRING, rules={"pattern": _PATTERN}),
    "time": TypeSchema(kind=Kind.STRING, format="date-time"),
    "bytes": TypeSchema(kind=Kind.STRING, format="byte"),
    "span": TypeSchema(kind=Kind.STRING, format="duration"),
    "list": TypeSchema(kind=Kind.LIST, items=TypeSchema(kind=Kind.QUANTITY)),
    "set": TypeSchema(kind=Kind.LIST, list_type=ListType.SET, items=TypeSchema(kind=Kind.STRING)),
    "map": TypeSchema(kind=Kind.MAP, items=TypeSchema(kind=Kind.QUANTITY)),
    "anything": TypeSchema(kind=Kind.ANY),
}


@pytest.mark.parametrize(
    ("type_", "first", "second", "equal"),
    [
        ("text", "a", "a", True),
        ("text", "1", "1.0", False),
        ("text", "1", 1, False),
        ("text", "", None, False),
        ("number", 1, 1.0, True),
        ("number", 1, True, False),
        ("quantity", "1000m", 1, True),
        ("quantity", "0.5Gi", "512Mi", True),
        ("quantity", "1e3", "1k", True),
        ("quantity", "1Gi", "1G", False),
        ("quantity", "much", "much", True),
        ("quantity", "much", "more", False),
        ("quantity", "1", True, False),
        ("port", 80, 80.0, True),
        ("port", 80, "80", False),
        ("port", "25%", "25%", True),
        ("custom quantity", "1000m", 1, True),
        ("custom quantity", "1000m", 2, False),
        ("time", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00+09:00", True),
        ("time", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", False),
        ("time", "soon", "later", False),
        ("bytes", "YWJj", "YW\nJj\n", True),
        ("bytes", "YWJj", "YWJk", False),
        ("bytes", "?", "!", False),
        ("span", "5m", "300s", True),
        ("span", "1h0m0s", "1h", True),
        ("span", "1h", "2h", False),
        ("span", "a while", "1h", False),
        ("list", ["1", 2], ["1000m", "2"], True),
        ("list", ["1", "2"], ["2", "1"], False),
        ("list", ["1"], ["1", "1"], False),
        ("list", [], None, True),
        ("set", ["a", "b"], ["b", "a"], True),
        ("set", ["a", "b"], ["a", "c"], False),
        ("map", {"cpu": "1"}, {"cpu": 1}, True),
        ("map", {"cpu": "1"}, {"cpu": "1", "memory": None}, True),
        ("map", {"cpu": "1"}, {"cpu": "1", "memory": "1"}, False),
        ("map", {}, None, True),
        ("anything", {"a": [1, {"b": 1}]}, {"a": [1.0, {"b": 1}]}, True),
        ("anything", {"a": "1"}, {"a": 1}, False),
        ("anything", False, 0, False),
        ("anything", [1], {"a": 1}, False),
    ],
)
def test_values_mean_the_same(type_: str, first: Any, second: Any, equal: bool) -> None:
    assert values_equal(TYPES[type_], first, second) is equal
    assert values_equal(TYPES[type_], second, first) is equal


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [({"a": "1"}, {"a": "1", "b": {}}, True), ({"a": "1"}, {"a": 1}, False), ([], {}, True), ([1], [1], True)],
)
def test_without_a_type_values_are_json(first: Any, second: Any, equal: bool) -> None:
    assert values_equal(None, first, second) is equal


def test_fields_are_read_by_their_own_types() -> None:
    schema = Schemas.builtin().type_for("v1", "Pod")

    def pod(cpu: Any, **env: str) -> dict[str, Any]:
        container = {"name": "a", "resources": {"limits": {"cpu": cpu}}, "env": [{"name": "A", **env}]}
        return {"kind": "Pod", "spec": {"containers": [container]}}

    assert values_equal(schema, pod("1000m"), pod(1))
    assert not values_equal(schema, pod(1, value="1"), pod(1, value="1000m"))
