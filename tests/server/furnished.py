"""A server with accounts, a cluster of its own in this process, and a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from haori.access.book import AccountBook
from haori.access.entrance import Entrance
from haori.access.passwords import Passwords
from haori.access.trail import AuditTrail
from haori.cluster import EventType, HttpClient, WatchEvent
from haori.sandbox.api.local import LocalClient
from haori.server.app import build_app
from haori.server.context import ServerContext
from haori.server.permissions import Permissions
from haori.store import StoreKeeper, StoreSettings
from tests.server.people import RULES
from tests.server.talking import Answer, Talk

BCRYPT = "$2b$04$cRDSofWYgsFxlajA/VbbL.KhXB9jX9Wy5nEN9nLDW6ZrR6lZEW0ki"
WORD = "pass word"
"""The password of every account."""
OWNER_TOKEN = "owner-token"
ACCOUNTS = {
    "accounts.reader": "login, apiKey", "accounts.member": "login, apiKey", "accounts.bot": "apiKey",
    "accounts.plain": "login",
}  # fmt: skip


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything of one server."""

    context: ServerContext
    entrance: Entrance
    permissions: Permissions
    talk: Talk
    clock: Clock

    def tell(self, name: str, **data: str) -> None:
        """What a ConfigMap says now."""
        manifest: dict[str, Any] = {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        event = WatchEvent(type=EventType.MODIFIED, object=manifest)
        self.entrance.book.observe(event)
        self.permissions.observe_settings(event)

    async def sign_in(self, name: str = "reader", password: str = WORD, **headers: str) -> Answer:
        body = {"username": name, "password": password}
        return await self.talk.ask("POST", "/api/v1/session", who="", body=body, raw=b"", **headers)

    async def credential(self, name: str) -> str:
        """Of a new session."""
        return str((await self.sign_in(name)).json()["token"])


@asynccontextmanager
async def furnish(context: ServerContext, client: LocalClient, store: StoreSettings | None) -> AsyncIterator[House]:
    """The house; None: without a store."""
    clock, cluster = Clock(), cast(HttpClient, client)
    keeper = StoreKeeper(store)
    running = asyncio.create_task(keeper.run())
    permissions = Permissions(cluster, "argocd")
    permissions.is_read = True
    book = AccountBook(client, "argocd", Passwords(), clock)
    entrance = Entrance(
        owner_token=OWNER_TOKEN,
        book=book,
        store=keeper,
        clock=clock,
        seconds=clock.seconds,
        is_listed=lambda identity: permissions.policy().is_listed(identity),
        group_claims=permissions.group_claims,
    )
    context = replace(
        context,
        client=cluster,
        entrance=entrance,
        trail=AuditTrail(keeper.events, clock),
        authenticator=entrance,
        policy=permissions.policy,
        hear_project=permissions.hear_project,
        clock=clock,
    )
    house = House(
        context=context,
        entrance=entrance,
        permissions=permissions,
        talk=Talk(build_app(context, port=8080)),
        clock=clock,
    )
    house.tell("argocd-cm", **ACCOUNTS)
    house.tell("argocd-rbac-cm", **{"policy.csv": RULES})
    await book.prepare()
    await book.change(_with_passwords)
    if store is not None:
        await keeper.wait_open()
    keeping = asyncio.create_task(context.trail.run())
    try:
        yield house
    finally:
        await stop(keeping)
        if store is not None:
            await context.trail.finish()
        await stop(running)


async def stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _with_passwords(data: dict[str, bytes]) -> None:
    for name in ("reader", "member", "bot", "plain"):
        data[f"accounts.{name}.password"] = BCRYPT.encode()
    data["admin.password"] = BCRYPT.encode()
    del data["admin.passwordMtime"]
