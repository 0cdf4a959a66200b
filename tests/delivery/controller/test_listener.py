"""The listener answers who has the token, tells everyone else nothing, and fails in one shape."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from haori.delivery.controller.listener import ListenerSettings, open_listener
from haori.delivery.controller.listener.routes import ROUTES
from haori.delivery.controller.listener.server import ListenerTokenError
from haori.delivery.controller.view import ApplicationMissingError, ObjectName, PlanQuery, SearchQuery
from haori.errors import PeerError, TransientError
from tests.controlplane.conftest import free_ports


class View:
    """An engine that repeats what it was asked; it knows the application `shop` alone."""

    is_leading = True

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.failure: Exception | None = None
        self.observes: dict[str, Any] | None = None

    def applications(self) -> list[dict[str, Any]]:
        if self.failure is not None:
            raise self.failure
        return [{"name": "shop", "big": 2**70}]

    def observed(self) -> list[dict[str, Any]]:
        return [{"name": "shop", "agrees": True}]

    def application(self, name: str, namespace: str = "") -> dict[str, Any]:
        return self._answer("application", name, namespace)

    def tree(self, name: str, namespace: str = "") -> dict[str, Any]:
        return self._answer("tree", name, namespace)

    async def resources(self, name: str, namespace: str = "", *, only: ObjectName | None = None) -> list[Any]:
        return [self._answer("resources", name, namespace, only)]

    async def diff(self, name: str, namespace: str = "", *, revision: str = "", hard: bool = False) -> list[Any]:
        return [self._answer("diff", name, namespace, revision, hard)]

    async def manifests(self, name: str, namespace: str = "", *, revision: str = "", live: bool = False) -> list[Any]:
        return [self._answer("manifests", name, namespace, revision, live)]

    async def plan(self, name: str, namespace: str = "", *, query: PlanQuery | None = None) -> dict[str, Any]:
        return self._answer("plan", name, namespace, query)

    async def commit(self, name: str, namespace: str = "", *, revision: str) -> dict[str, Any]:
        return self._answer("commit", name, namespace, revision)

    async def search(self, query: SearchQuery) -> dict[str, Any]:
        self.asked.append(("search", query))
        return {"items": [], "total": 0, "counts": {}}

    def figures(self) -> dict[str, Any]:
        self.asked.append(("figures",))
        return {"leading": True}

    async def history(self, name: str, namespace: str = "") -> list[Any]:
        return [self._answer("history", name, namespace)]

    async def releases(self, name: str, namespace: str = "", *, first: int, second: int | None) -> dict[str, Any]:
        return self._answer("releases", name, namespace, first, second)

    async def ignore(self, name: str, namespace: str = "", *, rule: dict[str, Any]) -> dict[str, Any]:
        return self._answer("ignore", name, namespace, rule)

    def statistics(self) -> dict[str, Any]:
        return {"isolation": "namespace"}

    def refresh(self, name: str, namespace: str = "", *, hard: bool = False) -> None:
        self._answer("refresh", name, namespace, hard)

    def repositories_changed(self, url: str) -> int:
        self.asked.append(("changed", url))
        return 3

    async def roll_back(self, name: str, namespace: str, **given: Any) -> list[dict[str, Any]]:
        return [self._answer("rollback", name, namespace, given["entry_id"], given["author"].name, given["reason"])]

    def _answer(self, *asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if asked[1] != "shop":
            raise ApplicationMissingError("application-not-found", application=asked[1])
        return {"asked": asked[0]}


class Client:
    """Asks one listener."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session, self.url, self.token = session, url, token

    async def ask(self, path: str, method: str = "GET", *, headers: dict[str, str] | None = None, **body: Any) -> Any:
        given = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        async with self.session.request(method, self.url + path, headers=given, **body) as answer:
            return answer.status, json.loads(await answer.read())


@pytest.fixture
def view() -> View:
    return View()


