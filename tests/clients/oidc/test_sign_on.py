"""Signing in by a real identity provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from haori.access.sign_on import Flow, seal_flow, unseal_flow
from haori.cluster.well_known import SECRETS
from haori.sandbox.api.local import LocalClient
from haori.server.context import ServerContext
from haori.store import StoreSettings
from tests.access.conftest import client, server, settings, url, wheel
from tests.clients.oidc.running import SERVER, Idp, run_provider
from tests.server.conftest import cluster, context, table
from tests.server.furnished import ACCOUNTS, House, furnish
from tests.server.people import RULES
from tests.server.talking import Answer

pytestmark = pytest.mark.clients
__all__ = ["client", "cluster", "context", "server", "settings", "table", "url", "wheel"]

CONFIG = """
name: Wear
issuer: {issuer}
clientID: haori
clientSecret: $oidc.wear.clientSecret
requestedScopes: [openid, profile, email, groups, offline_access]
requestedIDTokenClaims: {{groups: {{essential: true}}}}
"""
POLICY = RULES + "g, wear, role:readonly\n"


@pytest.fixture
async def idp(tmp_path: Path) -> AsyncIterator[Idp]:
    folder = tmp_path / "provider"
    await asyncio.to_thread(folder.mkdir)
    async with run_provider(folder) as idp:
        yield idp


@pytest.fixture
async def house(context: ServerContext, client: LocalClient, settings: StoreSettings, idp: Idp) -> AsyncIterator[House]:
    async with furnish(context, client, settings) as house:
        house.clock.now = datetime.now(UTC)
        house.tell("argocd-rbac-cm", **{"policy.csv": POLICY})
        configure(house, CONFIG.format(issuer=idp.issuer))
        await house.entrance.book.change(lambda data: data.update({"oidc.wear.clientSecret": b"secret-of-haori\n"}))
        yield house


def configure(house: House, config: str) -> None:
    house.tell("argocd-cm", **{**ACCOUNTS, "oidc.config": config})


def cookies_of(answer: Answer) -> dict[str, str]:
    """Of one answer; the last header of several is told, so each is looked for in all of them."""
    return {name: value for name, _, value in (part.partition("=") for part in answer.cookies)}


async def leave(house: House, back: str = "/applications?x=1") -> tuple[str, str]:
    """(where the browser is led, its cookie)."""
    answer = await house.talk.ask("GET", f"/auth/login?{urlencode({'return_url': back})}")
    assert answer.status == 303, answer.body
    return answer.headers["location"], f"haori.signing-in={cookies_of(answer)['haori.signing-in']}"


async def come_back(house: House, location: str, cookie: str) -> Answer:
    return await house.talk.ask("GET", location.removeprefix(SERVER), cookie=cookie)


async def sign_in(house: House, idp: Idp) -> str:
    """The session's secret."""
    there, cookie = await leave(house)
    answer = await come_back(house, await idp.go(there), cookie)
    assert answer.status == 303, answer.body
    return cookies_of(answer)["argocd.token"]


async def info(house: House, credential: str) -> dict[str, object]:
    return dict((await house.talk.ask("GET", "/api/v1/session/userinfo", who=credential)).json())


async def test_somebody_signs_in_and_their_groups_count(house: House, idp: Idp):
    there, cookie = await leave(house)
    answer = await come_back(house, await idp.go(there), cookie)
    credential = cookies_of(answer)["argocd.token"]

    assert parse_qs(urlsplit(there).query)["code_challenge_method"] == ["S256"]
    assert answer.headers["location"] == f"{SERVER}/applications?x=1"
    assert await info(house, credential) == {
        "loggedIn": True, "username": "u-1", "iss": idp.issuer, "groups": ["wear"],
    }  # fmt: skip
    assert (await house.talk.ask("GET", "/api/v1/clusters", who=credential)).status == 200
    may = await house.talk.ask("GET", "/api/v1/account/can-i/applications/get/shop/web", who=credential)
    assert may.json()["value"] == "yes"


async def test_settings_tell_the_console_of_the_provider(house: House, idp: Idp):
    told = (await house.talk.ask("GET", "/api/v1/settings")).json()["oidcConfig"]
    assert (told["name"], told["issuer"], told["clientID"]) == ("Wear", idp.issuer, "haori")
    assert "secret" not in str(told).lower()


async def test_a_session_follows_its_groups_when_the_token_ends(house: House, idp: Idp):
    credential = await sign_in(house, idp)
    await idp.control("", "crm", "ops")
    assert (await info(house, credential))["groups"] == ["wear"]

    house.clock.now += timedelta(seconds=3590)
    assert (await info(house, credential))["groups"] == ["wear"]
    house.clock.now += timedelta(seconds=20)
    assert (await info(house, credential))["groups"] == ["crm", "ops"]


