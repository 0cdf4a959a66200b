"""The audit of requests."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from haori.access.trail import AuditTrail
from haori.sandbox.api.local import LocalClient
from haori.server.app import ROUTES
from haori.server.context import ServerContext
from haori.server.routing import Open, Route, Rule
from haori.store import StoreSettings
from tests.access.conftest import client, server, settings, url, wheel
from tests.server.conftest import application
from tests.server.furnished import OWNER_TOKEN, WORD, House, furnish
from tests.server.talking import Talk
from tests.server.test_routes import BODY, named, path_of

__all__ = ["client", "server", "settings", "url", "wheel"]

CHANGES = [route for route in ROUTES if route.is_change]


def told(trail: AuditTrail) -> list[dict[str, Any]]:
    """What waits to be kept."""
    return [{**event.parameters, "outcome": event.outcome, "project": event.project} for event in trail._waiting]


@pytest.mark.parametrize("route", [each for each in CHANGES if each.access is not Open.PUBLIC], ids=named)
async def test_a_change_by_any_route_leaves_one_record(talk: Talk, context: ServerContext, cluster, route: Route):
    cluster.applications["web"] = application("web", "shop")
    await talk.ask(route.method, path_of(route), who="admin", body=BODY)
    (record,) = told(context.trail)
    assert (record["who"], record["issuer"]) == ("admin", "local")
    assert record["action"]
    assert record["details"]["route"] == named(route)


@pytest.mark.parametrize("route", [each for each in CHANGES if isinstance(each.access, Rule)], ids=named)
async def test_a_refusal_leaves_one_as_well(talk: Talk, context: ServerContext, cluster, route: Route):
    cluster.applications["web"] = application("web", "crm")
    answer = await talk.ask(route.method, path_of(route), who="member", body=BODY)
    (record,) = told(context.trail)
    assert (answer.status, record["outcome"], record["who"]) == (403, "refused", "member")


@pytest.mark.parametrize("route", [each for each in ROUTES if not each.is_change], ids=named)
async def test_whoever_only_looks_leaves_none(talk: Talk, context: ServerContext, route: Route):
    context.streams.stopping.set()
    await talk.ask(route.method, path_of(route), who="admin", body=BODY)
    assert told(context.trail) == []


async def test_nobody_fills_the_audit(talk: Talk, context: ServerContext):
    await talk.ask("POST", "/api/v1/applications", body=BODY)
    assert told(context.trail) == []


async def test_a_record_says_by_which_rule_and_holds_no_secret(talk: Talk, context: ServerContext, cluster):
    cluster.applications["web"] = application("web", "shop")
    body = {"revision": "abc", "prune": True, "manifests": ["hush"], "infos": [{"name": "a", "value": "hush"}]}
    await talk.ask("POST", "/api/v1/applications/web/sync?appNamespace=argocd&x=hush", who="member", body=body)
    (record,) = told(context.trail)

    assert record["action"] == "applications/sync"
    assert record["object"] == "Application argocd/web"
    assert record["project"] == "shop"
    assert record["rule"] == "p, member, applications, *, shop/*, allow"
    assert record["details"]["body"] == {"revision": "abc", "prune": True}
    assert "hush" not in str(record)


@pytest.fixture
async def house(context: ServerContext, client: LocalClient, settings: StoreSettings) -> AsyncIterator[House]:
    async with furnish(context, client, settings) as house:
        yield house


async def read(house: House, query: str = "") -> list[dict[str, Any]]:
    await kept(house)
    answer = await house.talk.ask("GET", f"/api/haori/v1/audit?{query}", who=OWNER_TOKEN)
    assert answer.status == 200, answer.body
    return list(answer.json()["items"])


async def kept(house: House) -> None:
    """Until the store has all there is."""
    while house.context.trail.waiting:  # noqa: ASYNC110 - nothing says so, and the test has a time-out
        await asyncio.sleep(0.01)


async def test_signing_in_and_failing_to_are_told(house: House):
    await house.sign_in("reader", "wrong")
    reader = await house.credential("reader")
    await house.talk.ask("DELETE", "/api/v1/session", who=reader)
    out, done, failed = await read(house)

    assert (failed["actor"], failed["object"], failed["outcome"]) == ("", "Account reader", "refused")
    assert (done["actor"], done["object"], done["outcome"]) == ("reader", "Account reader", "done")
    assert (out["actor"], out["action"], out["outcome"]) == ("reader", "session/sign-out", "done")
    assert out["object"] == "Account reader"
    assert done["details"]["from"] == "127.0.0.1"
    assert WORD not in str([out, done, failed])


async def test_it_is_told_which_token_and_whose_link_was_meant(house: House):
    member = await house.credential("member")
    made = await house.talk.ask("POST", "/api/haori/v1/tokens", who=member, body={"name": "ci"})
    await house.talk.ask("POST", "/api/haori/v1/tokens", who=member, body={"name": "ci", "scopes": ["pods:get"]})
    await house.talk.ask("DELETE", f"/api/haori/v1/tokens/{made.json()['id']}", who=member)
    await house.talk.ask("POST", "/api/v1/account/bot/token", who=OWNER_TOKEN, body={"id": "deploy"})
    await house.talk.ask("DELETE", "/api/v1/account/bot/token/deploy", who=OWNER_TOKEN)
    link = (await house.talk.ask("POST", "/api/haori/v1/session/links", who=OWNER_TOKEN)).json()
    for _ in range(2):
        await house.talk.ask("POST", "/api/haori/v1/session/link", body={"code": link["code"]})
    rows = await read(house)

    token = f"Token ci ({made.json()['id']}) of member"
    assert [(row["action"], row["object"], row["outcome"]) for row in reversed(rows)][1:] == [
        ("tokens/create", token, "done"),
        ("tokens/create", "Token ci of member", "failed"),
        ("tokens/revoke", token, "done"),
        ("accounts/update", "Token deploy of bot", "done"),
        ("accounts/update", "Token deploy of bot", "done"),
        ("session/link", "One-time link of owner", "done"),
        ("session/sign-in", "Account owner", "done"),
        ("session/sign-in", "One-time link", "refused"),
    ]
    assert made.json()["token"] not in str(rows)
    assert link["code"] not in str(rows)


def test_every_change_has_a_name():
    nameless = [f"{route.method} {route.path}" for route in ROUTES if route.is_change and not _is_named(route)]
    assert nameless == []


def _is_named(route: Route) -> bool:
    return isinstance(route.access, Rule) or bool(route.deed)


async def test_the_audit_is_filtered(house: House):
    reader, member = await house.credential("reader"), await house.credential("member")
    for who in (reader, member):
        await house.talk.ask("POST", "/api/haori/v1/tokens", who=who, body={"name": "ci"})
    await house.talk.ask("POST", "/api/v1/account/bot/token", who=reader, body={})
    house.clock.now += timedelta(hours=1)
    await house.talk.ask("POST", "/api/v1/account/bot/token", who=OWNER_TOKEN, body={"id": "ci"})

    assert len(await read(house)) == 6
    assert {each["actor"] for each in await read(house, "actor=reader")} == {"reader"}
    assert [each["outcome"] for each in await read(house, "object=bot")] == ["done", "refused"]
    assert [each["actor"] for each in await read(house, "outcome=refused")] == ["reader"]
    assert len(await read(house, "action=accounts/")) == 2
    assert len(await read(house, "from=2026-11-26T03:30:00Z")) == 1
    assert len(await read(house, "to=2026-11-26T03:30:00Z")) == 5


async def test_the_audit_comes_in_pages(house: House):
    for _ in range(3):
        await house.credential("reader")
    await kept(house)
    first = (await house.talk.ask("GET", "/api/haori/v1/audit?limit=2", who=OWNER_TOKEN)).json()
    path = f"/api/haori/v1/audit?limit=2&before={first['next']}"
    second = (await house.talk.ask("GET", path, who=OWNER_TOKEN)).json()

    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


@pytest.mark.parametrize("query", ["from=soon", "limit=0", "before=x"])
async def test_a_question_of_another_shape_is_refused(house: House, query):
    for path in ("/api/haori/v1/audit", "/api/haori/v1/audit/export")[: 2 if "from" in query else 1]:
        assert (await house.talk.ask("GET", f"{path}?{query}", who=OWNER_TOKEN)).status == 400


async def test_the_audit_is_for_who_may_change_accounts(house: House):
    for name, status in (("reader", 403), ("member", 403), ("admin", 200)):
        credential = await house.credential(name)
        assert (await house.talk.ask("GET", "/api/haori/v1/audit", who=credential)).status == status


async def test_the_audit_is_taken_along_as_a_file(house: House):
    await house.sign_in("=cmd()", "wrong")
    await house.credential("reader")
    await kept(house)
    as_json = await house.talk.ask("GET", "/api/haori/v1/audit/export", who=OWNER_TOKEN)
    as_csv = await house.talk.ask("GET", "/api/haori/v1/audit/export?format=csv", who=OWNER_TOKEN)
    rows = list(csv.DictReader(io.StringIO(as_csv.body.decode())))

    assert as_csv.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert [each["actor"] for each in as_json.json()] == [each["actor"] for each in rows] == ["reader", ""]
    assert rows[1]["object"] == "Account =cmd()"


async def test_without_a_store_the_audit_says_so(context: ServerContext, client: LocalClient):
    async with furnish(context, client, None) as bare:
        for path in ("/api/haori/v1/audit", "/api/haori/v1/audit/export"):
            answer = await bare.talk.ask("GET", path, who=OWNER_TOKEN)
            assert (answer.status, answer.code) == (503, "store-away")
