"""Definitions are asked for when somebody needs them, once, and again when they change."""

from __future__ import annotations

from typing import Any

import pytest

from haori.cluster import ApiResource, Discovery, ForbiddenError
from haori.delivery.controller.types_in_use import TypesInUse
from tests.delivery.compare.spellings import load
from tests.delivery.controller.fakes import FakeClient, refusal

CUSTOM = load("custom")
NAME = "widgets.spell.example.com"
BUILTIN = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


class Cluster(FakeClient):
    """Serves one custom type and counts how often its definition is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.refusal: Exception | None = None

    async def discover(self, *, refresh: bool = False) -> Discovery:
        widgets = ApiResource(
            group="spell.example.com", version="v1", kind="Widget", plural="widgets", namespaced=True, singular="widget"
        )
        return Discovery(resources=(widgets,))

    async def get(self, resource: ApiResource, name: str, namespace: str = "") -> dict[str, Any]:
        assert (resource.kind, name) == ("CustomResourceDefinition", NAME)
        self.reads += 1
        if self.refusal is not None:
            raise self.refusal
        assert CUSTOM.definition is not None
        return CUSTOM.definition


def _types(cluster: Any, mark_of: Any) -> TypesInUse:
    return TypesInUse(cluster, mark_of)


def _known(schemas: Any) -> bool:
    return schemas.type_for("spell.example.com/v1", "Widget") is not None


async def test_builtin_types_ask_nothing_of_the_cluster() -> None:
    cluster = Cluster()
    schemas = await _types(cluster, lambda name: "1").look([BUILTIN])
    assert schemas.type_for("v1", "ConfigMap") is not None
    assert (cluster.reads, _known(schemas)) == (0, False)


async def test_definition_is_read_once_and_again_when_it_changes() -> None:
    cluster, marks = Cluster(), {NAME: "1"}
    types = _types(cluster, marks.get)
    first = await types.look([CUSTOM.desired, BUILTIN])
    assert _known(first)
    assert await types.look([CUSTOM.desired]) is first
    assert await types.look([BUILTIN]) is first
    assert cluster.reads == 1
    marks[NAME] = "2"
    assert await types.look([CUSTOM.desired]) is not first
    assert cluster.reads == 2


async def test_definition_that_is_gone_is_forgotten() -> None:
    cluster, marks = Cluster(), {NAME: "1"}
    types = _types(cluster, marks.get)
    await types.look([CUSTOM.desired])
    del marks[NAME]
    assert not _known(await types.look([CUSTOM.desired]))


async def test_definition_that_may_not_be_read_is_as_good_as_none(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster()
    cluster.refusal = refusal(ForbiddenError, 403, "Forbidden")
    types = _types(cluster, lambda name: "1")
    for _ in range(2):
        assert not _known(await types.look([CUSTOM.desired]))
    assert (cluster.reads, caplog.messages) == (1, ["definition may not be read"])