async def test_a_refresh_token_is_used_once_however_many_ask(house: House, idp: Idp):
    """The provider ends everything where a refresh token is shown twice."""
    credential = await sign_in(house, idp)
    house.clock.now += timedelta(seconds=3605)
    told = await asyncio.gather(*(info(house, credential) for _ in range(8)))
    assert all(each["loggedIn"] for each in told)


async def test_a_session_ends_where_the_provider_says_no(house: House, idp: Idp, client: LocalClient):
    credential = await sign_in(house, idp)
    await house.entrance.book.change(lambda data: data.update({"oidc.wear.clientSecret": b"another"}))
    house.clock.now += timedelta(seconds=3605)
    assert await info(house, credential) == {"loggedIn": False}


async def test_a_session_without_a_token_for_later_ends_with_its_word(house: House, idp: Idp):
    configure(house, CONFIG.format(issuer=idp.issuer).replace(", offline_access", ""))
    credential = await sign_in(house, idp)
    assert (await info(house, credential))["loggedIn"]
    house.clock.now += timedelta(seconds=3605)
    assert not (await info(house, credential))["loggedIn"]


async def test_a_session_ends_when_the_provider_is_no_longer_the_one(house: House, idp: Idp):
    credential = await sign_in(house, idp)
    configure(house, "")
    assert not (await info(house, credential))["loggedIn"]


async def test_signing_out_goes_by_the_provider(house: House, idp: Idp):
    credential = await sign_in(house, idp)
    answer = await house.talk.ask("GET", "/auth/logout", cookie=f"argocd.token={credential}")
    there = answer.headers["location"]

    assert there.startswith(f"{idp.issuer}/session/end?")
    assert not (await info(house, credential))["loggedIn"]
    async with idp.browser.get(there) as page:
        assert page.status == 200, await page.text()


async def test_signing_out_goes_where_the_settings_say(house: House, idp: Idp):
    logout = "logoutURL: https://id.example/out?hint={{token}}&back={{logoutRedirectURL}}\n"
    configure(house, CONFIG.format(issuer=idp.issuer) + logout)
    credential = await sign_in(house, idp)
    answer = await house.talk.ask("GET", "/auth/logout", cookie=f"argocd.token={credential}")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["back"] == [f"{SERVER}/"]
    assert asked["hint"][0].count(".") == 2


async def test_another_site_signs_nobody_out(house: House, idp: Idp):
    credential = await sign_in(house, idp)
    answer = await house.talk.ask(
        "GET", "/auth/logout", cookie=f"argocd.token={credential}", sec_fetch_site="cross-site"
    )
    assert answer.status == 403
    assert (await info(house, credential))["loggedIn"]


async def test_whoever_comes_back_to_another_browser_is_not_signed_in(house: House, idp: Idp):
    there, _ = await leave(house)
    _, of_another = await leave(house)
    back = await idp.go(there)
    for cookie in ("", of_another, "haori.signing-in=AAAA"):
        answer = await come_back(house, back, cookie)
        assert (answer.status, answer.code) == (401, "oidc-flow-unknown")


async def test_a_state_that_was_changed_is_refused(house: House, idp: Idp):
    there, cookie = await leave(house)
    answer = await come_back(house, (await idp.go(there)).replace("state=", "state=x"), cookie)
    assert answer.code == "oidc-flow-unknown"


async def test_whoever_takes_too_long_begins_again(house: House, idp: Idp):
    there, cookie = await leave(house)
    back = await idp.go(there)
    house.clock.now += timedelta(minutes=11)
    assert (await come_back(house, back, cookie)).code == "oidc-flow-unknown"


async def test_a_code_is_good_once(house: House, idp: Idp):
    there, cookie = await leave(house)
    back = await idp.go(there)
    assert (await come_back(house, back, cookie)).status == 303
    assert (await come_back(house, back, cookie)).code == "oidc-refused"


def forged(house: House, cookie: str, **changes: str) -> str:
    """The cookie of somebody who could seal one: what else stands in the way."""
    key = house.entrance.book.accounts.signing_key
    flow = unseal_flow(key, cookie.partition("=")[2])
    assert flow is not None
    parts = {name: getattr(flow, name) for name in Flow.__dataclass_fields__}
    return f"haori.signing-in={seal_flow(key, Flow(**{**parts, **changes}))}"


