"""Signing in and out, accounts and tokens, as browsers and programs do it; over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from haori.cluster.well_known import APP_PROJECTS
from haori.delivery.controller.install import install_missing
from haori.sandbox.api.local import LocalClient
from haori.server.context import ServerContext
from haori.store import StoreSettings
from tests.access.conftest import client, server, settings, url, wheel
from tests.server.furnished import ACCOUNTS, OWNER_TOKEN, WORD, House, furnish
from tests.server.talking import Answer

__all__ = ["client", "server", "settings", "url", "wheel"]


@pytest.fixture
async def house(context: ServerContext, client: LocalClient, settings: StoreSettings) -> AsyncIterator[House]:
    async with furnish(context, client, settings) as house:
        yield house


@pytest.fixture
async def bare(context: ServerContext, client: LocalClient) -> AsyncIterator[House]:
    """Without a store."""
    async with furnish(context, client, None) as house:
        yield house


def cookie_of(answer: Answer) -> dict[str, str]:
    parts = [each.strip().partition("=") for each in answer.headers["set-cookie"].split(";")]
    return {name.lower(): value for name, _, value in parts}


async def who(house: House, credential: str) -> str:
    """Who the server says that one is."""
    told = (await house.talk.ask("GET", "/api/v1/session/userinfo", who=credential)).json()
    return str(told.get("username", ""))


async def test_a_browser_signs_in_and_out(house: House):
    answer = await house.sign_in()
    cookie = cookie_of(answer)
    held = f"argocd.token={cookie['argocd.token']}"
    inside = await house.talk.ask("GET", "/api/v1/session/userinfo", cookie=held)
    out = await house.talk.ask("DELETE", "/api/v1/session", cookie=held, x_haori_request="1")
    after = await house.talk.ask("GET", "/api/v1/session/userinfo", cookie=held)

    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert {"httponly", "path", "max-age"} <= set(cookie)
    assert cookie["samesite"].lower() == "lax"
    assert "secure" not in cookie
    assert inside.json() == {"loggedIn": True, "username": "reader", "iss": "argocd", "groups": []}
    assert (out.status, cookie_of(out)["max-age"]) == (200, "0")
    assert after.json() == {"loggedIn": False}


async def test_signing_out_by_another_page_is_refused(house: House):
    held = f"argocd.token={await house.credential('reader')}"
    answer = await house.talk.ask("DELETE", "/api/v1/session", cookie=held, origin="http://evil.example")
    assert answer.status == 403
    assert (await house.talk.ask("GET", "/api/v1/session/userinfo", cookie=held)).json()["loggedIn"]


@pytest.mark.parametrize(
    ("headers", "settings_"),
    [
        ({"x_forwarded_proto": "https"}, {}),
        ({"host": "haori.localhost"}, {"url": "https://haori.localhost"}),
    ],
)
async def test_over_https_the_cookie_stays_there(house: House, headers, settings_):
    house.tell("argocd-cm", **ACCOUNTS, **settings_)
    assert "secure" in cookie_of(await house.sign_in(**headers))


async def test_a_program_uses_the_token_of_the_answer(house: House):
    credential = await house.credential("member")
    assert await who(house, credential) == "member"
    assert (await house.talk.ask("GET", "/api/v1/applications", who=credential)).status == 200


async def test_wrong_passwords_are_refused_and_slowed_down(house: House):
    answers = [await house.sign_in(password="wrong") for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[0].json()["haori"]["code"] == "sign-in-refused"
    assert answers[-1].headers["retry-after"] == "1"
    house.clock.now += timedelta(seconds=1)
    assert (await house.sign_in()).status == 200


@pytest.mark.parametrize("body", [{}, {"username": ["a"], "password": {}}, {"username": "reader"}])
async def test_a_sign_in_of_another_shape_is_refused(house: House, body):
    assert (await house.talk.ask("POST", "/api/v1/session", body=body)).status == 401


async def test_a_one_time_link_signs_the_owner_in(house: House):
    made = (await house.talk.ask("POST", "/api/haori/v1/session/links", who=OWNER_TOKEN)).json()
    answer = await house.talk.ask("POST", "/api/haori/v1/session/link", body={"code": made["code"]})
    again = await house.talk.ask("POST", "/api/haori/v1/session/link", body={"code": made["code"]})
    credential = cookie_of(answer)["argocd.token"]

    assert made["url"] == f"http://haori.localhost:8080/sign-in#code={made['code']}"
    assert answer.json() == {"username": "owner"}
    assert await who(house, credential) == "owner"
    assert (await house.talk.ask("GET", "/api/v1/clusters", who=credential)).status == 200
    assert (again.status, again.code) == (401, "sign-in-link-refused")


async def test_a_session_of_the_owner_makes_no_links(house: House):
    made = (await house.talk.ask("POST", "/api/haori/v1/session/links", who=OWNER_TOKEN)).json()
    answer = await house.talk.ask("POST", "/api/haori/v1/session/link", body={"code": made["code"]})
    credential = cookie_of(answer)["argocd.token"]
    assert (await house.talk.ask("POST", "/api/haori/v1/session/links", who=credential)).status == 403


async def test_without_the_store_each_answer_says_what_waits(bare: House):
    session = await bare.talk.ask("GET", "/api/v1/applications", who="haori_s_x")
    told = await bare.talk.ask("GET", "/api/v1/session/userinfo", who="haori_s_x")
    sign_in = await bare.sign_in()
    alive = await bare.talk.ask("GET", "/livez", who="haori_s_x")
    owner = await bare.talk.ask("GET", "/api/v1/applications", who=OWNER_TOKEN)
    token = bare.entrance.sign("reader:login", "x", None)
    signed = await bare.talk.ask("GET", "/api/v1/applications", who=token)

    assert [(answer.status, answer.code) for answer in (session, told, sign_in)] == [(503, "store-away")] * 3
    assert "tokens of accounts" in session.json()["haori"]["hint"]
    reasons = [each.json()["haori"]["parameters"]["reason"]["code"] for each in (session, told, sign_in)]
    assert reasons == ["store-reason-logged"] * 3, "lines of its log are for nobody unknown"
    assert (alive.status, owner.status, signed.status) == (200, 200, 200)


async def test_one_changes_one_s_password_by_the_old_one(house: House):
    credential = await house.credential("reader")

    async def change(current: str, new: str, **more: str) -> Answer:
        body = {"currentPassword": current, "newPassword": new, **more}
        return await house.talk.ask("PUT", "/api/v1/account/password", who=credential, body=body)

    assert (await change("wrong", "correct horse")).code == "password-current-wrong"
    assert (await change(WORD, "short")).code == "password-refused"
    assert (await change(WORD, "correct horse", name="member")).code == "permission-denied"
    assert (await change(WORD, "correct horse")).status == 200
    assert await who(house, credential) == ""
    assert (await house.sign_in("reader", "correct horse")).status == 200


async def test_an_administrator_gives_another_a_password(house: House):
    for credential, current in ((await house.credential("admin"), WORD), (OWNER_TOKEN, "")):
        body = {"name": "reader", "currentPassword": current, "newPassword": "correct horse"}
        answer = await house.talk.ask("PUT", "/api/v1/account/password", who=credential, body=body)
        assert answer.status == 200
    assert (await house.sign_in("reader", "correct horse")).status == 200


async def test_accounts_are_seen_by_themselves_and_by_who_may(house: House):
    plain, reader = await house.credential("plain"), await house.credential("reader")
    own = (await house.talk.ask("GET", "/api/v1/account", who=plain)).json()["items"]
    everybody = (await house.talk.ask("GET", "/api/v1/account", who=reader)).json()["items"]

    assert [each["name"] for each in own] == ["plain"]
    assert [each["name"] for each in everybody] == ["admin", "bot", "member", "plain", "reader"]
    assert own[0] == {"name": "plain", "enabled": True, "capabilities": ["login"], "tokens": []}
    assert (await house.talk.ask("GET", "/api/v1/account/plain", who=plain)).status == 200
    assert (await house.talk.ask("GET", "/api/v1/account/reader", who=plain)).status == 403


async def test_an_account_s_token_works_until_it_is_revoked(house: House):
    reader = await house.credential("reader")
    path = "/api/v1/account/reader/token"
    made = await house.talk.ask("POST", path, who=reader, body={"id": "ci", "expiresIn": "3600"})
    token = made.json()["token"]
    listed = (await house.talk.ask("GET", "/api/v1/account/reader", who=reader)).json()["tokens"]

    assert made.status == 200
    assert await who(house, token) == "reader"
    assert listed == [{"id": "ci", "issuedAt": "1795662000", "expiresAt": "1795665600"}]
    assert (await house.talk.ask("POST", path, who=reader, body={"id": "ci"})).status == 409
    assert (await house.talk.ask("DELETE", f"{path}/ci", who=reader)).status == 200
    assert await who(house, token) == ""
    assert (await house.talk.ask("DELETE", f"{path}/ci", who=reader)).status == 404


@pytest.mark.parametrize(
    ("account", "body", "code"),
    [
        ("plain", {}, "account-token-not-allowed"),
        ("ghost", {}, "account-unknown"),
        ("bot", {"expiresIn": "soon"}, "field-unusable"),
        ("bot", {"expiresIn": -5}, "field-unusable"),
        ("bot", {"expiresIn": 10**30}, "field-unusable"),
        ("bot", {"id": "x" * 200}, "field-unusable"),
    ],
)
async def test_an_account_s_token_that_cannot_be_is_refused(house: House, account, body, code):
    answer = await house.talk.ask("POST", f"/api/v1/account/{account}/token", who=OWNER_TOKEN, body=body)
    assert answer.code == code


async def make_scoped(house: House, credential: str, **body: Any) -> Answer:
    return await house.talk.ask("POST", "/api/haori/v1/tokens", who=credential, body={"name": "ci", **body})


async def test_a_token_with_scopes_may_what_they_say_and_no_more(house: House):
    reader = await house.credential("reader")
    made = (await make_scoped(house, reader, scopes=["projects:get"])).json()
    token = made["token"]

    async def may(resource: str) -> str:
        path = f"/api/v1/account/can-i/{resource}/get/shop"
        return str((await house.talk.ask("GET", path, who=token)).json()["value"])

    assert (await may("projects"), await may("clusters")) == ("yes", "no")
    assert (await house.talk.ask("GET", "/api/v1/account/reader", who=token)).status == 403
    assert (await make_scoped(house, token)).code == "token-makes-none"
    password = {"currentPassword": WORD, "newPassword": "correct horse"}
    changed = await house.talk.ask("PUT", "/api/v1/account/password", who=token, body=password)
    assert changed.code == "token-makes-none"


async def test_tokens_with_scopes_are_listed_without_secret_and_revoked(house: House):
    reader = await house.credential("reader")
    made = (await make_scoped(house, reader, expiresIn=60)).json()
    listed = (await house.talk.ask("GET", "/api/haori/v1/tokens", who=reader)).json()["items"]
    others = (await house.talk.ask("GET", "/api/haori/v1/tokens", who=await house.credential("member"))).json()["items"]

    assert [(each["id"], each["scopes"], "token" in each) for each in listed] == [(made["id"], ["*:*"], False)]
    assert others == []
    assert (await house.talk.ask("DELETE", f"/api/haori/v1/tokens/{made['id']}", who=reader)).status == 200
    assert await who(house, made["token"]) == ""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": ""}, "field-unusable"),
        ({"scopes": "applications:get"}, "field-unusable"),
        ({"scopes": ["applications"]}, "scope-unreadable"),
        ({"expiresIn": 400 * 86400}, "token-time-refused"),
    ],
)
async def test_a_token_with_scopes_that_cannot_be_is_refused(house: House, body, code):
    assert (await make_scoped(house, OWNER_TOKEN, **body)).code == code


async def test_who_may_change_accounts_revokes_the_tokens_of_others(house: House):
    reader, plain = await house.credential("reader"), await house.credential("plain")
    made = (await make_scoped(house, reader)).json()
    path = f"/api/haori/v1/tokens/{made['id']}"
    everybody = await house.talk.ask("GET", "/api/haori/v1/tokens?all=true", who=OWNER_TOKEN)

    assert [(each["subject"], each["name"]) for each in everybody.json()["items"]] == [("reader", "ci")]
    assert (await house.talk.ask("GET", "/api/haori/v1/tokens?all=true", who=plain)).status == 403
    assert (await house.talk.ask("DELETE", path, who=plain)).status == 403
    assert await who(house, made["token"]) == "reader"
    assert (await house.talk.ask("DELETE", path, who=OWNER_TOKEN)).status == 200
    assert await who(house, made["token"]) == ""
    assert (await house.talk.ask("DELETE", path, who=OWNER_TOKEN)).code == "token-unknown"


async def test_an_account_that_is_not_for_tokens_makes_none(house: House):
    assert (await make_scoped(house, await house.credential("plain"))).code == "account-token-not-allowed"


ROLE = {"name": "ci", "groups": ["wear"], "policies": ["p, proj:shop:ci, applications, get, shop/*, allow"]}
PATH = "/api/v1/projects/shop/roles/ci/token"


@pytest.fixture
async def project(house: House, client: LocalClient) -> House:
    manifest = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "shop", "namespace": "argocd"}, "spec": {"roles": [ROLE]},
    }  # fmt: skip
    await install_missing(client, "argocd")
    house.context.hear_project(await client.create(APP_PROJECTS, manifest))
    return house


async def test_a_project_s_token_works_until_it_is_revoked(project: House):
    made = await project.talk.ask("POST", PATH, who=OWNER_TOKEN, body={"id": "t1", "expiresIn": 60})
    token = made.json()["token"]
    may = await project.talk.ask("GET", "/api/v1/account/can-i/applications/get/shop/web", who=token)
    may_not = await project.talk.ask("GET", "/api/v1/account/can-i/applications/get/crm/web", who=token)

    assert await who(project, token) == "proj:shop:ci"
    assert (may.json()["value"], may_not.json()["value"]) == ("yes", "no")
    assert (await project.talk.ask("POST", PATH, who=OWNER_TOKEN, body={"id": "t1"})).status == 409
    assert (await project.talk.ask("POST", "/api/haori/v1/tokens", who=token, body={"name": "x"})).status == 403
    gone = await project.talk.ask("DELETE", f"{PATH}/1795662000?id=t1", who=OWNER_TOKEN)
    assert gone.status == 200
    assert await who(project, token) == ""
    assert (await project.talk.ask("GET", "/api/v1/applications", who=token)).status == 401


async def test_a_project_s_token_is_known_by_its_second_as_well(project: House):
    await project.talk.ask("POST", PATH, who=OWNER_TOKEN, body={})
    assert (await project.talk.ask("DELETE", f"{PATH}/1", who=OWNER_TOKEN)).code == "project-token-unknown"
    assert (await project.talk.ask("DELETE", f"{PATH}/1795662000", who=OWNER_TOKEN)).status == 200


async def test_only_who_may_change_the_project_gives_its_roles_tokens(project: House):
    for name in ("reader", "member"):
        answer = await project.talk.ask("POST", PATH, who=await project.credential(name), body={})
        assert answer.code == "permission-denied"
    answer = await project.talk.ask("POST", PATH.replace("/ci/", "/qa/"), who=OWNER_TOKEN, body={})
    assert answer.code == "project-role-unknown"


async def test_settings_say_how_one_may_sign_in(house: House):
    open_ = (await house.talk.ask("GET", "/api/v1/settings")).json()
    house.tell("argocd-cm", **{"admin.enabled": "false"})
    closed = (await house.talk.ask("GET", "/api/v1/settings")).json()
    assert (open_["userLoginsDisabled"], closed["userLoginsDisabled"]) == (False, True)
    assert "passwordPattern" not in open_
