"""A cluster with a control namespace, in this process, and a database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haori.cluster.well_known import NAMESPACES
from haori.sandbox.api.bootstrap import open_api
from haori.sandbox.api.local import LocalClient
from haori.sandbox.api.store import open_store
from tests.store.conftest import server, settings, url, wheel

__all__ = ["client", "server", "settings", "url", "wheel"]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[LocalClient]:
    async with open_store(tmp_path / "state.db") as store:
        client = LocalClient(await open_api(store))
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
        yield client
