"""Objects are read by their types: another spelling is no difference, a change inside a whole list is one."""

from __future__ import annotations

from typing import Any

import pytest

from haori.delivery.compare import CompareOptions, Strategy, compare
from haori.delivery.compare.definitions import slim_definition
from haori.schema import FieldSet, Schemas, TypeSchema, merge_patch
from tests.delivery.compare.spellings import NAMES, Spelling, load

CHANGES = [
    pytest.param(name, patch, path, id=f"{name} {number}")
    for name in NAMES
    for number, (patch, path) in enumerate(load(name).changes)
]


def _schemas(case: Spelling) -> Schemas:
    builtin = Schemas.builtin()
    return builtin.with_crds([slim_definition(case.definition)]) if case.definition is not None else builtin


def _owned(case: Spelling, schema: TypeSchema | None, live: dict[str, Any]) -> dict[str, Any]:
    """The live object as if we had applied what is desired."""
    fields = FieldSet.of(schema, {name: value for name, value in case.desired.items() if name != "metadata"})
    entry = {"manager": "haori", "operation": "Apply", "fieldsV1": fields.to_v1()}
    return {**live, "metadata": {**live["metadata"], "managedFields": [entry]}}


def _paths(case: Spelling, live: dict[str, Any], strategy: Strategy) -> set[str]:
    schemas = _schemas(case)
    schema = schemas.type_for(case.desired["apiVersion"], case.desired["kind"])
    options = CompareOptions(strategy=strategy, type_of=schemas.type_for)
    return {item.path for item in compare(case.desired, _owned(case, schema, live), options).differences}


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("name", NAMES)
def test_other_spellings_and_defaults_are_no_difference(name: str, strategy: Strategy) -> None:
    case = load(name)
    assert _paths(case, case.live, strategy) == set()


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize(("name", "patch", "path"), CHANGES)
def test_change_of_the_live_object_shows_where_it_is(
    name: str, patch: dict[str, Any], path: str, strategy: Strategy
) -> None:
    case = load(name)
    found = _paths(case, merge_patch(case.live, patch), strategy)
    assert path in found if path else not found