@pytest.mark.parametrize(
    ("changes", "code", "why"),
    [
        pytest.param({"nonce": "another"}, "oidc-token-refused", "nonce", id="the-nonce-of-another-sign-in"),
        pytest.param({"verifier": "x" * 43}, "oidc-refused", "", id="without-the-secret-of-pkce"),
    ],
)
async def test_what_belongs_to_another_sign_in_is_refused(house: House, idp: Idp, changes, code, why):
    there, cookie = await leave(house)
    answer = await come_back(house, await idp.go(there), forged(house, cookie, **changes))
    assert (answer.status, answer.code) == (401, code)
    assert answer.json()["haori"]["parameters"].get("why", "") == why


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        pytest.param(-50, 303, id="we-are-slow-within-a-minute"),
        pytest.param(-90, 401, id="we-are-slow-by-more"),
        pytest.param(3640, 303, id="we-are-fast-within-a-minute-of-its-end"),
        pytest.param(3700, 401, id="we-are-fast-by-more"),
    ],
)
async def test_clocks_may_be_a_minute_apart(house: House, idp: Idp, seconds, status):
    house.clock.now += timedelta(seconds=seconds)
    there, cookie = await leave(house)
    assert (await come_back(house, await idp.go(there), cookie)).status == status


async def id_token_of(house: House, idp: Idp) -> str:
    """A token of the provider, as a program would have it."""
    credential = await sign_in(house, idp)
    session = await house.entrance.sessions.find(credential)
    assert session is not None
    return str(house.entrance.sign_on._unseal(session)["id"])


async def test_a_token_of_the_provider_is_taken_from_programs(house: House, idp: Idp):
    token = await id_token_of(house, idp)
    assert (await info(house, token))["username"] == "u-1"
    house.clock.now += timedelta(hours=2)
    assert not (await info(house, token))["loggedIn"]


async def test_a_token_for_another_client_is_nobody_s(house: House, idp: Idp):
    other = CONFIG.format(issuer=idp.issuer).replace("clientID: haori", "clientID: other")
    await house.entrance.book.change(lambda data: data.update({"oidc.wear.clientSecret": b"secret-of-other"}))
    configure(house, other)
    token = await id_token_of(house, idp)
    assert (await info(house, token))["loggedIn"]

    configure(house, CONFIG.format(issuer=idp.issuer))
    assert not (await info(house, token))["loggedIn"]
    configure(house, CONFIG.format(issuer=idp.issuer) + "allowedAudiences: [haori, other]\n")
    assert (await info(house, token))["loggedIn"]


async def test_a_token_that_was_changed_is_nobody_s(house: House, idp: Idp):
    head, body, signature = (await id_token_of(house, idp)).split(".")
    assert not (await info(house, f"{head}.{body}.{signature[:-8]}AAAAAAAA"))["loggedIn"]


async def test_whoever_is_called_like_an_account_is_not_it(house: House, idp: Idp):
    await idp.control("admin", "wear")
    there, cookie = await leave(house)
    assert (await come_back(house, await idp.go(there), cookie)).code == "oidc-name-taken"


async def test_a_secret_in_another_place_is_found(house: House, idp: Idp, client: LocalClient):
    for name, labels in (("oidc", {"app.kubernetes.io/part-of": "argocd"}), ("foreign", {})):
        manifest = {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "argocd", "labels": labels},
            "stringData": {"secret": "secret-of-haori"},
        }  # fmt: skip
        await client.create(SECRETS, manifest)
    configure(house, CONFIG.format(issuer=idp.issuer).replace("$oidc.wear.clientSecret", "$oidc:secret"))
    assert await sign_in(house, idp)
    configure(house, CONFIG.format(issuer=idp.issuer).replace("$oidc.wear.clientSecret", "$foreign:secret"))
    there, cookie = await leave(house)
    assert (await come_back(house, await idp.go(there), cookie)).code == "secret-reference-unknown"


async def test_signing_in_is_in_the_audit(house: House, idp: Idp):
    await sign_in(house, idp)
    there, cookie = await leave(house)
    await come_back(house, (await idp.go(there)).replace("state=", "state=x"), cookie)
    while house.context.trail.waiting:  # noqa: ASYNC110 - nothing says so, and the test has a time-out
        await asyncio.sleep(0.01)
    failed, done = (await house.talk.ask("GET", "/api/haori/v1/audit", who="owner-token")).json()["items"]
    assert (done["actor"], done["issuer"], done["outcome"]) == ("u-1", idp.issuer, "done")
    assert (failed["actor"], failed["outcome"]) == ("", "refused")
    assert "code=" not in str([done, failed])
