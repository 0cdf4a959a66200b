"""Views are everybody's to see and their maker's to change."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from haori.server.shared_views import AT_MOST, MOST_OF_ONE
from tests.access.conftest import client, server, settings, url, wheel
from tests.server.furnished import OWNER_TOKEN, House
from tests.server.talking import Answer
from tests.server.test_signing_in import bare, house, make_scoped

__all__ = ["bare", "client", "house", "server", "settings", "url", "wheel"]

ONE = "/api/haori/v1/views"


async def put(house: House, credential: str, name: str, search: Any = "health=Degraded") -> Answer:
    return await house.talk.ask("PUT", f"{ONE}/{quote(name, safe='')}", who=credential, body={"search": search})


async def listed(house: House, credential: str) -> list[tuple[str, str, str, bool]]:
    items = (await house.talk.ask("GET", ONE, who=credential)).json()["items"]
    return [(each["name"], each["search"], each["by"], each["own"]) for each in items]


async def test_everybody_sees_one_and_its_maker_changes_it(house: House):
    reader, member = await house.credential("reader"), await house.credential("member")
    assert (await put(house, reader, "ill: 夜")).status == 200

    assert await listed(house, member) == [("ill: 夜", "health=Degraded", "reader", False)]
    assert (await put(house, member, "ill: 夜", "")).status == 403
    assert (await house.talk.ask("DELETE", f"{ONE}/{quote('ill: 夜')}", who=member)).status == 403
    assert (await put(house, reader, "ill: 夜", "health=Missing")).status == 200
    assert await listed(house, reader) == [("ill: 夜", "health=Missing", "reader", True)]
    assert (await house.talk.ask("GET", ONE)).status == 401


async def test_who_may_change_accounts_mends_what_others_left(house: House):
    await put(house, await house.credential("reader"), "ill")

    assert (await put(house, OWNER_TOKEN, "ill", "sync=OutOfSync")).status == 200
    assert await listed(house, OWNER_TOKEN) == [("ill", "sync=OutOfSync", "reader", False)], "it stays its maker's"
    assert (await house.talk.ask("DELETE", f"{ONE}/ill", who=OWNER_TOKEN)).status == 200
    gone = await house.talk.ask("DELETE", f"{ONE}/ill", who=OWNER_TOKEN)
    assert (gone.status, gone.code, await listed(house, OWNER_TOKEN)) == (404, "view-unknown", [])


@pytest.mark.parametrize(
    ("name", "search", "field"),
    [
        ("x" * 61, "", "name"),
        ("two\nlines", "", "name"),
        ("  ", "", "name"),
        ("a ", "", "name"),
        ("..", "", "name"),
        ("a", None, "search"),
        ("a", ["q=1"], "search"),
        ("a", "x" * 2001, "search"),
        ("a", "q=1#elsewhere", "search"),
        ("a", "q=a b", "search"),
    ],
)
async def test_what_nobody_could_use_is_refused(house: House, name: str, search: Any, field: str):
    answer = await put(house, OWNER_TOKEN, name, search)
    assert (answer.code, answer.json()["haori"]["parameters"]) == ("field-unusable", {"field": field})


async def test_there_is_an_end_to_them(house: House):
    async with house.entrance.store.transaction() as connection:
        await connection.execute(
            "INSERT INTO view SELECT 'v' || n, '', 'reader', 'local', now() FROM generate_series(1, %s) n", [AT_MOST]
        )
    assert (await put(house, OWNER_TOKEN, "one more")).code == "views-full"
    assert (await put(house, OWNER_TOKEN, "v7")).status == 200


async def test_nobody_takes_the_room_of_all(house: House):
    reader = await house.credential("reader")
    made = [await put(house, reader, f"v{number}") for number in range(MOST_OF_ONE + 1)]

    assert [answer.status for answer in made[:-1]] == [200] * MOST_OF_ONE
    assert (made[-1].code, (await put(house, OWNER_TOKEN, "mine")).status) == ("views-of-one-full", 200)


async def test_a_token_with_scopes_names_nothing_for_everybody(house: House):
    token = (await make_scoped(house, await house.credential("reader"), scopes=["*:get"])).json()["token"]
    assert (await put(house, token, "mine")).status == 403
    assert await listed(house, token) == []


async def test_without_the_store_it_says_so(bare: House):
    answer = await bare.talk.ask("GET", ONE, who=OWNER_TOKEN)
    assert (answer.status, answer.code) == (503, "store-away")
