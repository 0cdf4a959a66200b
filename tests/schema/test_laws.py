"""What holds for every object, whatever it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from haori.objects import copy_manifest
from haori.schema import FieldSet, Schemas, apply_defaults, json_patch, merge_patch, values_equal
from haori.schema.mergepatch import create_merge_patch
from tests.schema.generated import ANYTHING, manifests

TYPE_OF = Schemas.builtin().type_for
relaxed = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
_objects = st.dictionaries(st.sampled_from("abc"), ANYTHING, max_size=3)


@relaxed
@given(manifests(wild=True))
def test_defaults_are_filled_in_whatever_is_wrong(manifest: dict[str, Any]) -> None:
    schema = TYPE_OF(manifest["apiVersion"], manifest["kind"])
    assert schema is not None
    before = copy_manifest(manifest)
    apply_defaults(schema, manifest)
    assert manifest == before


@relaxed
@given(manifests())
def test_filling_in_defaults_twice_changes_nothing(manifest: dict[str, Any]) -> None:
    assume("'policies': []" not in str(manifest))  # No policy at all is an answer, which validation refuses then.
    schema = TYPE_OF(manifest["apiVersion"], manifest["kind"])
    assert schema is not None
    filled = apply_defaults(schema, manifest)
    assert apply_defaults(schema, filled) == filled
    assert values_equal(schema, filled, manifest) == values_equal(schema, manifest, filled)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_null_is_no_obstacle_to_what_is_filled_in_below(kind: str) -> None:
    schema = TYPE_OF("apps/v1", kind)
    assert schema is not None
    field = "strategy" if kind == "Deployment" else "updateStrategy"
    filled = apply_defaults(schema, {"kind": kind, "spec": {field: None}})
    assert filled == apply_defaults(schema, {"kind": kind, "spec": {}})


@relaxed
@given(manifests(), manifests())
def test_sets_of_fields_are_sets(first: dict[str, Any], second: dict[str, Any]) -> None:
    schema = TYPE_OF(first["apiVersion"], first["kind"])
    one = FieldSet.of(schema, first)
    other = FieldSet.of(schema, {**second, "kind": first["kind"], "apiVersion": first["apiVersion"]})
    paths, others = set(one.steps()), set(other.steps())
    assert set(one.union(other).steps()) == paths | others
    assert set(one.intersection(other).steps()) == paths & others
    assert set(one.difference(other).steps()) == paths - others
    assert FieldSet.from_v1(one.to_v1()) == one
    assert one.union(one) == one.intersection(one) == one
    assert not one.difference(one)


@given(_objects, _objects)
def test_merge_patch_between_two_objects_leads_from_one_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    wanted = _without_nulls(after)
    assert merge_patch(before, create_merge_patch(before, wanted)) == wanted


@given(_objects, ANYTHING)
def test_patches_leave_the_document_as_found(document: dict[str, Any], value: Any) -> None:
    before = copy_manifest(document)
    merge_patch(document, {"a": {"b": value}})
    json_patch(document, [{"op": "add", "path": "/a", "value": value}])
    assert document == before


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return value
