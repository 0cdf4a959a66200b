from __future__ import annotations

from typing import Any, cast

import pytest

from haori.cluster import ConflictError, KubernetesClient
from haori.delivery.apply import WriteDoor
from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.controller.declared import Declared, term_of
from haori.delivery.controller.memory import ApplicationKey
from haori.delivery.controller.writer import ApplicationWriter
from haori.delivery.model import parse_settings
from tests.delivery.controller.fakes import clock, refusal

KEY = ApplicationKey("argocd", "shop")


def manifest(version: int, term: str | None = None, **fields: Any) -> dict[str, Any]:
    annotations = {} if term is None else {"haori.dev/term": term}
    metadata = {"name": "shop", "namespace": "argocd", "uid": "u", "resourceVersion": str(version)}
    return {"metadata": {**metadata, "annotations": annotations}, "spec": {"project": "default"}, **fields}


class Server:
    """Holds one Application; merges no deeper than the writer's patches go here."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self.stored = stored
        self.patches: list[dict[str, Any]] = []

    async def get(self, *_: Any) -> dict[str, Any]:
        return self.stored

    async def patch(self, _resource: Any, _name: str, _namespace: str, body: dict[str, Any], **_: Any) -> Any:
        self.patches.append(body)
        if body["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
            raise refusal(ConflictError, 409, "Conflict")
        version = int(self.stored["metadata"]["resourceVersion"]) + 1
        self.stored = manifest(version, body["metadata"]["annotations"]["haori.dev/term"])
        return self.stored


def writer(server: Server, *, term: int, seen: dict[str, Any]) -> ApplicationWriter:
    declared = Declared("argocd", settings=parse_settings(None), on_ask=lambda *_: None, on_gone=lambda key: None)
    declared.put(seen)
    return ApplicationWriter(cast(KubernetesClient, server), WriteDoor(term=term), declared, clock=clock)


async def test_every_patch_carries_the_version_it_was_made_from_and_the_term():
    server = Server(manifest(4, "2"))

    await writer(server, term=3, seen=server.stored).write(KEY, lambda found: {"metadata": {"finalizers": []}})

    metadata = {"finalizers": [], "resourceVersion": "4", "annotations": {"haori.dev/term": "3"}}
    assert server.patches == [{"metadata": metadata}]


async def test_what_a_later_term_wrote_is_not_written_over():
    """A leader that slept knows an old version; the conflict has it read, and what it reads has it stop."""
    server = Server(manifest(9, "4"))
    stale = writer(server, term=3, seen=manifest(4, "3"))

    with pytest.raises(LostLeadershipError) as raised:
        await stale.write(KEY, lambda found: {"status": {}})

    assert raised.value.code == "leadership-superseded"
    assert len(server.patches) == 1
    assert server.stored["metadata"]["resourceVersion"] == "9"


async def test_a_higher_term_that_is_known_is_not_even_tried():
    server = Server(manifest(4, "4"))

    with pytest.raises(LostLeadershipError):
        await writer(server, term=3, seen=server.stored).write(KEY, lambda found: {"status": {}})

    assert server.patches == []


@pytest.mark.parametrize(
    ("text", "term"),
    [
        pytest.param("12", 12, id="a term"),
        pytest.param(None, 0, id="none"),
        pytest.param("", 0, id="empty"),
        pytest.param("-3", 0, id="negative"),
        pytest.param("9" * 5000, 0, id="endless"),
        pytest.param("2147483647", 0, id="beyond what a Lease counts to"),
    ],
)
def test_a_term_that_anybody_may_have_written_stops_nobody(text: str | None, term: int):
    assert term_of(manifest(1, text)) == term
