"""Many requests to one API server at once, sixteen in flight, with little of the machine's time on our side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from haori.cluster import HttpClient, NotFoundError, PatchType
from haori.cluster.well_known import APPLICATIONS

Item = TypeVar("Item")
IN_FLIGHT = 16
CONTROL = "argocd"


async def at_once(items: Iterable[Item], call: Callable[[Item], Awaitable[Any]], limit: int = IN_FLIGHT) -> None:
    """Calls for every item, `limit` at a time; the first failure ends all."""
    waiting = iter(list(items))

    async def work() -> None:
        for item in waiting:
            await call(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(limit):
            group.create_task(work())


async def merge(client: HttpClient, name: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    """A merge patch of an Application."""
    return await client.patch(APPLICATIONS, name, namespace, body, patch_type=PatchType.MERGE, field_manager="bench")


async def tell(client: HttpClient, name: str) -> dict[str, Any]:
    """Asks for a refresh, as `argocd app get --refresh` does; the Application as it is then."""
    body = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    return await merge(client, name, CONTROL, body)


async def delete_quietly(call: Awaitable[Any]) -> None:
    """A deletion of what may be gone."""
    try:
        await call
    except NotFoundError:
        return
