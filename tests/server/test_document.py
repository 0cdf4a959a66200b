"""The OpenAPI document: every route, with who may use it, and nothing else."""

from __future__ import annotations

import json
import re

import pytest

from haori.server.app import ROUTES
from haori.server.openapi import SCHEMAS, build_document
from haori.server.routing import Open, Route
from tests.server.talking import Talk

DOCUMENT = build_document(ROUTES)


async def test_the_document_is_served(talk: Talk):
    answer = await talk.ask("GET", "/openapi.json")
    assert answer.json() == json.loads(json.dumps(DOCUMENT))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_is_described_with_its_parameters_and_who_may_use_it(route: Route):
    told = DOCUMENT["paths"][route.path][route.method.lower()]
    in_path = [each["name"] for each in told["parameters"] if each["in"] == "path"]

    assert in_path == re.findall(r"\{(\w+)\}", route.path)
    assert told["x-haori-access"]
    assert bool(told["security"]) is (route.access is not Open.PUBLIC)
    assert ("requestBody" in told) is bool(route.body)


def test_every_reference_leads_somewhere():
    found = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(DOCUMENT)))
    assert found <= set(SCHEMAS)


def test_every_operation_has_a_name_of_its_own():
    names = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))