@pytest_asyncio.fixture
async def client(view: View, tmp_path: Path) -> AsyncIterator[Client]:
    path = tmp_path / "engine" / "listener.json"
    async with (
        open_listener(view, ListenerSettings(path=path), rollbacks=view) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Client(session, url, json.loads(path.read_bytes())["token"])


@pytest.mark.parametrize(
    ("method", "path", "body", "asked"),
    [
        ("GET", "applications/shop?appNamespace=team", {}, ("application", "shop", "team")),
        ("GET", "figures", {}, ("figures",)),
        ("GET", "applications/shop/history", {}, ("history", "shop", "")),
        ("GET", "applications/shop/releases?from=1&to=3", {}, ("releases", "shop", "", 1, 3)),
        ("GET", "applications/shop/releases?from=1", {}, ("releases", "shop", "", 1, None)),
        ("POST", "applications/shop/ignore", {"kind": "Pod"}, ("ignore", "shop", "", {"kind": "Pod"})),
        ("GET", "applications/shop/tree", {}, ("tree", "shop", "")),
        (
            "GET",
            "applications/shop/resources?kind=Pod&namespace=n",
            {},
            ("resources", "shop", "", ObjectName(kind="Pod", namespace="n")),
        ),
        ("GET", "applications/shop/diff?revision=v2&hard=true", {}, ("diff", "shop", "", "v2", True)),
        ("GET", "applications/shop/manifests?live=1", {}, ("manifests", "shop", "", "", True)),
        ("GET", f"applications/shop/commit?revision={'a' * 40}", {}, ("commit", "shop", "", "a" * 40)),
        ("GET", "applications/shop/plan?prune=true", {}, ("plan", "shop", "", PlanQuery(prune=True))),
        ("GET", "applications/shop/plan?unpinned=true", {}, ("plan", "shop", "", PlanQuery(unpinned=True))),
        (
            "POST",
            "applications/shop/plan",
            {"operation": {"sync": {}}},
            ("plan", "shop", "", PlanQuery(operation={"sync": {}})),
        ),
        ("POST", "applications/shop/refresh", {"hard": True}, ("refresh", "shop", "", True)),
        (
            "POST",
            "applications/shop/rollback",
            {"id": 3, "reason": "why", "author": {"name": "Ana"}},
            ("rollback", "shop", "", 3, "Ana", "why"),
        ),
        (
            "POST",
            "search",
            {"words": ["Web"], "kinds": ["Pod"], "applications": {"argocd": ["shop"]}, "limit": 5},
            (
                "search",
                SearchQuery(
                    words=("web",), kinds=frozenset({"pod"}), applications={"argocd": frozenset({"shop"})}, limit=5
                ),
            ),
        ),
        ("POST", "repositories/changed", {"url": "http://x/y.git"}, ("changed", "http://x/y.git")),
    ],
)
async def test_a_question_reaches_the_engine(client: Client, view: View, method, path, body, asked) -> None:
    status, _ = await client.ask(f"/internal/v1/{path}", method, **({"json": body} if body else {}))
    assert status == 200
    assert view.asked == [asked]


async def test_rows_say_whether_the_engine_leads(client: Client) -> None:
    status, value = await client.ask("/internal/v1/applications")
    assert (status, value["leading"], value["items"][0]["name"]) == (200, True, "shop")
    assert value["items"][0]["big"] == 2**70


@pytest.mark.parametrize(
    ("path", "method", "headers", "status", "code"),
    [
        pytest.param("statistics", "GET", {"Authorization": "Bearer x"}, 401, "listener-unauthorized", id="token"),
        pytest.param("statistics", "GET", {"Authorization": ""}, 401, "listener-unauthorized", id="no-token"),
        pytest.param("statistics", "GET", {"Host": "evil.test"}, 421, "listener-refused-host", id="host"),
        pytest.param("nowhere", "GET", {}, 404, "listener-not-found", id="path"),
        pytest.param("applications/shop/nowhere", "GET", {}, 404, "listener-not-found", id="below"),
        pytest.param("applications/../statistics/x", "GET", {}, 404, "listener-not-found", id="dots"),
        pytest.param("applications/none", "GET", {}, 404, "application-not-found", id="application"),
        pytest.param("statistics", "POST", {}, 405, "listener-method-refused", id="method"),
        pytest.param("repositories/changed", "POST", {}, 400, "listener-field-missing", id="field"),
    ],
)
async def test_a_refusal_has_the_one_shape(client: Client, path, method, headers, status, code) -> None:
    found, value = await client.ask(f"/internal/v1/{path}", method, headers=headers)
    assert (found, value["error"]["code"]) == (status, code)
    assert set(value) == {"error"}
    assert set(value["error"]) == {"code", "parameters", "message"}
    assert value["error"]["message"]


@pytest.mark.parametrize(("method", "shape"), sorted(ROUTES))
async def test_every_route_wants_the_token(client: Client, view: View, method: str, shape: tuple[str, ...]) -> None:
    status, value = await client.ask(f"/internal/v1/{'/'.join(shape)}", method, headers={"Authorization": "Bearer no"})
    assert (status, value["error"]["code"], view.asked) == (401, "listener-unauthorized", [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"x" * (2 << 20), 413, "listener-body-too-large"),
        (b"{", 400, "listener-body-unreadable"),
        (b"[]", 400, "listener-body-unreadable"),
    ],
    ids=["large", "broken", "no-object"],
)
async def test_bodies_are_bounded_and_read_strictly(client: Client, body: bytes, status: int, code: str) -> None:
    found, value = await client.ask("/internal/v1/repositories/changed", "POST", data=io.BytesIO(body))
    assert (found, value["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (PeerError("engine-refused"), 502, "engine-refused"),
        (TransientError("engine-refused"), 503, "engine-refused"),
        (ZeroDivisionError("secret text"), 500, "listener-failed"),
    ],
    ids=["peer", "transient", "ours"],
)
async def test_a_failure_says_whose_move_it_is(client: Client, view: View, failure, status, code) -> None:
    view.failure = failure
    found, value = await client.ask("/internal/v1/applications")
    assert (found, value["error"]["code"]) == (status, code)
    assert "secret text" not in json.dumps(value)


