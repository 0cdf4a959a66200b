"""The table of what projects permit, a row a rule; and that long lists and texts end it soon and closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haori.delivery.model import Project, parse_project
from haori.delivery.model.project import MAX_ENTRIES, MAX_TEXT, NOT_ENFORCED
from haori.objects import ResourceKey
from haori.objects.yaml import load

RULES: list[dict[str, Any]] = load((Path(__file__).parent / "project_rules.yaml").read_text(), source="project_rules")


def project(**spec: Any) -> Project:
    return parse_project({"metadata": {"name": "team"}, "spec": spec})


def cases() -> Iterator[Any]:
    for row in RULES:
        for number, case in enumerate(row["cases"]):
            yield pytest.param(row["spec"], case["ask"], case["permitted"], id=f"{row['rule']} {number}")


def answer(team: Project, ask: dict[str, Any]) -> bool:
    if "source" in ask:
        return team.permits_source(ask["source"])
    if "destination" in ask:
        return team.permits_destination(*ask["destination"])
    if "home" in ask:
        return team.permits_namespace_of_application(ask["home"], "argocd")
    if "syncs" in ask:
        return not team.conditions()
    group, kind, name = ask["kind"]
    namespaced = ask.get("namespaced", False)
    return team.permits_kind(ResourceKey(group, kind, "shop" if namespaced else "", name), namespaced=namespaced)


@pytest.mark.parametrize(("spec", "ask", "permitted"), list(cases()))
def test_rule(spec: dict[str, Any], ask: dict[str, Any], permitted: bool) -> None:
    assert answer(project(**spec), ask) is permitted


def test_every_field_that_is_not_enforced_has_its_row() -> None:
    assert {
        name for row in RULES for name in row["spec"] if answer(project(**row["spec"]), {"syncs": 1}) is False
    } >= set(NOT_ENFORCED)


def test_the_condition_names_the_fields() -> None:
    [condition] = project(syncWindows=[{"kind": "deny"}], sourceRepos=["*"], later={"a": 1}).conditions()

    assert condition.sentence.parameters["fields"] == ["spec.syncWindows", "spec.later"]
    assert "spec.syncWindows" in condition.sentence.text()
    assert "remove these fields from the project" in condition.sentence.text()


@pytest.mark.parametrize(
    ("spec", "forbids"),
    [
        pytest.param({"syncWindows": [{}]}, False, id="windows are about syncs"),
        pytest.param({"signatureKeys": [{"keyID": "a"}]}, False, id="signatures are about syncs"),
        pytest.param({"destinationServiceAccounts": [{"server": "*"}]}, True, id="accounts are about deletions too"),
        pytest.param({"later": 1}, True, id="who knows"),
        pytest.param({"sourceRepos": 1}, True, id="unreadable"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_what_forbids_a_deletion(spec: dict[str, Any], forbids: bool) -> None:
    assert bool(project(**spec).deletion_conditions()) is forbids


@pytest.mark.parametrize("key", ["sourceRepos", "sourceNamespaces"])
def test_a_list_beyond_reason_permits_nothing_and_says_so(key: str) -> None:
    team = project(**{key: ["*"] * (MAX_ENTRIES + 1)})

    assert not team.permits_source("https://git.example/a")
    assert not team.permits_namespace_of_application("team", "argocd")
    assert [each.sentence.code for each in team.conditions()] == ["project-list-too-long"]


def test_a_text_beyond_reason_is_permitted_nowhere() -> None:
    team = project(sourceRepos=["*"], destinations=[{"server": "*", "namespace": "*"}])

    assert not team.permits_source("https://git.example/" + "a" * MAX_TEXT)
    assert not team.permits_destination("https://" + "a" * MAX_TEXT, "", "shop")


@pytest.mark.parametrize("namespace", ["shop", "shop-1", "crm", ""])
def test_what_lives_is_permitted_one_by_one_as_all_at_once(namespace: str) -> None:
    """Each namespace is looked at once; the answer is the one that deploying an object there would be given."""
    team = project(
        destinations=[{"server": "*", "namespace": "shop*"}, {"server": "*", "namespace": "!shop-2"}],
        clusterResourceWhitelist=[{"group": "*", "kind": "Namespace"}],
        namespaceResourceBlacklist=[{"group": "", "kind": "Secret"}],
    )
    permits = team.live_permits("https://cluster.example", "one")

    for kind in ("ConfigMap", "Secret", "Namespace", "ConfigMap"):
        for name in ("a", "b"):
            key = ResourceKey("", kind, namespace, name)
            refusal = team.refuse_object(key, "https://cluster.example", "one", namespaced=bool(namespace))
            assert permits(key) is team.permits_live(key, "https://cluster.example", "one") is (refusal is None)
    assert permits(ResourceKey("", "ConfigMap", "shop", "a"))
    assert not permits(ResourceKey("", "Secret", "shop", "a"))
    assert not permits(ResourceKey("", "ConfigMap", "shop-2", "a"))
