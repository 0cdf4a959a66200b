"""A real identity provider (npm `oidc-provider`), installed from its lock file and run by node, and a browser for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from tests.clients.environments import node_modules

HERE = Path(__file__).parent
PROGRAM = "provider.mjs"
SERVER = "http://localhost:8080"
"""Where the tests' server is for a browser."""


def furnish_folder(folder: Path) -> None:
    """The provider's script beside its packages; skips, or fails where clients are required, without node."""
    (folder / "node_modules").symlink_to(node_modules("oidc"))
    (folder / PROGRAM).write_bytes((HERE / PROGRAM).read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Idp:
    """The provider, and somebody's browser."""

    issuer: str
    browser: aiohttp.ClientSession

    async def control(self, subject: str = "", *groups: str) -> None:
        """Who signs in from now on, in which groups."""
        asked = [*([("subject", subject)] if subject else []), *[("group", group) for group in groups]]
        async with self.browser.get(f"{self.issuer}/control?{urlencode(asked)}") as answer:
            assert answer.status == 200

    async def go(self, url: str) -> str:
        """Where the provider leads the browser in the end: a URL of ours."""
        for _ in range(10):
            async with self.browser.get(url, allow_redirects=False) as answer:
                text = await answer.text()
                assert answer.status in (302, 303), f"{url}: {answer.status} {text[:300]}"
                location = answer.headers["Location"]
            url = location if "://" in location else self.issuer + location
            if url.startswith(SERVER):
                return url
        raise AssertionError("it goes round in circles")


@asynccontextmanager
async def run_provider(folder: Path, id_token_seconds: int = 3600) -> AsyncIterator[Idp]:
    """A provider of its own, in an empty folder."""
    furnish_folder(folder)
    settings = {"redirects": [f"{SERVER}/auth/callback"], "pages": [f"{SERVER}/"], "idTokenSeconds": id_token_seconds}
    child = await asyncio.create_subprocess_exec(
        "node", PROGRAM, json.dumps(settings), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(60):
            issuer = (await child.stdout.readline()).decode().strip()
        assert issuer.startswith("http://127.0.0.1:"), "the provider did not start"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            yield Idp(issuer=issuer, browser=browser)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        # Its pipe ends with it.
        await child.stdout.read()
