"""Who comes in, and by what; over a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.access import Identity
from haori.access.book import AccountBook
from haori.access.entrance import Entrance, SignedIn, credential_of
from haori.access.errors import AccessError, SignInError
from haori.access.identity import OWNER
from haori.access.passwords import Passwords
from haori.access.sessions import AT_MOST, IDLE
from haori.cluster import EventType, WatchEvent
from haori.sandbox.api.local import LocalClient
from haori.store import StoreKeeper, StoreSettings, StoreUnavailableError

BCRYPT = "$2b$04$cRDSofWYgsFxlajA/VbbL.KhXB9jX9Wy5nEN9nLDW6ZrR6lZEW0ki"
WORD = "pass word"
HOME = "127.0.0.1"


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(settings: StoreSettings) -> AsyncIterator[StoreKeeper]:
    keeper = StoreKeeper(settings)
    task = asyncio.create_task(keeper.run())
    await keeper.wait_open()
    yield keeper
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def entrance(client: LocalClient, store: StoreKeeper, clock: Clock) -> Entrance:
    return await furnished(client, store, clock)


async def furnished(client: LocalClient, store: StoreKeeper, clock: Clock) -> Entrance:
    book = AccountBook(client, "argocd", Passwords(), clock)
    tell(book, **{"accounts.ann": "login, apiKey", "accounts.bot": "apiKey", "admin.enabled": "false"})
    await book.prepare()

    def write(data: dict[str, bytes]) -> None:
        data["accounts.ann.password"] = data["accounts.bot.password"] = BCRYPT.encode()

    await book.change(write)
    return Entrance(owner_token="owner-token", book=book, store=store, clock=clock, seconds=clock.seconds)


def tell(book: AccountBook, **data: str) -> None:
    manifest: dict[str, Any] = {"kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": data}
    book.observe(WatchEvent(type=EventType.MODIFIED, object=manifest))


async def who(entrance: Entrance, credential: str) -> Identity | None:
    by_header = await entrance.identify(f"Bearer {credential}", {})
    by_cookie = await entrance.identify(None, {"argocd.token": credential})
    assert by_header == by_cookie
    return by_header


async def ann(entrance: Entrance) -> SignedIn:
    return await entrance.sign_in("ann", WORD, HOME)


@pytest.mark.parametrize(
    ("authorization", "cookies", "credential"),
    [
        ("Bearer abc", {}, "abc"),
        ("bearer  abc ", {}, "abc"),
        (None, {"argocd.token": "abc"}, "abc"),
        ("Basic abc", {"argocd.token": "good"}, ""),
        ("", {"argocd.token": "good"}, ""),
        (None, {}, ""),
    ],
)
def test_a_header_stands_alone(authorization, cookies, credential):
    assert credential_of(authorization, cookies) == credential


@pytest.mark.parametrize("credential", ["", "x", "haori_s_x", "haori_t_x", "a.b.c", "owner-toke", "Größe", "\ud800"])
async def test_what_opens_nothing_is_nobody(entrance: Entrance, credential):
    assert await who(entrance, credential) is None


async def test_the_token_of_the_folder_is_the_owner(entrance: Entrance):
    assert await who(entrance, "owner-token") == OWNER


async def test_a_session_is_its_account_s(entrance: Entrance):
    found = await who(entrance, (await ann(entrance)).secret)
    assert found is not None
    assert (found.subject, found.issuer, found.scopes) == ("ann", "local", None)


async def test_only_a_hash_of_a_session_is_kept(entrance: Entrance, store: StoreKeeper):
    secret = (await ann(entrance)).secret
    async with store.transaction() as connection:
        row = await (await connection.execute("SELECT session::text FROM session")).fetchone()
    assert row is not None
    assert secret.removeprefix("haori_s_") not in row[0]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ann", "wrong", id="another-password"),
        pytest.param("ann", "", id="none"),
        pytest.param("bot", WORD, id="an-account-for-tokens"),
        pytest.param("admin", WORD, id="switched-off"),
        pytest.param("ghost", WORD, id="nobody"),
    ],
)
async def test_a_sign_in_that_fails_does_not_say_why(entrance: Entrance, name, password):
    with pytest.raises(SignInError) as raised:
        await entrance.sign_in(name, password, HOME)
    assert (raised.value.code, raised.value.parameters) == ("sign-in-refused", {})


async def test_a_session_that_is_not_used_ends(entrance: Entrance, clock: Clock):
    secret = (await ann(entrance)).secret
    clock.now += IDLE - timedelta(minutes=5)
    assert await who(entrance, secret) is not None
    clock.now += IDLE - timedelta(minutes=5)
    assert await who(entrance, secret) is not None
    clock.now += IDLE
    assert await who(entrance, secret) is None


async def test_a_session_ends_however_much_it_is_used(entrance: Entrance, clock: Clock):
    secret = (await ann(entrance)).secret
    for _ in range(5):
        clock.now += timedelta(hours=5)
        last = await who(entrance, secret)
    assert last is None


async def test_signing_out_ends_the_session(entrance: Entrance):
    secret, other = (await ann(entrance)).secret, (await ann(entrance)).secret
    assert await entrance.sign_out(None, {"argocd.token": secret}) is not None
    assert await who(entrance, secret) is None
    assert await who(entrance, other) is not None


async def test_a_new_password_ends_all_sessions_at_once(entrance: Entrance):
    secret = (await ann(entrance)).secret
    await entrance.change_password("ann", "correct horse battery")
    assert await who(entrance, secret) is None
    with pytest.raises(SignInError):
        await ann(entrance)
    assert (await entrance.sign_in("ann", "correct horse battery", HOME)).secret


async def test_a_password_that_is_too_simple_is_refused(entrance: Entrance):
    with pytest.raises(AccessError, match="does not match"):
        await entrance.change_password("ann", "short")


async def test_an_account_that_is_switched_off_is_out_at_once(entrance: Entrance):
    secret = (await ann(entrance)).secret
    tell(entrance.book, **{"accounts.ann": "login", "accounts.ann.enabled": "false"})
    assert await who(entrance, secret) is None


async def test_the_oldest_of_too_many_sessions_makes_room(entrance: Entrance, clock: Clock):
    identity = Identity(subject="ann", issuer="local")
    secrets = []
    for _ in range(AT_MOST + 1):
        clock.now += timedelta(seconds=1)
        secrets.append((await entrance.begin(identity)).secret)
    assert await who(entrance, secrets[0]) is None
    assert await who(entrance, secrets[1]) is not None


async def test_guessing_is_slowed_down(entrance: Entrance):
    for _ in range(5):
        with pytest.raises(SignInError, match="not right"):
            await entrance.sign_in("ann", "wrong", HOME)
    with pytest.raises(SignInError, match="too often"):
        await ann(entrance)


async def test_a_link_signs_the_owner_in_once(entrance: Entrance):
    link = await entrance.make_link(OWNER)
    found = await who(entrance, (await entrance.take_link(link.code, HOME)).secret)
    assert found is not None
    assert found.is_owner
    with pytest.raises(SignInError):
        await entrance.take_link(link.code, HOME)


async def test_of_two_who_take_a_link_at_once_one_gets_in(entrance: Entrance):
    link = await entrance.make_link(OWNER)
    tries = [entrance.take_link(link.code, f"10.0.0.{number}") for number in range(5)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, SignedIn) for each in results) == 1


async def test_a_link_is_good_for_two_minutes(entrance: Entrance, clock: Clock):
    link = await entrance.make_link(OWNER)
    clock.now += timedelta(minutes=2)
    with pytest.raises(SignInError, match="two minutes"):
        await entrance.take_link(link.code, HOME)


async def test_a_token_of_ours_is_narrower_than_its_maker_and_ends(entrance: Entrance, clock: Clock):
    maker = Identity(subject="ann", issuer="local", groups=("wear",))
    secret, made = await entrance.tokens.make(maker, "ci", ["applications:sync:shop/*"], timedelta(days=1))

    found = await who(entrance, secret)
    assert found == Identity(
        subject="ann", issuer="local", groups=("wear",), token_id=made.id, scopes=("applications:sync:shop/*",)
    )
    clock.now += timedelta(days=1)
    assert await who(entrance, secret) is None


async def test_a_token_of_ours_is_listed_and_revoked(entrance: Entrance):
    maker, other = Identity(subject="ann", issuer="local"), Identity(subject="bob", issuer="local")
    secret, made = await entrance.tokens.make(maker, "ci", ["*:*"], timedelta(days=1))
    assert [each.id for each in await entrance.tokens.list_of(maker)] == [made.id]
    assert await entrance.tokens.list_of(other) == []
    await entrance.tokens.revoke(made.id)
    with pytest.raises(AccessError):
        await entrance.tokens.revoke(made.id)
    assert await who(entrance, secret) is None


async def test_a_token_of_ours_ends_with_its_account(entrance: Entrance):
    secret, _ = await entrance.tokens.make(Identity(subject="bot", issuer="local"), "ci", ["*:*"], timedelta(days=1))
    assert await who(entrance, secret) is not None
    tell(entrance.book, **{"accounts.bot": "login"})
    assert await who(entrance, secret) is None


async def test_a_token_of_ours_ends_with_the_provider_that_knew_its_maker(entrance: Entrance):
    tell(entrance.book, **{"oidc.config": "issuer: https://id.example\nclientID: haori\n"})
    maker = Identity(subject="eve", issuer="https://id.example", groups=("wear",))
    secret, _ = await entrance.tokens.make(maker, "ci", ["*:*"], timedelta(days=1))
    assert await who(entrance, secret) is not None
    tell(entrance.book, **{"oidc.config": "issuer: https://other.example\nclientID: haori\n"})
    assert await who(entrance, secret) is None
    tell(entrance.book)
    assert await who(entrance, secret) is None


@pytest.mark.parametrize(
    ("scopes", "days", "code"),
    [
        ([], 1, "scopes-refused"),
        (["applications"], 1, "scope-unreadable"),
        ([":get"], 1, "scope-unreadable"),
        (["applications:[z-a"], 1, "scope-unreadable"),
        (["*:get", "pods:get"], 1, "scopes-unknown"),
        (["applications:snyc:shop/*"], 1, "scopes-unknown"),
        (["*:*"], 0, "token-time-refused"),
        (["*:*"], 400, "token-time-refused"),
    ],
)
async def test_a_token_that_would_be_wrong_is_refused(entrance: Entrance, scopes, days, code):
    with pytest.raises(AccessError) as raised:
        await entrance.tokens.make(OWNER, "ci", scopes, timedelta(days=days))
    assert raised.value.code == code


@pytest.mark.parametrize(
    "scope",
    [
        "*:*",
        "app*:get",
        "applications:{get,sync}:shop/*",
        "applications:action/apps/Deployment/restart",
        "logs:*",
        "exec:create",
    ],
)
async def test_a_scope_that_fits_something_is_taken(entrance: Entrance, scope):
    _, made = await entrance.tokens.make(OWNER, "ci", [scope], timedelta(days=1))
    assert made.scopes == (scope,)


async def test_scopes_that_fit_nothing_are_all_named_with_what_there_is(entrance: Entrance):
    with pytest.raises(AccessError) as raised:
        await entrance.tokens.make(OWNER, "ci", ["pods:get", "*:get", "logs:read"], timedelta(days=1))
    assert "pods:get, logs:read" in str(raised.value)
    assert raised.value.hint is not None
    assert "applications, applicationsets" in raised.value.hint.text()


async def test_without_the_store_only_what_needs_it_waits(client: LocalClient, clock: Clock):
    entrance = await furnished(client, StoreKeeper(None), clock)
    token = entrance.sign("ann:login", "any", None)

    assert await who(entrance, "owner-token") == OWNER
    assert (await who(entrance, token)) == Identity(subject="ann", issuer="local", token_id="any")
    for asked in (entrance.identify(None, {"argocd.token": "haori_s_x"}), ann(entrance), entrance.make_link(OWNER)):
        with pytest.raises(StoreUnavailableError, match="away"):
            await asked


async def test_a_project_s_token_counts_as_long_as_the_project_lists_it(client: LocalClient, clock: Clock):
    listed = {"ci"}
    book = AccountBook(client, "argocd", Passwords(), clock)
    await book.prepare()
    entrance = Entrance(
        owner_token="x",
        book=book,
        store=StoreKeeper(None),
        clock=clock,
        seconds=clock.seconds,
        is_listed=lambda identity: identity.token_id in listed,
    )
    token = entrance.sign("proj:shop:ci", "ci", None)
    assert await who(entrance, token) == Identity(subject="proj:shop:ci", issuer="token", token_id="ci")
    listed.clear()
    assert await who(entrance, token) is None
