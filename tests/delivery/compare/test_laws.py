"""What holds for every comparison, whatever the objects say."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haori.delivery.compare import CompareOptions, Strategy, compare
from haori.objects import copy_manifest
from haori.schema import FieldSet, Schemas, apply_defaults
from tests.schema.generated import manifests

TYPE_OF = Schemas.builtin().type_for
relaxed = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def _stored(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the API server holds after it was applied by us."""
    schema = TYPE_OF(manifest["apiVersion"], manifest["kind"])
    assert schema is not None
    fields = FieldSet.of(schema, {name: value for name, value in manifest.items() if name not in ("kind", "metadata")})
    live = apply_defaults(schema, manifest)
    live["metadata"]["managedFields"] = [{"manager": "haori", "operation": "Apply", "fieldsV1": fields.to_v1()}]
    return live


def _found(desired: Any, live: Any, strategy: Strategy | None) -> list[tuple[str, Any, Any]]:
    found = compare(desired, live, CompareOptions(type_of=TYPE_OF, strategy=strategy)).differences
    return [(item.path, item.desired, item.live) for item in found]


def _shuffled(value: Any, draw: st.DataObject) -> Any:
    """The same with mappings in another order."""
    if isinstance(value, dict):
        return {name: _shuffled(value[name], draw) for name in draw.draw(st.permutations(sorted(value)))}
    return [_shuffled(item, draw) for item in value] if isinstance(value, list) else value


@relaxed
@given(manifests(), st.sampled_from(Strategy))
def test_comparing_with_itself_finds_nothing(manifest: dict[str, Any], strategy: Strategy) -> None:
    live = _stored(manifest)
    assert not _found(live, live, strategy)


@relaxed
@given(manifests(), st.sampled_from(Strategy))
def test_filled_in_defaults_are_no_difference(manifest: dict[str, Any], strategy: Strategy) -> None:
    assert not _found(manifest, _stored(manifest), strategy)


@relaxed
@given(manifests(), manifests(), st.data())
def test_order_of_fields_plays_no_part(first: dict[str, Any], second: dict[str, Any], data: st.DataObject) -> None:
    live = _stored({**second, "kind": first["kind"], "apiVersion": first["apiVersion"]})
    found = _found(first, live, None)
    assert _found(_shuffled(first, data), _shuffled(live, data), None) == found


@relaxed
@given(manifests(wild=True), manifests(wild=True), st.sampled_from(Strategy))
def test_inputs_stay_as_found(first: dict[str, Any], second: dict[str, Any], strategy: Strategy) -> None:
    before = copy_manifest([first, second])
    _found(first, second, strategy)
    assert [first, second] == before
