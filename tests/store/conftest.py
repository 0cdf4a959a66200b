"""A server out of the wheel for all tests of a module, and a database of its own for each test."""

import uuid

import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo

from haori.store import StoreSettings, run_embedded
from haori.store.binaries import find_binaries, wheel_folders


@pytest.fixture(scope="session")
def wheel():
    return find_binaries(folders=wheel_folders())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory, wheel):
    async with run_embedded(tmp_path_factory.mktemp("store"), wheel) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def url(server):
    name = f"t{uuid.uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    return make_conninfo(server.url, dbname=name)


@pytest.fixture
def settings(url):
    return StoreSettings(url=url, wait_seconds=5)
