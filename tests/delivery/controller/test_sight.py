"""An engine that observes sees as one that leads: it refuses the same things in the same words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from haori.delivery.controller.admit import check_application
from haori.delivery.controller.clusters import Place
from haori.delivery.model import Application, Condition, parse_project
from haori.objects import ResourceKey
from haori.resources.argo import ConditionType
from haori.words import Sentence
from tests.delivery.controller.looking import PLACE, SHOP, Looking

PROJECT = parse_project(
    {
        "metadata": {"name": "default", "namespace": "argocd"},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
    }
)
AWAY = Condition(
    type=ConditionType.COMPARISON_ERROR,
    sentence=Sentence(code="cluster-unreachable", parameters={"cluster": "in-cluster", "reason": "down"}),
)
OUTSIDE = (ResourceKey("", "ConfigMap", "elsewhere", "a"),)
CLUSTER_WIDE = (ResourceKey("", "Namespace", "", "a"),)
ONLY_SHOP = replace(PLACE, namespaces=("shop",), cluster_resources=False)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("place", "wanted", "code"),
    [
        pytest.param(ONLY_SHOP, OUTSIDE, "cluster-object-unmanaged", id="object outside a restricted cluster"),
        pytest.param(ONLY_SHOP, CLUSTER_WIDE, "cluster-scope-unmanaged", id="cluster-scoped object of one"),
        pytest.param(replace(PLACE, problem=AWAY), (), "cluster-unreachable", id="destination that does not answer"),
    ],
)
async def test_an_observer_refuses_as_a_leader_does(place: Place, wanted: tuple[ResourceKey, ...], code: str):
    def check(application: Application) -> tuple[Condition, ...]:
        told = check_application(application, PROJECT, place)
        return tuple(each for each in told if each.sentence.code == code)

    found: list[Any] = []
    for observes in (False, True):
        engine = Looking(observes=observes, place=place, check=check, wanted=wanted)
        async with engine.running():
            found.append(engine.found(SHOP))
        assert bool(engine.patches) is not observes

    assert found[0] == found[1]
    assert [each.sentence.code for each in found[0]] == [code]