async def test_an_engine_that_stands_by_says_so(client: Client, view: View) -> None:
    view.is_leading = False
    status, value = await client.ask("/internal/v1/applications/shop/tree")
    assert (status, value["error"]["code"]) == (503, "engine-stands-by")


async def test_the_address_is_private_and_goes_with_the_listener(view: View, tmp_path: Path) -> None:
    path = tmp_path / "listener.json"
    async with open_listener(view, ListenerSettings(path=path)) as url:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_bytes())["url"] == url
    assert not path.exists()


async def test_both_verdicts_are_told_with_the_reason(client: Client, view: View) -> None:
    view.observes = {"code": "observing-was-asked"}

    status, answer = await client.ask("/internal/v1/observed")
    assert (status, answer["items"], answer["observing"]) == (200, [{"name": "shop", "agrees": True}], view.observes)


async def test_a_listener_for_other_pods_takes_the_token_and_the_name_they_have(view: View, tmp_path: Path) -> None:
    token_file, token = tmp_path / "token", "t" * 40
    token_file.write_text(token + "\n")
    (port,) = free_ports(1)
    known = ListenerSettings(
        path=tmp_path / "listener.json", port=port, url="http://engine.example:8083", token_file=token_file
    )
    async with open_listener(view, known) as url, aiohttp.ClientSession() as session:
        assert url == "http://engine.example:8083"
        client = Client(session, f"http://127.0.0.1:{port}", token)
        for host, expected in (("engine.example:8083", 200), ("other.example:8083", 421)):
            assert (await client.ask("/internal/v1/statistics", headers={"Host": host}))[0] == expected


@pytest.mark.parametrize("content", [None, b"", b"short\n", b"\xff" * 40], ids=["none", "empty", "short", "no text"])
async def test_a_token_that_can_be_guessed_opens_no_listener(view: View, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ListenerTokenError):
        async with open_listener(view, ListenerSettings(path=tmp_path / "listener.json", token_file=path)):
            pass
    assert not (tmp_path / "listener.json").exists()
