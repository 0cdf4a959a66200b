"""Ownership of objects whose type is not known: mappings are entered, lists are one value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from haori.schema import ApplyConflictError, owned_fields, server_side_apply, track_update

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)


def _thing(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec}


def _apply(live: dict[str, Any] | None, manager: str, *, force: bool = False, **spec: Any) -> dict[str, Any]:
    return server_side_apply(None, live, _thing(**spec), manager=manager, force=force, now=NOW)


def _owned(live: dict[str, Any], manager: str) -> list[str]:
    return owned_fields(live, manager).paths()


def test_first_apply_makes_the_object_and_owns_all_of_it() -> None:
    live = _apply(None, "a", x=1, l=[{"name": "n"}], m={"k": {"d": 1}})
    assert live["spec"] == {"x": 1, "l": [{"name": "n"}], "m": {"k": {"d": 1}}}
    assert {".spec.x", ".spec.l", ".spec.m.k.d"} <= set(_owned(live, "a"))
    assert not any(path.startswith(".spec.l[") for path in _owned(live, "a"))


def test_mappings_merge_and_lists_are_replaced() -> None:
    live = _apply(None, "a", m={"x": 1}, l=[1, 2])
    live = _apply(live, "b", m={"y": 2})
    assert live["spec"] == {"m": {"x": 1, "y": 2}, "l": [1, 2]}
    assert _apply(live, "a", m={"x": 1}, l=[3])["spec"] == {"m": {"x": 1, "y": 2}, "l": [3]}


def test_what_is_applied_no_more_goes_unless_somebody_else_owns_it() -> None:
    live = _apply(_apply(None, "a", x=1, y=2), "b", y=2)
    assert _apply(live, "a")["spec"] == {"y": 2}


def test_field_of_another_is_a_conflict_that_force_settles() -> None:
    live = _apply(None, "a", x=1, y=1)
    with pytest.raises(ApplyConflictError) as caught:
        _apply(live, "b", x=2)
    assert [(conflict.manager, conflict.path) for conflict in caught.value.conflicts] == [("a", ".spec.x")]
    live = _apply(live, "b", force=True, x=2)
    assert live["spec"] == {"x": 2, "y": 1}
    assert ".spec.x" not in _owned(live, "a")
    assert ".spec.x" in _owned(live, "b")


def test_applying_the_same_again_changes_nothing() -> None:
    live = _apply(None, "a", x=1, m={"k": []})
    assert _apply(live, "a", x=1, m={"k": []}) == live


def test_update_takes_what_it_changes_and_frees_what_it_removes() -> None:
    live = _apply(None, "a", x=1, y=1, z=1)
    after = {**live, "spec": {"x": 2, "y": 1, "new": {"k": 1}}}
    live = track_update(None, live, after, manager="edit", now=NOW)
    assert _owned(live, "a") == [".spec", ".spec.y"]
    assert {".spec.x", ".spec.new.k"} <= set(_owned(live, "edit"))
    assert not any("z" in path for path in [*_owned(live, "a"), *_owned(live, "edit")])


def test_update_that_changes_nothing_owns_nothing() -> None:
    live = _apply(None, "a", x=1)
    assert track_update(None, live, live, manager="edit", now=NOW) == live


def test_create_owns_all_but_what_names_the_object() -> None:
    live = track_update(None, None, _thing(x=[1]), manager="create", now=NOW)
    owned = _owned(live, "create")
    assert ".spec.x" in owned
    assert not {".metadata", ".metadata.name", ".kind", ".apiVersion"} & set(owned)
    (entry,) = live["metadata"]["managedFields"]
    assert (entry["operation"], entry["time"]) == ("Update", "2026-11-24T05:00:00Z")
