"""The server by itself: seconds and bytes of lists and of a large tree, and how soon a change reaches a stream."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path

import aiohttp

from bench.figures import Figure
from bench.pages.fixture import CONTROL, TREE
from bench.pages.server import Server
from haori.cluster import HttpClient, PatchType, connect
from haori.cluster.well_known import APPLICATIONS

PAGE = 100
LISTS = {
    "first list": f"perPage={PAGE}",
    "page in the middle": f"perPage={PAGE}&page=50",
    "search": f"perPage={PAGE}&search=service-09",
    "filter by health, sorted": f"perPage={PAGE}&health=Degraded&sort=-reconciledAt",
}
REPEATS, CHANGES = 15, 10
CHANGED = "service-00007"


async def measure(server: Server, kubeconfig: Path) -> list[Figure]:
    """Medians and the slowest of REPEATS requests one after another, each on a connection that is there already."""
    figures = []
    async with server.session() as session:
        for name, query in LISTS.items():
            figures += await _request(session, name, f"/api/haori/v1/applications?{query}")
        figures += await _request(session, f"tree of {TREE}", f"/api/haori/v1/applications/{TREE}/tree")
    async with connect(kubeconfig, user_agent="haori-bench") as client:
        figures += await _changes(server, client)
    return figures


async def _request(session: aiohttp.ClientSession, name: str, path: str) -> list[Figure]:
    seconds, size = [], 0
    for _ in range(REPEATS):
        began = time.perf_counter()
        async with session.get(path, headers={"Accept-Encoding": "gzip"}) as response:
            response.raise_for_status()
            size = len(await response.read())
        seconds.append(time.perf_counter() - began)
    return [
        Figure(name=f"{name}: median", value=1000 * statistics.median(seconds), unit="ms"),
        Figure(name=f"{name}: slowest of {REPEATS}", value=1000 * max(seconds), unit="ms"),
        Figure(name=f"{name}: on the wire", value=size / 1000, unit="kB"),
    ]


async def _changes(server: Server, client: HttpClient) -> list[Figure]:
    """From sending a change of an Application to its row in the stream."""
    listing = await server.get("/api/haori/v1/applications?perPage=1")
    rows: asyncio.Queue[float] = asyncio.Queue()
    seconds = []
    async with (
        aiohttp.ClientSession(server.url, headers=server.headers) as session,
        session.get("/api/haori/v1/applications/stream", params={"cursor": listing["cursor"]}) as stream,
    ):
        reading = asyncio.create_task(_read(stream, rows))
        for number in range(CHANGES):
            patch = {"metadata": {"labels": {"bench": str(number)}}}
            began = time.perf_counter()
            await client.patch(APPLICATIONS, CHANGED, CONTROL, patch, patch_type=PatchType.MERGE)
            async with asyncio.timeout(30):
                seconds.append(await rows.get() - began)
        reading.cancel()
        await asyncio.wait({reading})
    return [
        Figure(name="change to its row in the stream: median", value=1000 * statistics.median(seconds), unit="ms"),
        Figure(name=f"change to its row: slowest of {CHANGES}", value=1000 * max(seconds), unit="ms"),
    ]


async def _read(stream: aiohttp.ClientResponse, rows: asyncio.Queue[float]) -> None:
    async for line in stream.content:
        if not line.startswith(b"data:"):
            continue
        told = json.loads(line[5:])
        if any(row["name"] == CHANGED for row in told.get("changed", ())):
            rows.put_nowait(time.perf_counter())
