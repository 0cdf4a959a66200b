"""Local accounts as Argo CD keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.access.accounts import AccountToken, Capability, format_tokens, parse_accounts
from haori.access.book import INITIAL_SECRET, SECRET, AccountBook, decode_data
from haori.access.errors import AccessError
from haori.access.passwords import Passwords, hash_password, verify_password
from haori.cluster import EventType, WatchEvent
from haori.cluster.well_known import SECRETS
from haori.sandbox.api.local import LocalClient

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
BCRYPT = "$2b$04$cRDSofWYgsFxlajA/VbbL.KhXB9jX9Wy5nEN9nLDW6ZrR6lZEW0ki"
"""Of `pass word`."""


def test_an_account_has_what_the_two_objects_say():
    tokens = format_tokens([AccountToken(id="t1", issued_at=5, expires_at=9)])
    accounts = parse_accounts(
        {"accounts.ann": "apiKey, login", "accounts.bob": "login", "accounts.bob.enabled": "false"},
        {"accounts.ann.password": b"hash", "accounts.ann.passwordMtime": b"2026-11-26T03:00:00Z",
         "accounts.ann.tokens": tokens.encode(), "server.secretkey": b"key"},
    )  # fmt: skip

    ann, bob, admin = (accounts.by_name[name] for name in ("ann", "bob", "admin"))
    assert (ann.password_hash, ann.password_changed_at, ann.has_token("t1"), ann.has_token("t2")) == (
        "hash", NOW, True, False,
    )  # fmt: skip
    assert ann.may_use(Capability.LOGIN)
    assert ann.may_use(Capability.API_KEY)
    assert not bob.may_use(Capability.LOGIN)
    assert (admin.may_use(Capability.LOGIN), admin.may_use(Capability.API_KEY)) == (True, False)
    assert accounts.problems == ()


@pytest.mark.parametrize(
    ("config", "secret", "name"),
    [
        pytest.param({"admin.enabled": "false"}, {}, "admin", id="admin-is-switched-off"),
        pytest.param({"admin.enabled": "nope"}, {}, "admin", id="a-switch-that-cannot-be-read"),
        pytest.param({"accounts.ann": "login", "accounts.ann.enabled": "nein"}, {}, "ann", id="of-an-account"),
        pytest.param({"accounts.ann": "login"}, {"accounts.ann.passwordMtime": b"?"}, "ann", id="a-time"),
        pytest.param({"accounts.ann": "logins"}, {}, "ann", id="an-unknown-capability"),
        pytest.param({"accounts.ann.enabled": "true"}, {}, "ann", id="no-capability"),
    ],
)
def test_what_cannot_be_read_never_opens_an_account(config, secret, name):
    assert not parse_accounts(config, secret).by_name[name].may_use(Capability.LOGIN)


def test_a_broken_entry_is_said_and_the_others_count():
    accounts = parse_accounts(
        {"accounts.ann": "login", "accounts.bob": "login"}, {"accounts.ann.tokens": b"{", "accounts.x.tokens": b"["}
    )
    assert [problem.parameters["key"] for problem in accounts.problems] == ["accounts.ann.tokens"]
    assert accounts.by_name["bob"].may_use(Capability.LOGIN)


@pytest.mark.parametrize(
    ("text", "duration"),
    [("24h", timedelta(hours=24)), ("1h30m", timedelta(minutes=90)), ("", timedelta(hours=24)), ("soon", timedelta(hours=24))],
)  # fmt: skip
def test_how_long_a_session_lasts_is_a_setting(text, duration):
    assert parse_accounts({"users.session.duration": text}, {}).session_duration == duration


@pytest.mark.parametrize(
    ("stored", "password", "is_right"),
    [
        pytest.param(BCRYPT, "pass word", True, id="as-argo-wrote-it"),
        pytest.param(BCRYPT, "pass words", False, id="another"),
        pytest.param(BCRYPT, "x" * 80, False, id="longer-than-bcrypt-takes"),
        pytest.param("$2b$nothing", "pass word", False, id="no-bcrypt"),
        pytest.param("plain", "plain", False, id="a-password-in-the-clear"),
        pytest.param("", "", False, id="nothing"),
    ],
)
def test_a_password_is_verified_by_its_form(stored, password, is_right):
    assert verify_password(stored, password) is is_right


async def test_a_new_password_is_argon2id_and_no_other_is_right():
    stored = hash_password("correct horse")
    passwords = Passwords()
    assert stored.startswith("$argon2id$")
    assert await passwords.is_right(stored, "correct horse")
    assert not await passwords.is_right(stored, "wrong horse")
    assert not await passwords.is_right("", "")


@pytest.fixture
def book(client: LocalClient) -> AccountBook:
    return AccountBook(client, "argocd", Passwords(), lambda: NOW)


def tell(book: AccountBook, **settings: str) -> None:
    data = {key.replace("_", "."): value for key, value in settings.items()}
    manifest = {"kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": data}
    book.observe(WatchEvent(type=EventType.MODIFIED, object=manifest))


async def secret_of(client: LocalClient, name: str = SECRET) -> dict[str, bytes]:
    found: dict[str, Any] = await client.get(SECRETS, name, "argocd")
    return decode_data(found["data"])


async def test_a_first_start_makes_a_key_and_a_password_of_admin(book: AccountBook, client: LocalClient):
    await book.prepare()

    password = (await secret_of(client, INITIAL_SECRET))["password"].decode()
    assert verify_password(book.accounts.by_name["admin"].password_hash, password)
    assert len(book.accounts.signing_key) >= 32
    assert (await secret_of(client))["admin.password"].startswith(b"$argon2id$")


async def test_a_second_start_changes_nothing(book: AccountBook, client: LocalClient):
    await book.prepare()
    before = await secret_of(client)
    await AccountBook(client, "argocd", Passwords(), lambda: NOW).prepare()
    assert await secret_of(client) == before


async def test_no_password_is_made_where_admin_is_off(book: AccountBook, client: LocalClient):
    tell(book, admin_enabled="false")
    await book.prepare()
    assert "admin.password" not in await secret_of(client)


async def test_a_new_password_ends_what_was_given_out_before(book: AccountBook):
    tell(book, accounts_ann="login")
    await book.prepare()
    await book.set_password("ann", "correct horse")

    ann = book.accounts.by_name["ann"]
    assert verify_password(ann.password_hash, "correct horse")
    assert ann.is_older(NOW - timedelta(seconds=1))
    assert not ann.is_older(NOW)


async def test_a_token_is_listed_and_taken_away(book: AccountBook):
    tell(book, accounts_ann="apiKey")
    await book.prepare()
    await book.add_token("ann", AccountToken(id="ci", issued_at=1))
    assert book.accounts.by_name["ann"].has_token("ci")
    with pytest.raises(AccessError, match="already"):
        await book.add_token("ann", AccountToken(id="ci", issued_at=1))

    await book.remove_token("ann", "ci")
    assert not book.accounts.by_name["ann"].has_token("ci")
    with pytest.raises(AccessError, match="no token"):
        await book.remove_token("ann", "ci")


async def test_what_others_wrote_meanwhile_stays(book: AccountBook, client: LocalClient):
    tell(book, accounts_ann="apiKey")
    await book.prepare()
    found = await client.get(SECRETS, SECRET, "argocd")
    found["data"]["webhook.github.secret"] = "aHVzaA=="
    await client.replace(SECRETS, found)

    await book.add_token("ann", AccountToken(id="ci", issued_at=1))

    assert (await secret_of(client))["webhook.github.secret"] == b"hush"


async def test_an_account_that_is_not_there_gets_no_password(book: AccountBook):
    await book.prepare()
    with pytest.raises(AccessError, match="no account"):
        await book.set_password("ghost", "correct horse")
