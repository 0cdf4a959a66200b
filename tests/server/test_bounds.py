"""What one sender may cost: bodies of nobody, bodies of webhooks, long logs; and texts that are none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
from starlette.requests import Request

from haori.cluster import HttpClient
from haori.server.api import logs
from haori.server.asking import BODY_BYTES, NOBODYS_BYTES, Ask
from haori.server.context import ServerContext
from haori.server.errors import RefusedError
from haori.server.knocking import BODIES, BODIES_OF_ONE, Bodies
from tests.server.talking import Talk


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/haori/v1/session/link"])
async def test_nobody_sends_more_than_a_password_needs(talk: Talk, path: str):
    body = {"username": "a", "password": "x" * NOBODYS_BYTES}
    answer = await talk.ask("POST", path, body=body)
    assert (answer.status, answer.json()["haori"]["parameters"]) == (413, {"limit": NOBODYS_BYTES})


async def test_who_is_signed_in_sends_a_manifest(talk: Talk):
    fits = await talk.ask("POST", "/api/v1/applications", who="admin", body={"spec": "x" * NOBODYS_BYTES})
    large = await talk.ask("POST", "/api/v1/applications", who="admin", body={"spec": "x" * BODY_BYTES})
    assert (fits.status, large.status) == (400, 413)


def test_few_bodies_of_webhooks_are_read_at_once():
    bodies = Bodies()
    opened = [bodies.read(f"192.0.2.{number // BODIES_OF_ONE}") for number in range(BODIES)]
    for each in opened:
        each.__enter__()

    with pytest.raises(RefusedError), bodies.read("192.0.2.99"):
        pass
    opened[0].__exit__(None, None, None)
    with pytest.raises(RefusedError), bodies.read("192.0.2.1"):
        pass
    with bodies.read("192.0.2.0"):
        pass


@pytest.mark.parametrize("path", ["/api/v1/clusters?name=a%00", "/api/haori/v1/tokens/%00", "/api/v1/account/a%00b"])
async def test_no_name_holds_a_nul(talk: Talk, path: str):
    answer = await talk.ask("GET" if "tokens" not in path else "DELETE", path, who="admin")
    assert (answer.status, answer.code) == (400, "parameter-unreadable")


def test_the_address_is_the_last_that_a_trusted_proxy_saw_in_whatever_header(context: ServerContext):
    """Some proxies leave their client's header as it is and add one of their own."""
    trusting = replace(context, settings=replace(context.settings, trusted_proxies=("127.0.0.0/8",)))
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.7")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "client": ("127.0.0.1", 5)}
    assert Ask(trusting, Request({**scope, "headers": headers}), None, {}).address == "198.51.100.7"


async def test_another_site_s_page_signs_nobody_out(talk: Talk):
    answer = await talk.ask("GET", "/auth/logout", cookie="argocd.token=reader", sec_fetch_site="same-site")
    assert (answer.status, answer.code) == (403, "request-from-elsewhere")


class Chatter:
    """A container that wrote a lot."""

    async def logs(self, name: str, namespace: str, **flags: Any) -> AsyncIterator[bytes]:
        for number in range(1000):
            yield f"2026-11-26T01:02:03Z {number:03} {'x' * 996}\n".encode()


async def test_of_a_long_log_the_last_lines_are_held():
    container = logs.Container(namespace="shop", pod="web-1", name="web")
    found = await logs._whole(cast(HttpClient, Chatter()), container, {}, 10 * 1200)
    assert [line.content[:3] for line in found] == [f"{number}" for number in range(990, 1000)]
