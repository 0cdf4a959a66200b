"""A rule of ignoreDifferences that is only asked about."""

from __future__ import annotations

from typing import Any

import pytest

from haori.delivery.compare import CompareOptions
from haori.delivery.controller.ignoring import RuleRefusedError, parse_rule, preview_rule
from haori.delivery.controller.past import changes, compare_states
from haori.errors import HaoriError
from haori.objects import ResourceKey

KEY = ResourceKey("", "ConfigMap", "shop", "a")


def config(name: str = "a", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data}


def test_a_rule_takes_away_what_it_names_and_leaves_the_rest():
    pairs = {KEY: (config(x="1", y="1"), config(x="2", y="2"))}
    told = preview_rule(parse_rule({"kind": "ConfigMap", "jsonPointers": ["/data/x"]}), pairs, CompareOptions())
    (item,) = told["items"]

    assert told["reach"] == 1
    assert ([each["path"] for each in item["vanishes"]], [each["path"] for each in item["stays"]]) == (
        ["data.x"],
        ["data.y"],
    )


def test_a_rule_that_changes_nothing_reaches_objects_all_the_same():
    pairs = {KEY: (config(x="1"), config(x="2"))}
    told = preview_rule(parse_rule({"kind": "ConfigMap", "jqPathExpressions": [".data.z"]}), pairs, CompareOptions())
    assert told == {"items": [], "reach": 1}
    other = preview_rule(
        parse_rule({"kind": "ConfigMap", "name": "b", "jsonPointers": ["/data/x"]}), pairs, CompareOptions()
    )
    assert other["reach"] == 0


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({}, "ignore-rule-refused"),
        ({"kind": "Pod"}, "ignore-rule-refused"),
        ({"kind": "Pod", "jsonPointers": "x"}, "ignore-rule-refused"),
        ({"kind": "Pod", "jsonPointers": ["spec"]}, "ignore-rule-refused"),
        ({"kind": "Pod", "pointers": ["/spec"], "jsonPointers": ["/spec"]}, "ignore-rule-refused"),
        ({"kind": "Pod", "jqPathExpressions": ["env.HOME"]}, "jq-path-unsupported"),
    ],
    ids=["empty", "without-a-tool", "no-list", "no-pointer", "unknown-field", "no-path"],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: dict[str, Any], code: str):
    with pytest.raises(HaoriError) as caught:
        parse_rule(rule)
    assert caught.value.code == code
    assert code != "ignore-rule-refused" or isinstance(caught.value, RuleRefusedError)


def test_two_states_are_the_same_where_nothing_changed():
    assert changes({KEY: b"1"}, {KEY: b"1"}) == []
    assert compare_states({KEY: config(x="1")}, {KEY: config(x="1")}) == []


def test_a_secret_that_changed_is_told_without_its_values():
    key = ResourceKey("", "Secret", "shop", "s")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    (item,) = compare_states({key: {**secret, "data": {"p": "b25l"}}}, {key: {**secret, "data": {"p": "dHdv"}}})

    assert item["change"] == "changed"
    assert item["from"]["data"]["p"].strip("+") == item["to"]["data"]["p"].strip("+") == ""
    assert item["from"]["data"]["p"] != item["to"]["data"]["p"]
