"""Custom resources are judged as a real API server of the recorded version judged them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from haori.schema import Schemas, apply_defaults, prune_unknown, unknown_fields, validate

RECORDED = yaml.safe_load((Path(__file__).parent / "cases" / "custom.yaml").read_text(encoding="utf-8"))
# Where we say less than the server, on purpose: a second cause that repeats the first one.
REPEATED = ("(default format)", "factor MultipleOf declared for")


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["name"])
def test_rules_of_custom_resources_are_those_of_the_api_server(case: dict[str, Any]):
    schema = Schemas.builtin().with_crds([RECORDED["definition"]]).type_for("example.com/v1", "Rule")
    assert schema is not None
    manifest: dict[str, Any] = {"apiVersion": "example.com/v1", "kind": "Rule", "metadata": {"name": "a"}}
    if case["spec"] is not None:
        manifest["spec"] = case["spec"]

    found = {(problem.path, problem.reason, problem.message) for problem in validate(schema, manifest)}

    wanted = {tuple(cause) for cause in case["causes"] if not any(text in cause[2] for text in REPEATED)}
    if case["name"] == "wrong-type-object":
        wanted = {cause for cause in wanted if cause[0] != "<nil>"}
    assert found == wanted


def test_a_list_of_a_custom_kind_has_a_type():
    schema = Schemas.builtin().with_crds([RECORDED["definition"]]).type_for("example.com/v1", "RuleList")
    assert schema is not None
    assert unknown_fields(schema, {"items": [{"spec": {"other": 1}}]}) == ("items[0].spec.other",)


def test_adding_definitions_keeps_what_was_read():
    first = Schemas.builtin().with_crds([RECORDED["definition"]])
    known = first.type_for("example.com/v1", "Rule")
    assert first.with_crds([]).type_for("example.com/v1", "Rule") is known
    assert Schemas.builtin().type_for("example.com/v1", "Rule") is None


def test_unknown_fields_are_pruned_but_not_where_they_are_kept():
    schema = Schemas.builtin().with_crds([RECORDED["definition"]]).type_for("example.com/v1", "Rule")
    assert schema is not None
    given: dict[str, Any] = {
        "apiVersion": "example.com/v1",
        "kind": "Rule",
        "metadata": {"name": "a", "nope": 1},
        "spec": {
            "must": "x", "other": 1, "free": {"any": {"thing": 1}}, "map": {"a": 1},
            "keyed": [{"k": "a", "x": 1}], "res": {"apiVersion": "v1", "kind": "X", "any": 1, "metadata": {"bad": 1}},
        },
    }  # fmt: skip
    assert set(unknown_fields(schema, given)) == {
        "metadata.nope", "spec.other", "spec.keyed[0].x", "spec.res.metadata.bad",
    }  # fmt: skip
    pruned = prune_unknown(schema, given)
    assert unknown_fields(schema, pruned) == ()
    assert pruned["spec"]["free"] == {"any": {"thing": 1}}
    assert pruned["spec"]["res"] == {"apiVersion": "v1", "kind": "X", "any": 1, "metadata": {}}
    assert given["spec"]["other"] == 1
    assert apply_defaults(schema, pruned) == pruned
