"""JSON patch (RFC 6902) and merge patch (RFC 7386), rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from haori.objects import copy_manifest
from haori.schema import JsonPatchError, create_merge_patch, json_patch, merge_patch
from haori.schema.jsonpatch import format_pointer, parse_pointer


def _op(op: str, path: str, **fields: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **fields}


DONE: list[Any] = [
    pytest.param({"spec": {}}, [_op("add", "/spec/replicas", value=2)], {"spec": {"replicas": 2}}, id="add a member"),
    pytest.param({"a": 1}, [_op("add", "/a", value=[])], {"a": []}, id="add replaces a member"),
    pytest.param({"l": ["x", "z"]}, [_op("add", "/l/1", value="y")], {"l": ["x", "y", "z"]}, id="add before an item"),
    pytest.param({"l": ["x"]}, [_op("add", "/l/1", value="y")], {"l": ["x", "y"]}, id="add at the end by index"),
    pytest.param({"l": ["x"]}, [_op("add", "/l/-", value=["y"])], {"l": ["x", ["y"]]}, id="append"),
    pytest.param({"a": 1}, [_op("add", "", value={"b": 2})], {"b": 2}, id="add the whole"),
    pytest.param({"a": {"b": 1, "c": 2}}, [_op("remove", "/a/b")], {"a": {"c": 2}}, id="remove a member"),
    pytest.param({"l": [0, 1, 2]}, [_op("remove", "/l/1")], {"l": [0, 2]}, id="remove an item"),
    pytest.param({"a": "old"}, [_op("replace", "/a", value=None)], {"a": None}, id="replace by null"),
    pytest.param({"l": [1, 2]}, [_op("replace", "/l/0", value=9)], {"l": [9, 2]}, id="replace an item"),
    pytest.param(
        {"from": {"x": 1}, "to": {}}, [_op("move", "/to/x", **{"from": "/from/x"})], {"from": {}, "to": {"x": 1}},
        id="move a member",
    ),
    pytest.param({"l": list("abcd")}, [_op("move", "/l/3", **{"from": "/l/0"})], {"l": list("bcda")}, id="move an item"),
    pytest.param({"a": [1]}, [_op("move", "/a", **{"from": "/a"})], {"a": [1]}, id="move to itself"),
    pytest.param({"a": [1]}, [_op("copy", "/b", **{"from": "/a"}), _op("add", "/b/-", value=2)],
                 {"a": [1], "b": [1, 2]}, id="a copy is its own"),
    pytest.param({"a": 1.0}, [_op("test", "/a", value=1)], {"a": 1.0}, id="numbers are tested by value"),
    pytest.param({"a": {"b": 1, "c": 2}}, [_op("test", "/a", value={"c": 2, "b": 1})], {"a": {"b": 1, "c": 2}},
                 id="members in any order"),
    pytest.param({"a/b": 1, "m~n": 2}, [_op("remove", "/a~1b"), _op("replace", "/m~0n", value=3)], {"m~n": 3}, id="escapes"),
    pytest.param({"~1": 1}, [_op("remove", "/~01")], {}, id="escaped escape"),
    pytest.param({"": {"": 1}}, [_op("replace", "//", value=2)], {"": {"": 2}}, id="empty names"),
    pytest.param({"a": 1}, [_op("remove", "/a", value="unused", more=1)], {}, id="members that mean nothing"),
    pytest.param({"a": 1}, [], {"a": 1}, id="nothing to do"),
]  # fmt: skip

REFUSED: list[Any] = [
    pytest.param({}, [_op("remove", "/a")], id="remove what is not there"),
    pytest.param({}, [_op("replace", "/a", value=1)], id="replace what is not there"),
    pytest.param({}, [_op("add", "/a/b", value=1)], id="add below what is not there"),
    pytest.param({"l": []}, [_op("add", "/l/1", value=1)], id="index past the end"),
    pytest.param({"l": [1]}, [_op("remove", "/l/-")], id="remove what comes after the end"),
    pytest.param({"l": [1, 2]}, [_op("remove", "/l/01")], id="leading zero"),
    pytest.param({"l": [1, 2]}, [_op("remove", "/l/-1")], id="negative index"),
    pytest.param({"l": [1]}, [_op("remove", "/l/x")], id="no index"),
    pytest.param({"a": "text"}, [_op("add", "/a/b", value=1)], id="below a text"),
    pytest.param({"a": {}}, [_op("move", "/a/b", **{"from": "/a"})], id="into itself"),
    pytest.param({}, [_op("copy", "/b", **{"from": "/a"})], id="copy what is not there"),
    pytest.param({}, [_op("copy", "/b")], id="no from"),
    pytest.param({}, [_op("add", "/b")], id="no value"),
    pytest.param({}, [_op("spend", "/b", value=1)], id="unknown operation"),
    pytest.param({}, [{"op": "remove"}], id="no path"),
    pytest.param({"a": 1}, [_op("remove", "a")], id="no pointer"),
    pytest.param({"a": 1}, [_op("remove", "")], id="remove the whole"),
    pytest.param({"a": 1}, ["remove"], id="no object"),
]


@pytest.mark.parametrize(("document", "operations", "expected"), DONE)
def test_json_patch_does_what_it_says(document: Any, operations: list[Any], expected: Any) -> None:
    before = copy_manifest(document)
    assert json_patch(document, operations) == expected
    assert document == before


@pytest.mark.parametrize(("document", "operations"), REFUSED)
def test_json_patch_is_refused_as_a_whole(document: Any, operations: list[Any]) -> None:
    before = copy_manifest(document)
    with pytest.raises(JsonPatchError) as caught:
        json_patch(document, [_op("add", "/first", value=1), *operations])
    assert (caught.value.parameters["index"], document) == (1, before)


@pytest.mark.parametrize("value", ["1", True, None, [1], 2])
def test_failed_test_says_so(value: Any) -> None:
    with pytest.raises(JsonPatchError) as caught:
        json_patch({"a": 1}, [_op("test", "/a", value=value)])
    assert caught.value.is_test


@pytest.mark.parametrize("steps", [(), ("",), ("a", "b"), ("a/b", "~", "~1"), ("0", "-")])
def test_pointer_reads_as_it_is_written(steps: tuple[str, ...]) -> None:
    assert parse_pointer(format_pointer(steps)) == steps


MERGED: list[Any] = [
    pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="replace"),
    pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="add"),
    pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="null deletes"),
    pytest.param({"a": 1}, {"b": None}, {"a": 1}, id="null of what is not there"),
    pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="lists are replaced"),
    pytest.param({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="an object in place of a list"),
    pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}, id="objects merge"),
    pytest.param({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}, id="a text in place of an object"),
    pytest.param({"a": "x"}, {"a": {"b": {"c": None, "d": 1}}}, {"a": {"b": {"d": 1}}}, id="nulls never arrive"),
    pytest.param({"a": 1}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}, id="nulls within lists do"),
    pytest.param({"a": None}, {"b": 1}, {"a": None, "b": 1}, id="a null that stands stays"),
    pytest.param({"a": 1}, {}, {"a": 1}, id="nothing to do"),
    pytest.param({"a": 1}, ["x"], ["x"], id="no object replaces the whole"),
    pytest.param(["x"], {"a": 1}, {"a": 1}, id="of what is no object nothing stays"),
    pytest.param({"a": 1}, None, None, id="null in place of the whole"),
]


@pytest.mark.parametrize(("document", "patch", "expected"), MERGED)
def test_merge_patch_does_what_it_says(document: Any, patch: Any, expected: Any) -> None:
    before = copy_manifest([document, patch])
    assert merge_patch(document, patch) == expected
    assert [document, patch] == before


def test_merge_patch_is_as_small_as_can_be() -> None:
    before = {"same": {"x": [1]}, "gone": 1, "deep": {"kept": 1, "changed": 1}, "list": [1, 2]}
    after = {"same": {"x": [1.0]}, "deep": {"kept": 1, "changed": 2}, "list": [1], "new": {}}
    assert create_merge_patch(before, after) == {"gone": None, "deep": {"changed": 2}, "list": [1], "new": {}}
