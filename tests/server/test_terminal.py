"""The terminal: who may open one, what is said between the page and the shell, and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from haori.access import Policy
from haori.cluster import EventType, HttpClient, WatchEvent
from haori.cluster.exec_channels import RemoteCommand
from haori.server.app import ROUTES, build_app
from haori.server.context import ServerContext
from haori.server.destinations import Destinations
from haori.server.engine import Engine
from tests.server.conftest import NoCluster, application

POLICY = Policy.parse(
    "p, ann, applications, get, shop/*, allow\np, ann, exec, create, shop/*, allow\np, bob, applications, get, shop/*, allow\n"
)
QUERY = "pod=web-1&container=web&namespace=team&appName=web&projectName=shop"


class Shell:
    """A command that repeats what is typed, or is not there."""

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code, self.problem = exit_code, "not found" if exit_code else ""
        self.sizes: list[tuple[int, int]] = []
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        if exit_code:
            self._lines.put_nowait(None)

    async def output(self) -> AsyncIterator[bytes]:
        while (line := await self._lines.get()) is not None:
            yield line

    async def write(self, content: bytes) -> None:
        if not self.exit_code:
            await self._lines.put(None if content == b"exit\r" else content)

    async def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))


class Cluster(NoCluster):
    """With one running Pod, whose image has `sh` alone."""

    def __init__(self) -> None:
        super().__init__()
        self.phase, self.tried, self.shell = "Running", list[str](), Shell(0)
        self.applications["web"] = application("web", "shop")

    async def get(self, resource: Any, name: str, namespace: str = "") -> dict[str, Any]:
        if resource.kind == "Pod":
            return {"spec": {"containers": [{"name": "web"}]}, "status": {"phase": self.phase}}
        return await super().get(resource, name, namespace)

    @contextlib.asynccontextmanager
    async def execute(
        self, pod: str, namespace: str, container: str, command: Sequence[str]
    ) -> AsyncIterator[RemoteCommand]:
        self.tried.append(command[0])
        yield cast(RemoteCommand, self.shell if command[0] == "sh" else Shell(127))


class Tree:
    """An engine that knows the Pod of the application."""

    async def get(self, *segments: str, **query: str) -> Any:
        return {
            "nodes": [{"group": "", "kind": "Pod", "namespace": "team", "name": "web-1", "uid": "u", "parents": []}]
        }


class People:
    known = frozenset({"ann", "bob"})

    async def identify(self, authorization: str | None, cookies: Any) -> Any:
        from haori.access import Identity

        name = (authorization or "").removeprefix("Bearer ") or cookies.get("argocd.token", "")
        return Identity(subject=name, issuer="local") if name in self.known else None


class Socket:
    """The browser's side of one WebSocket."""

    def __init__(self, app: Any, query: str, headers: dict[str, str]) -> None:
        given = {"host": "localhost:8080", **headers}
        self._scope = {
            "type": "websocket", "path": "/terminal", "raw_path": b"/terminal", "query_string": query.encode(), "root_path": "",
            "scheme": "ws", "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8080), "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self._app = app
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Socket:
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._app(self._scope, self._in.get, self.out.put))
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task

    def say(self, **message: Any) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def hear(self) -> Any:
        message = await self.out.get()
        return json.loads(message["text"]) if message["type"] == "websocket.send" else message

    async def refusal(self) -> tuple[int, str]:
        start, body = await self.out.get(), await self.out.get()
        return start["status"], json.loads(body["body"])["haori"]["code"]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def server(context: ServerContext, cluster: Cluster) -> ServerContext:
    client = cast(HttpClient, cluster)
    config = {"metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": {"exec.enabled": "true"}}
    context.entrance.book.observe(WatchEvent(type=EventType.MODIFIED, object=config))
    return replace(
        context,
        client=client,
        destinations=Destinations(client, "argocd"),
        engine=cast(Engine, Tree()),
        authenticator=People(),
        policy=lambda: POLICY,
    )


