"""Webhooks: whose they are, whether they are signed, which repository they name, how they reach the engine."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any, cast

import pytest

from haori.cluster import EventType, WatchEvent
from haori.server.context import ServerContext
from haori.server.engine import Engine
from haori.server.errors import Kind, RefusedError
from haori.server.hooks import Service, read_repositories
from haori.server.knocking import BURST, WAITING, Buckets, Knocking
from tests.server.talking import Talk

URL = "https://git.example/wear/platform"
REPOSITORY = {"html_url": URL, "clone_url": f"{URL}.git", "ssh_url": "git@git.example:wear/platform.git"}
PUSH: dict[str, Any] = {"ref": "refs/heads/main", "repository": REPOSITORY}
BODY = json.dumps(PUSH).encode()
SECRET = b"it is a secret"


def digest(secret: bytes = SECRET) -> str:
    return hmac.new(secret, BODY, hashlib.sha256).hexdigest()


BASIC = base64.b64encode(b"azure:" + SECRET).decode()
SIGNED = {
    Service.GITHUB: {"x_github_event": "push", "x_hub_signature_256": f"sha256={digest()}"},
    Service.GITEA: {"x_gitea_event": "push", "x_github_event": "push", "x_gitea_signature": digest()},
    Service.GOGS: {"x_gogs_event": "push", "x_gogs_signature": digest()},
    Service.GITLAB: {"x_gitlab_event": "Push Hook", "x_gitlab_token": SECRET.decode()},
    Service.BITBUCKET: {"x_hook_uuid": "{" + SECRET.decode() + "}"},
    Service.BITBUCKET_SERVER: {"x_event_key": "repo:refs_changed", "x_hub_signature": f"sha256={digest()}"},
    Service.AZURE: {"x_vss_activityid": "1", "authorization": f"Basic {BASIC}"},
    Service.GENERIC: {"x_haori_signature": f"sha256={digest()}"},
}


@pytest.fixture
def keep(context: ServerContext):
    """Sets secrets in argocd-secret."""

    def keep(**secrets: bytes) -> None:
        data = {name.replace("_", "."): base64.b64encode(value).decode() for name, value in secrets.items()}
        secret = {"metadata": {"name": "argocd-secret", "namespace": "argocd"}, "data": data}
        context.entrance.book.observe(WatchEvent(type=EventType.MODIFIED, object=secret))

    return keep


@pytest.mark.parametrize("service", Service, ids=lambda each: each.title)
async def test_a_signed_webhook_is_taken_at_once(talk: Talk, context: ServerContext, keep, service: Service):
    keep(**{service.key.replace(".", "_"): SECRET + b"\n", "webhook_azuredevops_username": b"azure"})
    answer = await talk.ask("POST", "/api/webhook", raw=BODY, **SIGNED[service])
    assert (answer.status, answer.json()) == (200, {"accepted": 3})
    assert list(context.knocking._waiting) == [REPOSITORY["clone_url"], REPOSITORY["ssh_url"], URL]


@pytest.mark.parametrize("service", Service, ids=lambda each: each.title)
@pytest.mark.parametrize("how", ["not", "wrongly"])
async def test_where_a_secret_is_set_nothing_else_is_taken(
    talk: Talk, context: ServerContext, keep, service: Service, how: str
):
    keep(**{service.key.replace(".", "_"): b"another secret", "webhook_azuredevops_username": b"azure"})
    given = dict(SIGNED[service])
    if how == "not":
        given = {next(iter(given)): "1"} if service is not Service.GENERIC else {"x_haori_signature": "-"}
    answer = await talk.ask("POST", "/api/webhook", raw=BODY, **given)
    assert (answer.status, answer.code) == (401, "webhook-unsigned")
    assert service.key in answer.json()["haori"]["hint"]
    assert not context.knocking._waiting


async def test_where_no_secret_is_set_a_service_is_taken_as_argo_cd_takes_it_and_the_generic_form_is_not(talk: Talk):
    assert (await talk.ask("POST", "/api/webhook", raw=BODY, x_github_event="push")).status == 200
    answer = await talk.ask("POST", "/api/webhook", raw=BODY, x_haori_signature="sha256=0")
    assert (answer.status, answer.code) == (403, "webhook-without-secret")


async def test_a_request_of_no_known_service_is_refused(talk: Talk):
    assert (await talk.ask("POST", "/api/webhook", raw=BODY)).code == "webhook-unknown"


@pytest.mark.parametrize("raw", [b"{", b"[]", b"ref=main"], ids=["broken", "list", "form"])
async def test_a_body_that_is_no_json_object_is_refused(talk: Talk, raw: bytes):
    assert (await talk.ask("POST", "/api/webhook", raw=raw, x_github_event="push")).status == 400


@pytest.mark.parametrize(
    ("payload", "urls"),
    [
        ({"zen": "Keep it", "repository": REPOSITORY}, []),
        ({"ref": "refs/heads/main", "project": {"web_url": URL, "git_ssh_url": "git@x:a"}}, ["git@x:a", URL]),
        ({"push": {"changes": []}, "repository": {"links": {"html": {"href": URL}}}}, [URL]),
        (
            {"changes": [], "repository": {"links": {"clone": [{"href": "a", "name": "http"}, {"href": "b"}]}}},
            ["a", "b"],
        ),
        ({"resource": {"refUpdates": [{}], "repository": {"remoteUrl": URL}}}, [URL]),
        ({"url": URL}, [URL]),
        ({"url": "x" * 3000}, []),
        ({"ref": 1, "repository": "x", "project": [1], "resource": {"refUpdates": None}}, []),
    ],
    ids=["ping", "gitlab", "bitbucket", "bitbucket-server", "azure", "generic", "long", "nonsense"],
)
def test_a_push_names_its_repository_in_the_shape_of_each_service(payload: dict[str, Any], urls: list[str]):
    assert read_repositories(payload) == urls


def test_how_often_an_address_knocks_is_bounded():
    now = 0.0
    buckets = Buckets(lambda: now)
    for _ in range(int(BURST)):
        buckets.take("a")
    with pytest.raises(RefusedError) as caught:
        buckets.take("a")
    assert caught.value.kind is Kind.TOO_MANY
    buckets.take("b")
    now = 1.0
    buckets.take("a")


class Told:
    """An engine that remembers what it was told, and says when."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.is_told = asyncio.Event()

    async def post(self, *segments: str, body: dict[str, Any], **query: str) -> Any:
        assert segments == ("repositories", "changed")
        self.urls.append(body["url"])
        self.is_told.set()
        return {"applications": 1}


async def test_the_engine_is_told_of_each_repository_once():
    engine = Told()
    knocking = Knocking(cast(Engine, engine), lambda: 0.0)
    for url in ("a", "b", "a"):
        knocking.put(url)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(knocking.run())
        while len(engine.urls) < 2:
            engine.is_told.clear()
            await engine.is_told.wait()
        running.cancel()
    assert engine.urls == ["a", "b"]


def test_what_waits_is_bounded():
    knocking = Knocking(cast(Engine, Told()), lambda: 0.0)
    for number in range(WAITING):
        knocking.put(str(number))
    knocking.put("0")
    with pytest.raises(RefusedError) as caught:
        knocking.put("more")
    assert caught.value.kind is Kind.UNAVAILABLE
