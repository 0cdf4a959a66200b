"""What changes an Application while the engine writes it, too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

import pytest

from haori.cluster import HttpClient, PatchType
from haori.cluster.well_known import APPLICATIONS
from haori.delivery.controller.install import install_missing
from haori.sandbox.api.local import LocalClient
from haori.server.api.refreshing import TRIES
from haori.server.app import build_app
from haori.server.context import ServerContext
from tests.access.conftest import client
from tests.server.conftest import application
from tests.server.talking import Talk

__all__ = ["client"]

OLD, NEW = "a" * 40, "b" * 40


class Busy:
    """A cluster in which the engine writes the status right before each of the next `left` patches."""

    def __init__(self, client: LocalClient) -> None:
        self._client = client
        self.left = 0
        self.then: dict[str, Any] = {}
        """What the engine's first write says beside the time."""
        self.renew = False
        """Whether the Application is deleted and made anew before that."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def patch(self, resource: Any, name: str, *where: Any, **chosen: Any) -> dict[str, Any]:
        if self.left:
            self.left -= 1
            if self.renew:
                await self._client.delete(APPLICATIONS, name, "argocd")
                await create(self._client, automated=True)
            status = {"status": {"reconciledAt": f"2026-11-26T00:00:{self.left:02}Z"}, **self.then}
            self.then = {}
            await self._client.patch(
                APPLICATIONS, name, "argocd", status, patch_type=PatchType.MERGE, field_manager="haori"
            )
        return await self._client.patch(resource, name, *where, **chosen)


@pytest.fixture
async def busy(client: LocalClient) -> Busy:
    await install_missing(client, "argocd")
    return Busy(client)


@pytest.fixture
def talk(context: ServerContext, busy: Busy) -> Talk:
    return Talk(build_app(replace(context, client=cast(HttpClient, busy)), port=8080))


async def create(client: LocalClient, *, automated: bool, phase: str = "Succeeded") -> None:
    manifest = application("shop", spec={"syncPolicy": {"automated": {}} if automated else {}})
    history = [
        {"id": number, "revision": revision, "deployedAt": "2026-11-26T00:00:00Z", "source": manifest["spec"]["source"]}
        for number, revision in enumerate((OLD, NEW), start=1)
    ]
    del manifest["metadata"]["resourceVersion"]
    manifest["status"] |= {
        "history": history,
        "operationState": {"phase": phase, "operation": {"sync": {}}, "startedAt": "2026-11-26T00:00:00Z"},
    }
    await client.create(APPLICATIONS, manifest)


ASKED = {
    "a pin": ("POST", "/api/haori/v1/applications/shop/rollback", {"reason": "night"}),
    "a rollback as Argo CD's": ("POST", "/api/v1/applications/shop/rollback", {"id": "1"}),
    "a sync": ("POST", "/api/v1/applications/shop/sync", {}),
}


@pytest.mark.parametrize("name", ASKED)
async def test_what_the_engine_writes_meanwhile_refuses_nobody(talk: Talk, busy: Busy, client: LocalClient, name: str):
    await create(client, automated=True)
    busy.left = TRIES - 1
    method, path, body = ASKED[name]

    answer = await talk.ask(method, path, who="admin", body=body)

    kept = await client.get(APPLICATIONS, "shop", "argocd")
    assert answer.status == 200, answer.body
    assert (busy.left, "haori.dev/pin" in kept["metadata"].get("annotations", {})) == (0, name != "a sync")
    assert ("operation" in kept) is (name == "a sync")


async def test_what_never_comes_to_rest_is_said(talk: Talk, busy: Busy, client: LocalClient):
    await create(client, automated=True)
    busy.left = TRIES

    answer = await talk.ask(*ASKED["a sync"][:2], who="admin", body={})

    assert (answer.status, "operation" in await client.get(APPLICATIONS, "shop", "argocd")) == (409, False)


async def test_it_is_decided_by_what_stands_there_then(talk: Talk, busy: Busy, client: LocalClient):
    await create(client, automated=True)
    busy.left, busy.then = 1, {"operation": {"sync": {"revision": OLD}}}

    answer = await talk.ask(*ASKED["a sync"][:2], who="admin", body={})

    kept = await client.get(APPLICATIONS, "shop", "argocd")
    assert (answer.status, kept["operation"]["sync"]["revision"]) == (400, OLD)


async def test_who_may_change_it_is_judged_by_where_it_is_then(talk: Talk, busy: Busy, client: LocalClient):
    await create(client, automated=True)
    busy.left, busy.then = 1, {"spec": {"project": "shop"}}

    answer = await talk.ask(*ASKED["a sync"][:2], who="admin", body={})

    assert (answer.status, "operation" in await client.get(APPLICATIONS, "shop", "argocd")) == (403, False)


@pytest.mark.parametrize(("automated", "status"), [(True, 200), (False, 400)])
async def test_a_pin_waits_for_no_sync_that_waits_itself(
    talk: Talk, client: LocalClient, automated: bool, status: int
):  # fmt: skip
    await create(client, automated=automated, phase="Running")

    answer = await talk.ask(*ASKED["a pin"][:2], who="admin", body={"reason": "night"})

    assert answer.status == status, answer.body


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("rollback", {"id": "²"}, "field-unusable"),
        ("rollback", {"id": "٣"}, "field-unusable"),
        ("rollback", {"id": True}, "field-unusable"),
        ("sync", {"sourcePositions": ["9" * 5000], "revisions": ["main"]}, "field-unusable"),
        ("sync", {"revision": OLD}, "sync-of-another-revision"),
        ("sync", {"revisions": [OLD]}, "sync-of-another-revision"),
    ],
)
async def test_what_cannot_be_asked_for_is_named(talk: Talk, client: LocalClient, path: str, body: Any, code: str):
    await create(client, automated=True)

    answer = await talk.ask("POST", f"/api/v1/applications/shop/{path}", who="admin", body=body)

    assert (answer.status, answer.code) == (400, code)
    assert "operation" not in await client.get(APPLICATIONS, "shop", "argocd")


async def test_one_that_was_made_anew_meanwhile_is_another(talk: Talk, busy: Busy, client: LocalClient):
    await create(client, automated=True)
    busy.renew, busy.left = True, 1

    answer = await talk.ask(*ASKED["a sync"][:2], who="admin", body={})

    assert (answer.status, "operation" in await client.get(APPLICATIONS, "shop", "argocd")) == (403, False)


@pytest.mark.parametrize("duration", ["0s", "-5m"])
async def test_a_pin_that_would_be_over_at_once_is_refused(talk: Talk, client: LocalClient, duration: str):
    await create(client, automated=True)

    answer = await talk.ask(*ASKED["a pin"][:2], who="admin", body={"for": duration})

    kept = await client.get(APPLICATIONS, "shop", "argocd")
    assert (answer.status, "haori.dev/pin" in kept["metadata"].get("annotations", {})) == (400, False)


@pytest.mark.parametrize("url", ["file:///srv/git/shop.git", "/srv/git/shop.git"])
@pytest.mark.parametrize("path", ["/api/v1/repositories", "/api/v1/repositories/{}/validate"])
async def test_nobody_registers_a_folder_of_the_server_s_disk(talk: Talk, url: str, path: str):
    answer = await talk.ask("POST", path.format(quote(url, safe="")), who="admin", body={"repo": url})

    assert (answer.status, answer.code) == (400, "git-url-file")