def connect(server: ServerContext, who: str = "ann", query: str = QUERY, **headers: str) -> Socket:
    given = {"authorization": f"Bearer {who}"} if who and "cookie" not in headers else {}
    return Socket(build_app(server, port=8080, routes=ROUTES), query, given | headers)


async def test_the_page_and_the_shell_talk_as_in_argo_cd(server: ServerContext, cluster: Cluster):
    async with connect(server) as page:
        assert (await page.hear())["type"] == "websocket.accept"
        page.say(operation="resize", cols=120, rows=40)
        page.say(operation="stdin", data="echo ほ\r")
        assert await page.hear() == {"operation": "stdout", "data": "echo ほ\r"}
        page.say(operation="stdin", data="exit\r")
        assert (await page.hear())["type"] == "websocket.close"
    assert cluster.tried == ["bash", "sh"]
    assert cluster.shell.sizes == [(120, 40)]


async def test_opening_and_closing_leave_records(server: ServerContext):
    async with connect(server) as page:
        assert (await page.hear())["type"] == "websocket.accept"
        page.say(operation="stdin", data="exit\r")
        await page.hear()
    actions = [(each.who, each.parameters["action"]) for each in server.trail._waiting]
    assert actions == [("ann", "exec/open"), ("ann", "exec/close")]


@pytest.mark.parametrize(
    ("who", "query", "headers", "refusal"),
    [
        ("bob", QUERY, {}, (403, "permission-denied")),
        ("", QUERY, {"origin": "http://localhost:8080"}, (401, "not-signed-in")),
        ("ann", QUERY, {"host": "evil.example"}, (421, "host-unknown")),
        ("ann", QUERY, {"origin": "https://evil.example"}, (403, "request-from-elsewhere")),
        ("ann", QUERY, {"cookie": "argocd.token=ann"}, (403, "request-unproven")),
        (
            "ann",
            QUERY,
            {"cookie": "argocd.token=ann", "origin": "https://evil.example"},
            (403, "request-from-elsewhere"),
        ),
        ("ann", QUERY.replace("shop", "crm"), {}, (400, "terminal-other-project")),
        ("ann", QUERY.replace("web-1", "other"), {}, (404, "object-not-of-application")),
        ("ann", QUERY.replace("container=web", "container=x"), {}, (400, "terminal-no-container")),
        ("ann", QUERY.replace("pod=web-1", "pod=a/b"), {}, (400, "field-unusable")),
    ],
    ids=["permission", "nobody", "host", "origin", "unproven", "stolen", "project", "pod", "container", "name"],
)
async def test_what_is_refused_is_refused_before_anything_runs(
    server: ServerContext, cluster: Cluster, who: str, query: str, headers: dict[str, str], refusal: tuple[int, str]
):
    async with connect(server, who, query, **headers) as page:
        assert await page.refusal() == refusal
    assert cluster.tried == []


async def test_a_cookie_with_our_own_origin_lets_in(server: ServerContext):
    async with connect(server, cookie="argocd.token=ann", origin="http://localhost:8080") as page:
        assert (await page.hear())["type"] == "websocket.accept"
        page.say(operation="stdin", data="exit\r")
        await page.hear()


async def test_it_is_off_unless_the_settings_say_so(server: ServerContext):
    config = {"metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": {}}
    server.entrance.book.observe(WatchEvent(type=EventType.MODIFIED, object=config))
    async with connect(server) as page:
        assert await page.refusal() == (404, "terminal-disabled")


async def test_where_no_shell_is_in_the_image_it_says_so(server: ServerContext, cluster: Cluster):
    cluster.shell = Shell(127)
    async with connect(server) as page:
        assert (await page.hear())["type"] == "websocket.accept"
        assert "powershell" in (await page.hear())["data"]
        assert (await page.hear())["code"] == 1008
    assert cluster.tried == ["bash", "sh", "powershell", "cmd"]


async def test_a_message_of_another_kind_ends_it(server: ServerContext):
    async with connect(server) as page:
        assert (await page.hear())["type"] == "websocket.accept"
        page.say(operation="open")
        assert (await page.hear())["operation"] == "stdout"
        assert (await page.hear())["code"] == 1008
