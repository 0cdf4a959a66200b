"""Sets of fields, as managedFields writes them."""

from __future__ import annotations

from typing import Any

import pytest

from haori.schema import FieldSet, Kind, ListType, TypeSchema, owned_fields

_TEXT = TypeSchema(kind=Kind.STRING)
_PORT = TypeSchema(
    kind=Kind.OBJECT,
    fields={
        "port": TypeSchema(kind=Kind.INTEGER),
        "protocol": TypeSchema(kind=Kind.STRING, has_default=True, default="TCP"),
        "name": _TEXT,
    },
)
THING = TypeSchema(
    kind=Kind.OBJECT,
    fields={
        "kind": _TEXT,
        "spec": TypeSchema(
            kind=Kind.OBJECT,
            fields={
                "name": _TEXT,
                "labels": TypeSchema(kind=Kind.MAP, items=_TEXT),
                "selector": TypeSchema(kind=Kind.MAP, items=_TEXT, is_atomic=True),
                "args": TypeSchema(kind=Kind.LIST, items=_TEXT),
                "tags": TypeSchema(kind=Kind.LIST, list_type=ListType.SET, items=_TEXT),
                "ports": TypeSchema(
                    kind=Kind.LIST, list_type=ListType.MAP, list_keys=("port", "protocol"), items=_PORT
                ),
            },
        ),
    },
)
_TCP = 'k:{"port":80,"protocol":"TCP"}'


def _set(**tree: Any) -> FieldSet:
    return FieldSet.from_v1({f"f:{name}": below for name, below in tree.items()})


@pytest.mark.parametrize(
    ("spec", "tree"),
    [
        ({"name": "a"}, {"f:name": {}}),
        ({"labels": {"a": "1", "b": "2"}}, {"f:labels": {"f:a": {}, "f:b": {}}}),
        ({"labels": {}}, {"f:labels": {}}),
        ({"selector": {"a": "1"}}, {"f:selector": {}}),
        ({"args": ["a", "b"]}, {"f:args": {}}),
        ({"tags": ["b", "a"]}, {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}),
        ({"ports": [{"port": 80, "name": "x"}]}, {"f:ports": {_TCP: {".": {}, "f:name": {}, "f:port": {}}}}),
        ({"free": {"a": [1]}}, {"f:free": {".": {}, "f:a": {".": {}}}}),
    ],
    ids=["field", "map", "empty map", "atomic map", "atomic list", "set", "list by keys", "unknown"],
)
def test_what_is_applied_is_owned_by_type(spec: dict[str, Any], tree: dict[str, Any]) -> None:
    assert FieldSet.of(THING, {"spec": spec}) == FieldSet.from_v1({"f:spec": tree})


def test_paths_read_as_the_api_writes_them() -> None:
    value = {"spec": {"name": "a", "tags": ["x"], "ports": [{"port": 80, "name": "p"}]}}
    assert FieldSet.of(THING, value).paths() == [
        ".spec.name",
        '.spec.ports[port=80,protocol="TCP"]',
        '.spec.ports[port=80,protocol="TCP"].name',
        '.spec.ports[port=80,protocol="TCP"].port',
        '.spec.tags[="x"]',
    ]


def test_a_field_and_what_is_below_it_are_two_things() -> None:
    alone, below = _set(a={}), _set(a={"f:b": {}})
    both = alone.union(below)
    assert both.paths() == [".a", ".a.b"]
    assert both.difference(below) == alone
    assert both.difference(alone) == below
    assert not alone.intersection(below)
    assert not both.without(alone)
    assert below.union(alone).to_v1() == {"f:a": {".": {}, "f:b": {}}}


def test_keys_are_the_same_however_they_are_spaced_and_ordered() -> None:
    spaced = FieldSet.from_v1({"f:ports": {'k:{"protocol": "TCP", "port": 80}': {}}})
    assert spaced == FieldSet.from_v1({"f:ports": {_TCP: {}}})
    assert hash(spaced) == hash(FieldSet.from_v1(spaced.to_v1()))


def test_what_is_no_step_is_passed_over() -> None:
    assert FieldSet.from_v1({"x": {}, "k:{": {}, "f:a": {}}) == FieldSet.at(("a",))
    assert not FieldSet.from_v1({})


def test_parts_of_an_object_are_taken_and_removed() -> None:
    value = {"kind": "Thing", "spec": {"name": "a", "tags": ["x", "y"], "ports": [{"port": 80, "name": "p"}]}}
    fields = FieldSet.from_v1({"f:spec": {"f:tags": {'v:"x"': {}}, "f:ports": {_TCP: {"f:name": {}}}}})
    assert fields.extract_from(THING, value) == {"spec": {"tags": ["x"], "ports": [{"port": 80, "name": "p"}]}}
    assert fields.remove_from(THING, value) == {
        "kind": "Thing", "spec": {"name": "a", "tags": ["y"], "ports": [{"port": 80}]},
    }  # fmt: skip


def test_owned_fields_are_those_of_all_fitting_entries() -> None:
    entries: list[Any] = [
        {"manager": "us", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:a": {}}},
        {"manager": "us", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:b": {}}},
        {"manager": "us", "operation": "Update", "apiVersion": "v1", "subresource": "status", "fieldsV1": {"f:c": {}}},
        {"manager": "them", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:d": {}}},
        {"manager": "us", "operation": "Dance", "fieldsV1": {"f:e": {}}},
        "no entry",
    ]
    manifest = {"metadata": {"managedFields": entries}}
    assert owned_fields(manifest, "us").paths() == [".a", ".b"]
    assert owned_fields(manifest, "us", operation="Apply").paths() == [".a"]
    assert owned_fields(manifest, "us", subresource=None).paths() == [".a", ".b", ".c"]
    assert not owned_fields({}, "us")
