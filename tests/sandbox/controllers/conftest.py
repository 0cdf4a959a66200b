"""Our controllers on our API, in this process, over a database in a temporary folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.local import LocalClient
from haori.sandbox.api.store import open_store
from haori.sandbox.controllers import ControllerSettings
from tests.sandbox.controllers.bench import Bench, add_node, benched


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[LocalClient]:
    """A client of an API with one node."""
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await add_node(client)
        yield client


@pytest.fixture
async def bench(client: LocalClient) -> AsyncIterator[Bench]:
    """A namespace in which our controllers work."""
    async with benched(client, "case", ControllerSettings(ca_certificate="PEM", backoff_seconds=0.05)) as bench:
        yield bench
