"""The schema is brought up once, by one, and never from a newer or another state."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from haori.store import StoreSchemaError, open_store
from haori.store.schema import Migration, known_migrations, migrate

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOW = Migration(
    number=1, name="0001_a.sql", text="CREATE TABLE a (i int); SELECT pg_sleep(0.2); INSERT INTO a VALUES (1)"
)
SECOND = Migration(number=2, name="0002_b.sql", text="INSERT INTO a VALUES (2)")
BROKEN = Migration(number=2, name="0002_b.sql", text="INSERT INTO a VALUES (2); SELECT nonsense")


async def opened(url, migrations):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await migrate(connection, "here", migrations)


async def rows(url, query):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(query)).fetchall()


async def test_files_are_numbered_without_a_gap():
    assert [migration.number for migration in known_migrations()] == list(range(1, len(known_migrations()) + 1))


async def test_two_that_open_at_once_apply_once(url):
    done = await asyncio.gather(opened(url, [SLOW, SECOND]), opened(url, [SLOW, SECOND]))
    assert sorted(done) == [[], ["0001_a.sql", "0002_b.sql"]]
    assert await rows(url, "SELECT i FROM haori.a ORDER BY i") == [(1,), (2,)]


async def test_only_what_is_new_is_applied(url):
    assert await opened(url, [SLOW]) == ["0001_a.sql"]
    assert await opened(url, [SLOW, SECOND]) == ["0002_b.sql"]


async def test_a_migration_that_fails_leaves_nothing(url):
    with pytest.raises(psycopg.Error):
        await opened(url, [SLOW, BROKEN])
    assert await rows(url, "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'haori'") == []


async def test_a_newer_database_is_refused_and_left_alone(url):
    await opened(url, [SLOW, SECOND])
    with pytest.raises(StoreSchemaError) as caught:
        await opened(url, [SLOW])
    assert caught.value.code == "store-schema-newer"
    assert caught.value.parameters == {"where": "here", "migration": "0002_b.sql"}


async def test_a_file_that_was_changed_afterwards_is_refused(url):
    await opened(url, [SLOW])
    with pytest.raises(StoreSchemaError) as caught:
        await opened(url, [replace(SLOW, text="SELECT 1"), SECOND])
    assert caught.value.code == "store-schema-changed"
    assert await rows(url, "SELECT count(*) FROM haori.a") == [(1,)]


async def test_a_store_opens_again(settings):
    for _ in range(2):
        async with open_store(settings) as store:
            async with store.transaction() as connection:
                found = await (await connection.execute("SELECT count(*) FROM migration")).fetchone()
            assert found == (len(known_migrations()),)
