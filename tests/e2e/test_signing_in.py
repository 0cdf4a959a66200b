"""Signing in to a server that runs as a process, with a PostgreSQL that goes away."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from haori.cluster import connect
from haori.cluster.well_known import SECRETS
from haori.store import run_embedded
from haori.store.binaries import find_binaries, wheel_folders
from tests.e2e.test_run_server import install, start, wait_ready

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-sandbox")]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def test_the_first_password_and_a_link_sign_in_until_the_store_goes(
    sandbox_cluster: Path, tmp_path: Path, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    await install(sandbox_cluster)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "instance.json").write_text(json.dumps({"kubeconfig": str(sandbox_cluster)}))
    async with run_embedded(tmp_path / "store", find_binaries(folders=wheel_folders())) as store:
        monkeypatch.setenv("HAORI_STORE_URL", store.url)
        process = start(folder)
        try:
            await asyncio.to_thread(wait_ready, folder, process)
            place = json.loads((folder / "server" / "server.json").read_bytes())
            owner = {"Authorization": f"Bearer {place['token']}"}

            async def ask(method: str, path: str, status: int, body: Any = None, **headers: str) -> Any:
                async with http.request(method, place["url"] + path, json=body, headers=headers) as answer:
                    text = await answer.text()
                    assert answer.status == status, f"{method} {path}: {answer.status} {text[:300]}"
                    return json.loads(text)

            async with asyncio.timeout(30):
                while "haori_server_store_open 1.0" not in await metrics(http, place["url"]):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

            password = await initial_password(sandbox_cluster)
            await ask("POST", "/api/v1/session", 401, {"username": "admin", "password": "wrong"})
            await ask("POST", "/api/v1/session", 200, {"username": "admin", "password": password})
            assert (await ask("GET", "/api/v1/session/userinfo", 200))["username"] == "admin"
            listed = await ask("GET", "/api/v1/account", 200)
            assert [each["name"] for each in listed["items"]] == ["admin"]
            await ask("DELETE", "/api/v1/session", 200, **{"X-Haori-Request": "1"})
            await ask("GET", "/api/v1/account", 401)

            made = await ask("POST", "/api/haori/v1/session/links", 200, **owner)
            await ask("POST", "/api/haori/v1/session/link", 200, {"code": made["code"]})
            events = (await ask("GET", "/api/haori/v1/audit?object=admin&action=session/sign-in", 200))["items"]
            assert [each["outcome"] for each in events] == ["done", "refused"]

            assert store.pid is not None
            os.kill(store.pid, signal.SIGQUIT)
            refused = await ask("GET", "/api/v1/account", 503)
            assert refused["haori"]["code"] in ("store-away", "store-unreachable")
            await ask("GET", "/api/v1/account", 200, **owner)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 15) == 0
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)
    log = (folder / "log").read_text()
    for secret in (password, made["code"], place["token"]):
        assert secret not in log


async def metrics(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(f"{url}/metrics") as answer:
        return await answer.text()


async def initial_password(kubeconfig: Path) -> str:
    async with connect(kubeconfig) as client:
        found = await client.get(SECRETS, "argocd-initial-admin-secret", "argocd")
    return base64.b64decode(found["data"]["password"]).decode()
